"""How replies end: servers' words for it in any spelling, and calls that wait whatever it is."""

from typing import Any

import pytest

from replyscope.domain.exchange import Api, ExchangeState
from replyscope.domain.finish import FinishReason, StreamEnd, read_finish_word
from replyscope.domain.tool import ToolCallState
from tests.support.server import delta
from tests.support.streams import call_chunk, entry, fold_stream

WORDS = {
    FinishReason.STOP: "stop STOP Stop end_turn END_TURN stop_sequence eos eos_token COMPLETE "
    "done finish_reason_stop FINISH_REASON_STOP endTurn",
    FinishReason.LENGTH: "length MAX_TOKENS max_tokens maxTokens MaxTokens max_output_tokens "
    "model_length max_messages model_context_window_exceeded max_completion_tokens LENGTH",
    FinishReason.TOOL_CALLS: "tool_calls TOOL_CALLS tool_use toolUse tool_call function_call "
    "TOOL_CALL function-call",
    FinishReason.CONTENT_FILTER: "content_filter SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT "
    "SPII sensitive content_filtered guardrail_intervened IMAGE_SAFETY contentFilter",
    FinishReason.REFUSAL: "refusal REFUSAL",
    FinishReason.CANCELLED: "cancelled canceled steered CANCELLED",
    FinishReason.ERROR: "error ERROR network_error MALFORMED_FUNCTION_CALL "
    "insufficient_system_resource abort timeout UNEXPECTED_TOOL_CALL failed",
    FinishReason.OTHER: "OTHER weird FINISH_REASON_UNSPECIFIED LANGUAGE 7 é",
}
TABLE = [(word, reason) for reason, words in WORDS.items() for word in words.split()]


@pytest.mark.parametrize(("word", "reason"), TABLE)
def test_a_servers_word_is_read_in_any_spelling(word: str, reason: FinishReason) -> None:
    assert read_finish_word(word) is reason
    choice = fold_stream(Api.CHAT, delta("Hel"), delta(finish=word)).choice(0)
    assert (choice.finish_reason, choice.finish_reason_raw) == (reason, word)


@pytest.mark.parametrize("native", ["network_error", "MALFORMED_FUNCTION_CALL", "error"])
def test_a_native_word_for_an_error_counts_over_a_stop(native: str) -> None:
    last = delta(finish="stop")
    last["choices"][0]["native_finish_reason"] = native
    exchange = fold_stream(Api.CHAT, delta("Hel"), last)
    assert exchange.state is ExchangeState.FAILED
    assert exchange.failure is not None
    assert native in exchange.failure.message
    assert exchange.choice(0).text == "Hel"


def test_a_native_word_for_a_limit_leaves_the_gateways_word() -> None:
    last = delta(finish="length")
    last["choices"][0]["native_finish_reason"] = "MAX_TOKENS"
    choice = fold_stream(Api.CHAT, delta("Hel"), last).choice(0)
    assert (choice.finish_reason, choice.finish_reason_raw) == (FinishReason.LENGTH, "length")


CALL = call_chunk(entry(0, "c1", "f", "{}"))
WHOLE = ("stop", "STOP", "end_turn", "tool_use", "tool_calls", "weird", None, "", "refusal")
CUT = (("length", FinishReason.LENGTH), ("MAX_TOKENS", FinishReason.LENGTH))
FAILED = ("error", "network_error")


@pytest.mark.parametrize("word", WHOLE)
def test_a_call_waits_whatever_a_whole_reply_ends_with(word: Any) -> None:
    last = [delta(finish=word)] if word is not None else []
    exchange = fold_stream(Api.CHAT, CALL, *last)
    choice = exchange.choice(0)
    assert exchange.state is ExchangeState.COMPLETED
    assert choice.finish_reason is FinishReason.TOOL_CALLS
    assert [call.state for call in choice.tool_calls] == [ToolCallState.REQUESTED]


@pytest.mark.parametrize(("word", "reason"), CUT)
def test_a_call_of_a_reply_that_was_cut_does_not_wait(word: str, reason: FinishReason) -> None:
    assert fold_stream(Api.CHAT, CALL, delta(finish=word)).choice(0).finish_reason is reason


@pytest.mark.parametrize("word", FAILED)
def test_a_call_of_a_reply_that_failed_does_not_wait(word: str) -> None:
    exchange = fold_stream(Api.CHAT, CALL, delta(finish=word))
    assert exchange.state is ExchangeState.FAILED
    assert exchange.choice(0).finish_reason is FinishReason.ERROR


@pytest.mark.parametrize("end", [StreamEnd.CLOSED, StreamEnd.BROKEN])
def test_a_call_of_a_stream_that_broke_off_does_not_wait(end: StreamEnd) -> None:
    exchange = fold_stream(Api.CHAT, CALL, end=end)
    assert exchange.choice(0).finish_reason is FinishReason.TRUNCATED


def test_a_marker_without_a_reason_is_a_whole_reply() -> None:
    exchange = fold_stream(Api.CHAT, delta("Hello"))
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.choice(0).finish_reason is FinishReason.UNSTATED


@pytest.mark.parametrize("word", [None, "", "null", "None"])
def test_a_word_that_says_nothing_is_none(word: str | None) -> None:
    choice = fold_stream(Api.CHAT, delta("a", finish=word), delta("b")).choice(0)
    assert (choice.finish_reason, choice.finish_reason_raw) == (FinishReason.UNSTATED, None)


def test_the_last_word_that_says_something_counts() -> None:
    choice = fold_stream(Api.CHAT, delta("a", finish=""), delta(finish="length")).choice(0)
    assert choice.finish_reason is FinishReason.LENGTH


def test_a_word_with_every_chunk_ends_nothing_before_the_end() -> None:
    exchange = fold_stream(Api.CHAT, delta("a", finish="stop"), delta("b", finish="stop"))
    assert exchange.choice(0).text == "ab"


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("max_output_tokens", FinishReason.LENGTH),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("max_messages", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("steered", FinishReason.CANCELLED),
        ("stop", FinishReason.OTHER),
        (None, FinishReason.OTHER),
    ],
)
def test_an_incomplete_response_says_why(reason: str | None, meant: FinishReason) -> None:
    details = None if reason is None else {"reason": reason}
    response: dict[str, Any] = {"status": "incomplete", "incomplete_details": details}
    event = {"type": "response.incomplete", "response": response}
    assert fold_stream(Api.RESPONSES, event).choice(0).finish_reason is meant

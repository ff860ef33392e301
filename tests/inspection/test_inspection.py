"""What is shown of an exchange."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Choice, Exchange, ExchangeState, Timing, ToolCall, Usage
from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason, Outcome, StreamEnd, derive_finish
from replyscope.inspection.argument_check import check_arguments
from replyscope.inspection.arguments import one_line, pretty_arguments, readable_result
from replyscope.inspection.explain import Mood, Remedy, explain
from replyscope.inspection.figures import (
    cost,
    count,
    dollars,
    rate,
    seconds,
    size,
    sparkline,
    usage_rows,
)
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.json_view import exchange_object
from replyscope.inspection.schema_check import check_reply
from replyscope.inspection.wire import frame_fields, frames_text, wire_text
from tests.support.build import make_exchange


def done(reason: FinishReason, **fields: Any) -> Any:
    choice = Choice(0, "text", finish_reason=reason, finish_reason_raw=reason.value)
    return make_exchange(state=ExchangeState.COMPLETED, choices=(choice,), **fields)


@pytest.mark.parametrize("reason", list(FinishReason))
def test_every_ending_has_a_sentence(reason: FinishReason) -> None:
    ending = explain(done(reason))
    assert ending.word == reason.value
    assert ending.sentence.endswith(".")


def test_remedies_fit_the_ending() -> None:
    limited = done(FinishReason.LENGTH, max_tokens=10)
    assert explain(limited).remedies == (Remedy.CONTINUE, Remedy.RAISE_LIMIT)
    assert explain(done(FinishReason.LENGTH)).remedies == (Remedy.CONTINUE,)
    assert explain(done(FinishReason.STOP)).remedies == ()
    empty = make_exchange(
        state=ExchangeState.FAILED,
        choices=(Choice(0, finish_reason=FinishReason.ERROR),),
        failure=Failure("server", "It failed.", "Retry."),
    )
    assert explain(empty).remedies == (Remedy.RETRY,)
    assert explain(empty).mood is Mood.BAD
    assert explain(empty).sentence == "It failed. Retry."


def test_a_running_exchange_waits_then_streams() -> None:
    running = make_exchange(state=ExchangeState.IN_PROGRESS)
    assert explain(running).word == "waiting"
    first = make_exchange(state=ExchangeState.IN_PROGRESS, timing=Timing(first_token_ms=1.0))
    assert explain(first).word == "streaming"


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (StreamEnd.DONE, FinishReason.UNSTATED),
        (StreamEnd.CLOSED, FinishReason.TRUNCATED),
        (StreamEnd.BROKEN, FinishReason.TRUNCATED),
        (StreamEnd.FAILED, FinishReason.ERROR),
        (StreamEnd.CANCELLED, FinishReason.CANCELLED),
    ],
)
def test_without_a_word_the_way_the_stream_ended_decides(
    end: StreamEnd, expected: FinishReason
) -> None:
    assert derive_finish(None, None, Outcome(), end=end) == (expected, None)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (ExchangeState.CANCELLED, FinishReason.CANCELLED),
        (ExchangeState.TRUNCATED, FinishReason.TRUNCATED),
        (ExchangeState.FAILED, FinishReason.ERROR),
    ],
)
def test_a_choice_that_never_arrived_ended_as_its_exchange(
    end: ExchangeState, expected: FinishReason
) -> None:
    first = Choice(0, "text", finish_reason=expected)
    exchange = make_exchange(state=end, choices=(first,))
    ending = explain(exchange, 2)
    assert ending.word == expected.value
    assert ending.remedies == (Remedy.RETRY,)
    assert exchange.choice(2).finish_reason is expected


def test_a_choice_that_has_not_arrived_yet_has_no_finish_reason() -> None:
    assert make_exchange(state=ExchangeState.IN_PROGRESS).choice(1).finish_reason is None


def test_unknown_figures_are_dashes() -> None:
    unknown = make_exchange()
    assert (count(None), seconds(None), rate(unknown), cost(unknown)) == ("—", "—", "—", "—")
    assert usage_rows(None) == [("in", "—"), ("out", "—"), ("total", "—")]
    assert count(0) == "0"


def test_figures_read_well() -> None:
    assert (seconds(412.3), seconds(2_340), seconds(125_000)) == ("412 ms", "2.3 s", "2 min 5 s")
    assert (size(12), size(1_500), size(2_000_000)) == ("12 B", "1.5 kB", "2.0 MB")
    assert cost(make_exchange(reported_cost_usd=0.0041)) == "$0.0041 reported"


@given(st.lists(st.integers(0, 1000), max_size=128), st.integers(1, 60))
def test_a_sparkline_fits_its_width(pace: list[int], width: int) -> None:
    assert len(sparkline(Timing(pace=tuple(pace)), width)) <= width


@given(st.text())
def test_arguments_are_laid_out_whatever_they_are(text: str) -> None:
    pretty_arguments(text)
    assert len(one_line(text, 40)) <= 40


def test_incomplete_arguments_are_laid_out_as_far_as_they_go() -> None:
    assert pretty_arguments('{"a":[1,2') == '{\n  "a": [\n    1,\n    2'
    assert pretty_arguments('{"a":{"b":"x,y"}}') == '{\n  "a": {\n    "b": "x,y"\n  }\n}'


def test_tools_are_offered_to_run_only_where_that_is_possible() -> None:
    def waiting(*calls: ToolCall) -> Exchange:
        choice = Choice(0, finish_reason=FinishReason.TOOL_CALLS, tool_calls=calls)
        return make_exchange(state=ExchangeState.COMPLETED, choices=(choice,))

    assert explain(waiting(ToolCall("a", "function", "f", "{}"))).remedies == (Remedy.RUN_TOOLS,)
    computer = explain(waiting(ToolCall("a", "computer_call", "computer", "click")))
    assert computer.remedies == ()
    assert "computer" in computer.sentence
    assert explain(waiting()).remedies == (Remedy.RETRY,)


def test_what_is_nested_too_deeply_is_shown_as_it_came() -> None:
    deep = '{"a":' + "[" * 50_000 + "]" * 50_000 + "}"
    call = ToolCall("a", "function", "f", deep)
    choice = Choice(0, "", finish_reason=FinishReason.TOOL_CALLS, tool_calls=(call,))
    findings = find_oddities(make_exchange(state=ExchangeState.COMPLETED, choices=(choice,)))
    assert any("nested too deeply" in finding for finding in findings)
    assert pretty_arguments(deep).count("[") == 50_000
    assert len(one_line(deep, 40)) == 40
    assert readable_result(deep) == deep
    assert "nested too deeply" in check_reply(deep, "{}")[0]
    assert check_arguments(deep, "{}").problems


def test_a_patch_names_its_file_first() -> None:
    assert one_line('{"type":"update","diff":"@@\\n+x","path":"a.py"}', 80) == (
        'type="update", path="a.py", diff="@@\\n+x"'
    )


def test_small_amounts_have_three_figures() -> None:
    amounts = [0.026152, 0.0648, 0.0041, 0.0000123, 0.1234, 0.09996]
    shown = ["$0.0262", "$0.0648", "$0.0041", "$0.000012", "$0.12", "$0.10"]
    assert [dollars(amount) for amount in amounts] == shown


def test_amounts_too_small_to_show_are_not_nothing() -> None:
    assert dollars(0.0000001) == "< $0.000001"
    assert dollars(0.0) == "$0.00"
    assert dollars(-1000.0) == "-$1,000.00"
    assert dollars(float("nan")) == dollars(float("inf")) == dollars(None)


def test_findings_are_true() -> None:
    odd = make_exchange(
        state=ExchangeState.COMPLETED,
        choices=(
            Choice(
                0,
                finish_reason=FinishReason.TOOL_CALLS,
                finish_reason_raw="stop",
                tool_calls=(ToolCall("a", "function", "f", "{}"),),
            ),
        ),
        answered_model="other",
        adaptations=("temperature was rejected; sent without it",),
    )
    assert find_oddities(odd) == (
        "temperature was rejected; sent without it",
        "choice 0 has the finish reason stop, but also tool calls",
        "the server reported no usage",
        "asked for test-model, answered by other",
    )
    plain = done(FinishReason.STOP, usage=Usage(1, 1, 2), answered_model="test-model-2026")
    assert find_oddities(plain) == ()


def test_the_json_object_has_the_promised_fields() -> None:
    value = exchange_object(done(FinishReason.STOP, usage=Usage(input_tokens=3)))
    assert list(value) == [
        "id",
        "api",
        "model",
        "response_id",
        "request_id",
        "state",
        "choices",
        "usage",
        "cost",
        "timing",
        "findings",
        "error",
        "rules",
        "answered_model",
        "service_tier",
        "frame_count",
        "retries",
        "prompts",
    ]
    assert value["usage"]["input_tokens"] == 3
    assert value["usage"]["output_tokens"] is None
    assert value["choices"][0]["finish_reason"] == "stop"
    json.dumps(value)


def test_the_wire_is_copied_as_it_was_recorded() -> None:
    frames = [WireFrame(1.25, "data: a\r\n\r\n"), WireFrame(2.0, "event: x\ndata: b\n\n")]
    request = RequestSent("POST", "http://h/v1", (("a", "b"),), b'{"x":1}')
    exchange = make_exchange(status=200, headers=(("c", "d"),))
    stream = "data: a\r\n\r\nevent: x\ndata: b\n\n"
    assert frames_text(frames) == stream
    assert wire_text(exchange, WireRecord(request, frames)) == (
        f'POST http://h/v1\na: b\n\n{{"x":1}}\n\nHTTP 200\nc: d\n\n{stream}'
    )
    assert wire_text(make_exchange(), WireRecord(None, frames)) == stream
    assert frame_fields("event: x\ndata: a\ndata: b\n\n") == ("x", "a\nb")
    assert frame_fields(": ping\n\n") == ("", ": ping")

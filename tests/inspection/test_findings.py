"""Each finding is said when it is so, and not when it is not."""

from typing import Any

import pytest

from replyscope.domain.event import Event, StreamEnded, WireFrame
from replyscope.domain.exchange import (
    FINAL_TEXT,
    Api,
    Choice,
    Exchange,
    ExchangeState,
    OutputItem,
    Retry,
    Timing,
    ToolCall,
    Usage,
)
from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason, StreamEnd
from replyscope.domain.fold import fold_events
from replyscope.inspection.findings import find_oddities
from tests.support.build import make_exchange

STOP: dict[str, Any] = {"finish_reason": FinishReason.STOP, "finish_reason_raw": "stop"}
USAGE = Usage(input_tokens=5, output_tokens=7, total_tokens=12)


def ended(**fields: Any) -> Exchange:
    choices = fields.pop("choices", (Choice(0, "text", **STOP),))
    return make_exchange(
        **{"state": ExchangeState.COMPLETED, "choices": choices, "usage": USAGE, **fields}
    )


def call(call_id: str = "a", arguments: str = "{}") -> ToolCall:
    return ToolCall(call_id, "function", "f", arguments)


def with_calls(*calls: ToolCall, **fields: Any) -> Exchange:
    return ended(choices=(Choice(0, tool_calls=calls, **{**STOP, **fields}),))


TWO_CUT = tuple(
    Choice(n, "x", finish_reason=FinishReason.LENGTH, finish_reason_raw="length") for n in (0, 1)
)
OUTPUT = OutputItem(0, "shell_call_output", '{"call_id": "nobody"}')
COMPUTER = OutputItem(
    0,
    "computer_call",
    '{"pending_safety_checks": [{"code": "who", "message": "Is it you?"}]}',
)
FAILURE = Failure("server", "It failed.", "Retry.")


def test_a_plain_exchange_has_none() -> None:
    assert find_oddities(ended()) == ()


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (with_calls(call()), "the finish reason stop, but also tool calls"),
        (with_calls(finish_reason=FinishReason.TOOL_CALLS), "but no tool calls"),
        (ended(choices=(Choice(0, "", **STOP, items=(COMPUTER,)),)), "confirmed first: Is it you?"),
        (ended(usage=Usage(5, 7, 12, reasoning_tokens=9)), "9 reasoning tokens, but only 7"),
        (ended(usage=Usage(5, 7, 12, cached_input_tokens=6)), "6 cached tokens, but only 5"),
        (ended(extras=((FINAL_TEXT, '"x"'),)), "differs from the text of the deltas"),
        (ended(usage=None), "reported no usage"),
        (ended(usage=Usage(5, 7, 99)), "its parts add up to 12"),
        (ended(choices=TWO_CUT, max_tokens=7), "one of the 2 choices"),
        (ended(max_tokens=7), "stopped at the limit of 7"),
        (
            ended(choices=(Choice(0, "x", finish_reason=FinishReason.UNSTATED),)),
            "has no finish reason, although [DONE] was received",
        ),
        (
            ended(
                choices=(Choice(0, finish_reason=FinishReason.OTHER, finish_reason_raw="bored"),)
            ),
            "“bored” is not a finish reason",
        ),
        (with_calls(call(), call()), "2 tool calls share the id a"),
        (with_calls(call(arguments='{"a": }')), "line 1 column 7"),
        (with_calls(call(arguments="[1]")), "are not a JSON object"),
        (ended(choices=(Choice(0, "x", items=(OUTPUT,), **STOP),)), "belongs to no tool call"),
        (ended(answered_model="other-model"), "asked for test-model, answered by other-model"),
        (
            ended(timing=Timing(longest_pause_ms=7_000, longest_pause_at_ms=2_000)),
            "no data for 7.0 s, 2.0 s after the start",
        ),
        (ended(unknown_events=("response.x",)), "unknown types: response.x"),
        (ended(extras=(("timings", "{}"),)), "non-standard fields: timings"),
        (ended(retries=(Retry(FAILURE, 0.5),)), "1 try failed before this one: It failed."),
        (
            ended(api=Api.RESPONSES, names_previous=True, response_id="r"),
            "ignored previous_response_id",
        ),
        (ended(schema='{"type": "object"}'), "the reply is not JSON"),
        (
            ended(
                choices=(Choice(0, '{"a": {"b": "x"}}', **STOP),),
                schema='{"properties": {"a": {"properties": {"b": {"type": "integer"}}}}}',
            ),
            "$.a.b: 'x' is not of type 'integer'",
        ),
    ],
)
def test_it_is_said_when_it_is_so(exchange: Exchange, words: str) -> None:
    findings = find_oddities(exchange)
    assert any(words in finding for finding in findings), findings
    assert len(findings) == 1 or "the finish reason stop, but" in findings[0], findings


@pytest.mark.parametrize(
    "exchange",
    [
        ended(answered_model="test-model-2026-05-01"),
        ended(answered_model="TEST-MODEL"),
        ended(model="vendor/test-model", answered_model="test-model"),
        ended(choices=(Choice(0, '{"a": 1}', **STOP),), schema='{"required": ["a"]}'),
        ended(api=Api.RESPONSES, names_previous=True, previous_response_id="r0", response_id="r"),
        ended(choices=TWO_CUT, max_tokens=7, usage=Usage(5, 14, 19)),
        ended(state=ExchangeState.FAILED, usage=None),
    ],
)
def test_it_is_not_said_when_it_is_not(exchange: Exchange) -> None:
    assert find_oddities(exchange) == ()


def test_silence_before_the_end_is_a_stall() -> None:
    events: list[Event] = [WireFrame(10.0, "data: {}"), StreamEnded(StreamEnd.BROKEN, 60_010.0)]
    assert "no data for 60.0 s, 10 ms after the start" in find_oddities(
        fold_events(make_exchange(), events)
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"unknown_events": tuple(f"made.up.{n}" for n in range(5_000))},
        {"extras": tuple((f"field_{n}", "1") for n in range(5_000))},
        {"extras": tuple((f"usage.made_{n}_tokens", '"x"') for n in range(5_000))},
        {"choices": tuple(Choice(n, "", finish_reason=FinishReason.OTHER) for n in range(5_000))},
        {"unknown_events": ("x" * 1_000_000,)},
    ],
)
def test_a_flood_of_names_is_counted_and_not_listed(fields: dict[str, Any]) -> None:
    """The inspector lays out each character of a finding."""
    found = find_oddities(ended(**fields))
    assert 0 < sum(map(len, found)) < 20_000
    assert len(found) <= 101

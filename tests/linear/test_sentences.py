"""The facts of a reply in sentences, and the exact arguments of a call."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import Api, Choice, Exchange, ExchangeState, ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import ToolResultPart
from replyscope.domain.printable import is_printable_line
from replyscope.domain.tool import ToolCallState
from replyscope.linear.consent import short_arguments
from replyscope.linear.sentences import ending_lines, figures_line, inspect_lines, result_line

CALL = ToolCall("c1", "function", "calculate", '{"expression": "6*7"}')


def exchange(reason: FinishReason, **changes: object) -> Exchange:
    """An ended exchange with one choice."""
    choice = Choice(0, "text", finish_reason=reason)
    made = Exchange(
        "x1",
        Api.CHAT,
        "custom",
        "http://127.0.0.1:1/v1",
        "test-model",
        datetime(2026, 11, 28, tzinfo=UTC),
        ExchangeState.COMPLETED,
        (choice,),
        usage=Usage(5, 7, 12),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", list(FinishReason))
def test_every_ending_has_words(reason: FinishReason) -> None:
    (label, gist), *rest = ending_lines(exchange(reason), 0)
    assert label == "finish"
    assert gist == "stop" or gist.startswith(f"{reason.value}, ")
    assert {label for label, _ in rest} <= {"cause", "next"}
    assert bool(rest) == (reason is not FinishReason.STOP)


def test_a_cut_reply_says_what_cut_it_and_what_to_do() -> None:
    lines = dict(ending_lines(exchange(FinishReason.LENGTH, max_tokens=8), 0))
    assert lines["finish"] == "length, cut at the limit"
    assert "/continue" in lines["next"]
    assert "/raise" in lines["next"]


def test_unknown_figures_are_a_word() -> None:
    made = exchange(FinishReason.STOP, usage=None)
    assert figures_line(made) == ("tokens", "not reported; cost unknown; 0 ms")
    assert all("—" not in text for _, text in inspect_lines(made, 0, {}))


def test_the_result_of_a_call_is_one_line() -> None:
    part = ToolResultPart("c1", "42\nsecond\nthird", state=ToolCallState.COMPLETED, duration_ms=293)
    assert result_line(CALL, part) == ("tool", "calculate completed in 293 ms: 42 / second")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ('{"expression": "6*7"}', 'expression="6*7"'),
        ('{"a": "x   y", "b": [1]}', 'a="x   y", b=[1]'),
        ("", ""),
        ('{"a, b=1": 2}', None),
        ('{"а": 1}', None),
        ("[1]", None),
        ("not json", None),
        (json.dumps({"a": "x" * 400}), None),
    ],
)
def test_arguments_are_in_the_question_only_if_they_are_exact(
    arguments: str, shown: str | None
) -> None:
    assert short_arguments(arguments) == shown


@given(st.dictionaries(st.sampled_from(["a", "path", "é"]), st.text(max_size=20)))
def test_the_arguments_of_a_question_are_printable(value: dict[str, str]) -> None:
    shown = short_arguments(json.dumps(value))
    assert shown is None or is_printable_line(shown)

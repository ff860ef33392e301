"""The overview of the inspector: the ending first, then what is known."""

from typing import Any

import pytest

from replyscope.domain.exchange import Choice, Exchange, ExchangeState, Timing, ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.explain import Remedy
from replyscope.ui.reading.sheet import Sheet
from tests.support.build import make_exchange

ALL = frozenset(Remedy)


def ended(reason: FinishReason, **fields: Any) -> Exchange:
    choice = Choice(0, "text", finish_reason=reason, finish_reason_raw=reason.value)
    given = {"choices": (choice,), "usage": Usage(412, 58, 470), "reported_cost_usd": 0.0041}
    timing = Timing(100, 412, 903, 903, pace=(1, 2), pace_ms=100)
    return make_exchange(state=ExchangeState.COMPLETED, **{"timing": timing, **given, **fields})


def lines_of(
    exchange: Exchange, *, width: int = 60, possible: frozenset[Remedy] = ALL
) -> list[str]:
    overview = Sheet(width, possible).overview(exchange, 0)
    return [line.rstrip() for line in overview.plain.split("\n")]


def test_the_first_line_sums_the_reply_up() -> None:
    exchange = ended(FinishReason.STOP)
    assert lines_of(exchange)[0] == "● stop · 58 tokens · 116 tok/s · $0.0041"
    assert lines_of(exchange, width=24)[:2] == ["● stop · 58 tokens", "  116 tok/s · $0.0041"]


def test_unknown_figures_are_left_out_of_the_first_line() -> None:
    exchange = ended(FinishReason.STOP, usage=None, reported_cost_usd=None)
    assert lines_of(exchange)[0] == "● stop"
    assert "—" not in "\n".join(lines_of(exchange))


def test_a_fast_reply_has_a_rate_with_separators() -> None:
    timing = Timing(1, 10, 510, 511)
    exchange = ended(FinishReason.STOP, timing=timing, usage=Usage(1, 2_001, 2_002))
    assert lines_of(exchange, width=80)[0].startswith("● stop · 2,001 tokens · 4,000 tok/s")


@pytest.mark.parametrize(
    ("possible", "commands"),
    [
        (ALL, "/continue  /raise limit"),
        (frozenset({Remedy.RETRY}), ""),
        (frozenset(), ""),
    ],
)
def test_only_remedies_that_work_now_are_offered(
    possible: frozenset[Remedy], commands: str
) -> None:
    lines = lines_of(ended(FinishReason.LENGTH, max_tokens=58), possible=possible)
    assert ("/continue" in "\n".join(lines)) == bool(commands)
    assert not commands or commands in lines


def test_rows_without_a_value_fold() -> None:
    exchange = ended(FinishReason.STOP)
    text = "\n".join(lines_of(exchange))
    assert "tier" not in text
    assert "exchange" in text
    sheet = Sheet(60)
    assert "more without a value  [Space]" in sheet.more(exchange, is_open=False).plain
    assert "tier     —" in sheet.more(exchange, is_open=True).plain


def test_limits_are_one_row_and_calls_are_counted() -> None:
    headers = (("x-ratelimit-remaining-requests", "9"), ("x-ratelimit-remaining-tokens", "80"))
    calls = (
        ToolCall("a", "function", "f", "{}", ToolCallState.COMPLETED),
        ToolCall("b", "function", "f", "{}", ToolCallState.FAILED),
    )
    choice = Choice(0, "x", finish_reason=FinishReason.STOP, tool_calls=calls)
    lines = lines_of(ended(FinishReason.STOP, headers=headers, choices=(choice,)))
    assert "limits   9 requests left · 80 tokens left" in lines
    assert "tools    2 calls: 1 completed · 1 failed" in lines
    assert "time     412 ms to first token" in lines
    assert "         903 ms total" in lines

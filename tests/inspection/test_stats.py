"""Sums, spans and plots of many replies; pure."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.matching import check_query
from replyscope.domain.query import parse_query
from replyscope.domain.search import ReplyFigures
from replyscope.inspection.plot import Measure, column, edges_of, money, short, top_of
from replyscope.inspection.stats import (
    percentile,
    spans_of,
    stats_object,
    stats_of,
    term_of,
    within,
)

DAY = date(2026, 11, 1)


def figures(**changes: Any) -> ReplyFigures:
    fields: dict[str, Any] = {
        "day": f"{DAY}",
        "model": "m",
        "is_error": False,
        "input_tokens": 10,
        "output_tokens": 20,
        "cost_usd": None,
        "is_cost_reported": False,
        "ttft_s": 1.0,
        "duration_s": 2.0,
        "finishes": ("stop",),
    }
    return ReplyFigures(**{**fields, **changes})


def test_reported_estimated_and_unknown_are_told_apart() -> None:
    stats = stats_of(
        [
            figures(cost_usd=0.5, is_cost_reported=True),
            figures(cost_usd=0.25),
            figures(output_tokens=None, input_tokens=None),
        ]
    )
    total = stats_object(stats)["total"]
    assert total["cost_usd"] == {"reported": 0.5, "estimated": 0.25}
    assert total["with_cost"] == {"reported": 1, "estimated": 1}
    assert (total["without_cost"], total["without_usage"]) == (1, 1)
    assert Measure.COST.text_of(stats.total) == "≥ ~$0.75"
    assert Measure.TOKENS.text_of(stats.total) == "≥ 40"


def test_what_nobody_knows_is_null_and_not_nothing() -> None:
    total = stats_object(stats_of([figures(output_tokens=None, input_tokens=None)]))["total"]
    assert total["output_tokens"] is None
    assert total["cost_usd"] == {"reported": None, "estimated": None}


def test_a_reply_with_several_endings_counts_with_each() -> None:
    stats = stats_of([figures(finishes=("length", "stop")), figures(finishes=())])
    assert [(s.name, s.term, s.replies) for s in stats.finishes] == [
        ("length", "finish:length", 1),
        ("none", "-finish:*", 1),
        ("stop", "finish:stop", 1),
    ]


@given(st.text(max_size=12))
def test_every_name_can_be_asked_for(name: str) -> None:
    check_query(parse_query(term_of("asked", name)))


def test_a_term_narrows_the_whole_of_a_query() -> None:
    assert within("", "finish:stop") == "finish:stop"
    assert within("a b", "finish:stop") == "a b finish:stop"
    assert within("a or b", "finish:stop") == "(a or b) finish:stop"
    assert within("a OR b", "") == "a OR b"


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=30), st.integers(1, 120))
def test_spans_leave_no_gap_and_lose_no_reply(offsets: list[int], most: int) -> None:
    made = [figures(day=f"{DAY + timedelta(offset)}") for offset in offsets]
    spans = spans_of(made, most)
    assert 1 <= len(spans) <= most
    assert sum(span.replies for span in spans) == len(made)
    for span in spans:
        check_query(parse_query(span.term))


def test_a_span_of_days_finds_its_days() -> None:
    made = [figures(day=f"{DAY + timedelta(offset)}") for offset in (0, 13, 14, 40)]
    spans = spans_of(made, 6)
    assert [(span.name, span.replies) for span in spans][:3] == [
        ("2026-11-01 to 2026-11-07", 1),
        ("2026-11-08 to 2026-11-14", 1),
        ("2026-11-15 to 2026-11-21", 1),
    ]
    assert spans[0].term == "after:2026-11-01 before:2026-11-08"


def drawn(stack: tuple[float, float] | None, top: float, height: int) -> list[tuple[str, int, int]]:
    return [(cell.block, cell.series, cell.behind) for cell in column(stack, top, height)]


def test_a_column_is_as_high_as_its_value() -> None:
    assert drawn((4.0, 0.0), 8.0, 2) == [("█", 1, 0), (" ", 0, 0)]
    assert drawn((1.0, 0.0), 8.0, 2) == [("▂", 1, 0), (" ", 0, 0)]
    assert drawn((4.0, 4.0), 8.0, 2) == [("█", 1, 0), ("█", 2, 0)]
    assert drawn((2.0, 6.0), 8.0, 2) == [("▄", 1, 2), ("█", 2, 0)]
    assert drawn((0.0, 0.0), 8.0, 2) == [(" ", 0, 0), (" ", 0, 0)]
    assert drawn(None, 8.0, 2) == [("·", 0, 0), (" ", 0, 0)]


def test_the_least_value_is_seen() -> None:
    assert drawn((1.0, 1.0), 1e9, 2)[0][0] != " "


@given(st.floats(1e-6, 1e12))
def test_the_axis_ends_at_a_round_number_above(value: float) -> None:
    top = top_of([(value, 0.0), None])
    assert value * 0.999 <= top <= value * 2.1


@given(st.integers(1, 300), st.integers(1, 300))
def test_columns_fill_the_room(columns: int, room: int) -> None:
    edges = edges_of(columns, room)
    assert edges == sorted(edges)
    assert edges[-1] == min(room, columns * 8)


def test_short_figures_read_well() -> None:
    assert [short(v) for v in (0, 7, 950, 1_234, 118_300, 46_787_394)] == [
        "0", "7", "950", "1.2k", "118k", "46.8M"
    ]  # fmt: skip
    assert [money(v) for v in (0.0, 0.000_123, 0.06111, 1.5)] == [
        "$0.00", "$0.00012", "$0.061", "$1.50"
    ]  # fmt: skip


def test_percentiles_are_values_that_were_measured() -> None:
    ordered = [float(n) for n in range(1, 101)]
    assert percentile(ordered, 0.5) == 50
    assert percentile(ordered, 0.95) == 95
    assert percentile([3.0], 0.95) == 3.0
    assert percentile([], 0.5) is None

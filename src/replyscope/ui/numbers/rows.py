"""The rows of the numbers screen: totals of all replies, and figures of each group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from textual.content import Content

from replyscope.domain.printable import printable_line
from replyscope.inspection.figures import UNKNOWN, count, dollars, seconds
from replyscope.inspection.plot import Measure
from replyscope.inspection.stats import Stats, Sums
from replyscope.ui.numbers.plot_view import COLOURS
from replyscope.ui.styles.muted import MUTED

_NAME = 24


@dataclass(frozen=True, slots=True)
class NumberRow:
    """A row, and the query term that finds its replies; a title has no term."""

    title: str
    content: Content = field(default_factory=Content)
    term: str | None = None


def figure_rows(total: Sums) -> Iterator[NumberRow]:
    """The totals of all replies, each with the term that finds the replies it counts."""

    def row(label: str, value: str, note: str, term: str, look: str = "") -> NumberRow:
        return NumberRow(
            label,
            Content.assemble(
                (f" {label:<15}", MUTED), (f"{value:>13}", look or "bold"), (f"  {note}", MUTED)
            ),
            term,
        )

    errors, replies = total.errors, max(1, total.replies)
    share = f"{errors / replies:.1%} of all" if errors else ""
    bad = "bold $text-error" if errors else ""
    yield row("replies", f"{total.replies:,}", "", "")
    yield row("errors", f"{errors:,}", share, "has:error", bad)
    metered = f"of {total.replies - total.unmetered:,}"
    yield row("tokens in", count(total.input_known), metered, "-is:unmetered")
    yield row("tokens out", count(total.output_known), metered, "-is:unmetered")
    yield row("tokens unknown", UNKNOWN, f"of {total.unmetered:,}", "is:unmetered")
    reported = dollars(total.reported_usd) if total.reported else UNKNOWN
    estimated = dollars(total.estimated_usd) if total.estimated else UNKNOWN
    yield row("cost reported", reported, f"of {total.reported:,}", "is:reported")
    yield row("cost estimated", estimated, f"of {total.estimated:,}", "is:estimated")
    yield row("cost unknown", UNKNOWN, f"of {total.unpriced:,}", "is:unpriced")
    yield from (
        row(label, _time(value), note, _slower(name, value))
        for label, name, value, note in (
            ("first token", "ttft", total.ttft_p50, "median"),
            ("", "ttft", total.ttft_p95, "95th percentile"),
            ("whole reply", "duration", total.duration_p50, "median"),
            ("", "duration", total.duration_p95, "95th percentile"),
        )
    )


LEGEND = NumberRow("≥ some values unknown   ~ partly estimated")


def _slower(name: str, value_s: float | None) -> str:
    """The term that finds the replies that took that long or longer."""
    return f"{name}:>=0" if value_s is None else f"{name}:>={max(0.0, value_s):.6g}s"


def _time(value_s: float | None) -> str:
    return UNKNOWN if value_s is None else seconds(value_s * 1000)


def group_rows(stats: Stats, measure: Measure, room: int) -> Iterator[NumberRow]:
    """The replies by model, ending, tool, prompt and day, with bars of the plotted measure."""
    groups: Sequence[tuple[str, Sequence[Sums]]] = (
        ("by model", stats.models[:20]),
        ("by ending", stats.finishes),
        ("by tool", stats.tools[:20]),
        ("by prompt", stats.prompts[:20]),
        ("by day", tuple(reversed(stats.days[-60:]))),
    )
    for title, sums in groups:
        if not sums:
            continue
        yield NumberRow(title)
        stacks = [measure.stack_of(one) or (0.0, 0.0) for one in sums]
        most = max(map(sum, stacks)) or 1.0
        for one, stack in zip(sums, stacks, strict=True):
            yield NumberRow(one.name, _group_row(one, stack, most, measure, room), one.term)


def _group_row(
    one: Sums, stack: tuple[float, float], most: float, measure: Measure, room: int
) -> Content:
    figures = _figures(one, measure, room)
    width = max(4, room - _NAME - 12 - sum(len(text) for text, _ in figures))
    low = round(stack[0] / most * width)
    low = max(1, low) if stack[0] > 0 else 0
    high = min(width - low, max(1, round(stack[1] / most * width))) if stack[1] > 0 else 0
    colours = COLOURS[measure]
    name = printable_line(one.name)
    name = name if len(name) < _NAME else f"{name[: _NAME - 2]}…"
    return Content.assemble(
        f" {name:<{_NAME}}",
        ("█" * low, colours[0]),
        ("█" * high, colours[1]),
        " " * (width - low - high),
        (f" {measure.text_of(one):>9} ", "bold"),
        *figures,
    )


def _figures(one: Sums, measure: Measure, room: int) -> list[tuple[str, str]]:
    """The columns of the figures that are not plotted, as many as fit the width."""
    errors = (f"{one.errors:>6,} err" if one.errors else " " * 10, "$text-error")
    told = [
        (Measure.REPLIES, (f"{one.replies:>8,} rep", MUTED)),
        (Measure.TOKENS, (f"{Measure.TOKENS.text_of(one):>10} out", MUTED)),
        (Measure.COST, (f"{Measure.COST.text_of(one):>12}", MUTED)),
        (Measure.TTFT, (f"{_time(one.ttft_p50):>8}", MUTED)),
    ]
    shown = [piece for kind, piece in told if kind is not measure]
    return [errors, *shown][: 1 if room < 80 else 2 if room < 100 else 4]

"""Computes the cells of a bar chart of saved replies over time. Pure.

Each column stacks two series: answered and failed, reported and estimated, median and 95th
percentile. A cell is an eighth block in the colour of one series, on the colour of the next.
"""

import math
from collections.abc import Sequence
from enum import StrEnum

from replyscope.domain.values import dataclass
from replyscope.inspection.figures import UNKNOWN, dollars, seconds
from replyscope.inspection.stats import Sums

_BLOCKS = " ▁▂▃▄▅▆▇█"
_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


class Measure(StrEnum):
    """A measure that can be plotted."""

    REPLIES = "replies"
    TOKENS = "tokens"
    COST = "cost"
    TTFT = "first token"
    DURATION = "whole reply"

    @property
    def series(self) -> tuple[str, str]:
        """The names of the two series, the lower first."""
        match self:
            case Measure.REPLIES:
                return "answered", "errors"
            case Measure.TOKENS:
                return "out", "in"
            case Measure.COST:
                return "reported", "estimated"
        return "median", "95th percentile"

    def stack_of(self, sums: Sums) -> tuple[float, float] | None:
        """The heights of the two series, or None if the measure is unknown."""
        match self:
            case Measure.REPLIES:
                return float(sums.replies - sums.errors), float(sums.errors)
            case Measure.TOKENS:
                known = sums.output_known is not None
                return (float(sums.output_tokens), float(sums.input_tokens)) if known else None
            case Measure.COST:
                known = sums.cost_usd is not None
                return (sums.reported_usd, sums.estimated_usd) if known else None
            case Measure.TTFT:
                half, most = sums.ttft_p50, sums.ttft_p95
            case Measure.DURATION:
                half, most = sums.duration_p50, sums.duration_p95
        return None if half is None or most is None else (half, most - half)

    def label_of(self, value: float) -> str:
        """The label of a value on the axis."""
        match self:
            case Measure.COST:
                return money(value)
            case Measure.TTFT | Measure.DURATION:
                return seconds(value * 1000) if value else "0 s"
        return short(value)

    def text_of(self, sums: Sums) -> str:
        """The measure as text; "≥" marks a sum that lacks unknown values, "~" an estimate."""
        stack = self.stack_of(sums)
        if stack is None:
            return UNKNOWN
        low, high = stack
        match self:
            case Measure.REPLIES:
                return f"{sums.replies:,}"
            case Measure.TOKENS:
                return f"{'≥ ' if sums.unmetered else ''}{short(low)}"
            case Measure.COST:
                marks = ("≥ " if sums.unpriced else "") + ("~" if sums.estimated else "")
                return f"{marks}{money(low + high)}"
        return self.label_of(low)


@dataclass(frozen=True, slots=True)
class PlotCell:
    """A block with the series of its foreground and background: 0 none, 1 lower, 2 upper."""

    block: str
    series: int = 0
    behind: int = 0


EMPTY = PlotCell(" ")


def short(value: float) -> str:
    """A short count, with a unit prefix such as k."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            scaled = value / size
            text = f"{scaled:.1f}".removesuffix(".0") if scaled < 100 else f"{scaled:,.0f}"
            return f"{text}{unit}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def money(value: float) -> str:
    """A short amount in dollars."""
    if value >= 0.1 or value <= 0:
        return dollars(value)
    return f"${float(f'{value:.2g}'):.8f}".rstrip("0")


def top_of(stacks: Sequence[tuple[float, float] | None]) -> float:
    """The upper end of the axis: a round number that no column exceeds."""
    highest = max((sum(stack) for stack in stacks if stack is not None), default=0.0)
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (*_STEPS, 20.0) if step * power >= highest * 0.999_999)


def column(stack: tuple[float, float] | None, top: float, height: int) -> list[PlotCell]:
    """The cells of a column, the lowest first. An unknown value is a dot."""
    if stack is None:
        return [PlotCell("·"), *[EMPTY] * (height - 1)]
    eighths = height * 8
    low = round(stack[0] / top * eighths)
    if stack[0] > 0:
        low = max(1, low)
    end = max(low + (1 if stack[1] > 0 else 0), round(sum(stack) / top * eighths))
    return [_cell(low - row * 8, min(end, eighths) - row * 8) for row in range(height)]


def _cell(low: int, end: int) -> PlotCell:
    """A cell, given the heights in eighths of the lower series and of both series."""
    if low >= 8:
        return PlotCell("█", 1)
    if low > 0:
        # A cell has only two colours, so the upper series fills the rest of the cell.
        return PlotCell(_BLOCKS[low], 1, 2 if end >= 8 or end > low + 2 else 0)
    if end > 0:
        return PlotCell(_BLOCKS[min(8, end)], 2)
    return EMPTY


def edges_of(columns: int, room: int) -> list[int]:
    """The left edges of the columns, and the right edge of the last; at most 8 cells each."""
    room = min(room, columns * 8)
    return [number * room // max(1, columns) for number in range(columns + 1)]

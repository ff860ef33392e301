"""Columns over time, as cells: what a plot of saved replies looks like. Pure.

Each column is a stack of two series, so that done and failed, reported and estimated, the
half and the slowest are seen together. A cell is an eighth block in the colour of one series
on the colour of the next.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from replyscope.inspection.figures import UNKNOWN, dollars, seconds
from replyscope.inspection.stats import Sums

_BLOCKS = " ▁▂▃▄▅▆▇█"
_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


class Measure(StrEnum):
    """What is plotted."""

    REPLIES = "replies"
    TOKENS = "tokens"
    COST = "cost"
    TTFT = "first token"
    DURATION = "whole reply"

    @property
    def series(self) -> tuple[str, str]:
        """What the two series are called, the lower first."""
        match self:
            case Measure.REPLIES:
                return "answered", "errors"
            case Measure.TOKENS:
                return "out", "in"
            case Measure.COST:
                return "reported", "estimated"
        return "half within", "95% within"

    def stack_of(self, sums: Sums) -> tuple[float, float] | None:
        """The two series of these replies; None when nothing is known."""
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
        """A value on the axis."""
        match self:
            case Measure.COST:
                return money(value)
            case Measure.TTFT | Measure.DURATION:
                return seconds(value * 1000) if value else "0 s"
        return short(value)

    def text_of(self, sums: Sums) -> str:
        """The figure in words; what is left out of a sum makes it a least."""
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
    """A block, the series that it is of, and the one behind it: 0 for none, 1 lower, 2 upper."""

    block: str
    series: int = 0
    behind: int = 0


EMPTY = PlotCell(" ")


def short(value: float) -> str:
    """A count in few characters."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            scaled = value / size
            text = f"{scaled:.1f}".removesuffix(".0") if scaled < 100 else f"{scaled:,.0f}"
            return f"{text}{unit}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def money(value: float) -> str:
    """An amount in few characters."""
    if value >= 0.1 or value <= 0:
        return dollars(value)
    return f"${float(f'{value:.2g}'):.8f}".rstrip("0")


def top_of(stacks: Sequence[tuple[float, float] | None]) -> float:
    """A round number that no column is higher than."""
    highest = max((sum(stack) for stack in stacks if stack is not None), default=0.0)
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (*_STEPS, 20.0) if step * power >= highest * 0.999_999)


def column(stack: tuple[float, float] | None, top: float, height: int) -> list[PlotCell]:
    """A column's cells, the lowest first. One of nothing known is a dot."""
    if stack is None:
        return [PlotCell("·"), *[EMPTY] * (height - 1)]
    eighths = height * 8
    low = round(stack[0] / top * eighths)
    if stack[0] > 0:
        low = max(1, low)
    end = max(low + (1 if stack[1] > 0 else 0), round(sum(stack) / top * eighths))
    return [_cell(low - row * 8, min(end, eighths) - row * 8) for row in range(height)]


def _cell(low: int, end: int) -> PlotCell:
    """A cell up to which the lower series reaches by eighths, and both together."""
    if low >= 8:
        return PlotCell("█", 1)
    if low > 0:
        # A cell has two colours: the end of the upper series within it is drawn as the whole.
        return PlotCell(_BLOCKS[low], 1, 2 if end >= 8 or end > low + 2 else 0)
    if end > 0:
        return PlotCell(_BLOCKS[min(8, end)], 2)
    return EMPTY


def edges_of(columns: int, room: int) -> list[int]:
    """Where each column begins, and where the last one ends; none is wider than eight cells."""
    room = min(room, columns * 8)
    return [number * room // max(1, columns) for number in range(columns + 1)]

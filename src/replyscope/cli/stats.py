"""`replyscope stats`: totals and plots of the saved replies."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence

from replyscope.cli.parser import EXIT_OK
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import SettingsError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.domain.search import ReplyFigures
from replyscope.inspection.figures import UNKNOWN, count, dollars, seconds
from replyscope.inspection.plot import Measure, PlotCell, column, edges_of, top_of
from replyscope.inspection.stats import Stats, Sums, spans_of, stats_object, stats_of

_MOST = 14
_AXIS = 9
_HEIGHT = 6
_NARROW, _WIDEST = 60, 140
_PLOTS = (Measure.REPLIES, Measure.TOKENS, Measure.COST, Measure.TTFT)
_HEADS = f"{'replies':>9} {'errors':>7} {'out':>9} {'cost':>9} {'ttft':>8}"
_COLOURS = ("", "\x1b[34m", "\x1b[33m")
_SHADES = ("", "█", "▒")


async def run_stats(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print the statistics. Returns the exit status."""
    try:
        search = wiring.review.read(" ".join(arguments.query))
    except QueryError as error:
        raise SettingsError(f"The query can't be parsed: {error}.") from error
    await wiring.review.update_index()
    figures = await wiring.index.figures(search)
    stats = stats_of(figures)
    if arguments.json:
        print(json.dumps(stats_object(stats), indent=2))
        return EXIT_OK
    width = max(_NARROW, min(_WIDEST, shutil.get_terminal_size((100, 24)).columns - 1))
    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line in (*_total_lines(stats.total), *_plots(figures, width, is_coloured)):
        print(line)
    for line in _group_lines(stats, width):
        print(printable_line(line))
    return EXIT_OK


def _total_lines(total: Sums) -> Iterator[str]:
    yield (
        f"{plural(total.replies, 'reply')}, {plural(total.errors, 'error')}, "
        f"{count(total.input_known)} tokens in, {count(total.output_known)} out "
        f"(unknown for {total.unmetered:,})"
    )
    reported = dollars(total.reported_usd) if total.reported else UNKNOWN
    estimated = dollars(total.estimated_usd) if total.estimated else UNKNOWN
    yield (
        f"cost: {reported} reported for {total.reported:,}, {estimated} estimated for "
        f"{total.estimated:,}, unknown for {total.unpriced:,}"
    )
    yield (
        f"first token: median {_time(total.ttft_p50)}, 95th percentile {_time(total.ttft_p95)}; "
        f"whole reply: median {_time(total.duration_p50)}, "
        f"95th percentile {_time(total.duration_p95)}"
    )


def _plots(figures: Sequence[ReplyFigures], width: int, is_coloured: bool) -> Iterator[str]:
    spans = spans_of(figures, width - _AXIS)
    for measure in _PLOTS:
        stacks = [measure.stack_of(one) if one.replies else (0.0, 0.0) for one in spans]
        if not any(stack is not None and sum(stack) > 0 for stack in stacks):
            continue
        low, high = measure.series
        yield ""
        first = _painted("█", 1, is_coloured)
        second = _painted(_shade(2, is_coloured), 2, is_coloured)
        yield f"{measure.value} over time   {first} {low}  {second} {high}"
        top = top_of(stacks)
        columns = [column(stack, top, _HEIGHT) for stack in stacks]
        edges = edges_of(len(spans), width - _AXIS)
        marks = {_HEIGHT - 1: top, _HEIGHT // 2 - 1: top / 2, 0: 0.0}
        for row in reversed(range(_HEIGHT)):
            label = measure.label_of(marks[row]) if row in marks else ""
            cells = "".join(
                _drawn(cells[row], edges[n + 1] - edges[n], is_coloured)
                for n, cells in enumerate(columns)
            )
            yield f"{label:>{_AXIS - 2}} ┤{cells}".rstrip()
        yield f"{'└':>{_AXIS}}{'─' * edges[-1]}"
        last = spans[-1].name[-10:]
        gap = edges[-1] - 10
        yield f"{'':{_AXIS}}{spans[0].name[:10]}" + (f"{last:>{gap}}" if gap > 12 else "")


def _drawn(cell: PlotCell, width: int, is_coloured: bool) -> str:
    body = width - 1 if width > 2 else width
    block = cell.block
    if not is_coloured and cell.series == 2 and block != " ":
        block = _shade(2, is_coloured)  # without colours the series differ by their shade
    return _painted(block * body, cell.series, is_coloured) + " " * (width - body)


def _shade(series: int, is_coloured: bool) -> str:
    return "█" if is_coloured else _SHADES[series]


def _painted(text: str, series: int, is_coloured: bool) -> str:
    return f"{_COLOURS[series]}{text}\x1b[0m" if is_coloured and series else text


def _group_lines(stats: Stats, width: int) -> Iterator[str]:
    groups = (
        ("model", stats.models[:_MOST]),
        ("finish", stats.finishes),
        ("tool", stats.tools[:_MOST]),
        ("prompt", stats.prompts[:_MOST]),
        ("day", stats.days[-_MOST:]),
    )
    for name, rows in groups:
        if rows:
            yield ""
            yield f"{name:<{width - 48}}  {_HEADS}"
            most = max(row.replies for row in rows)
            for row in rows:
                yield _line(row, most, width - 48)
    if stats.total.replies:
        yield ""
        yield "≥ some values are unknown; ~ partly estimated"


def _line(sums: Sums, most: int, room: int) -> str:
    name = sums.name if len(sums.name) < 25 else f"{sums.name[:23]}…"
    bar = "█" * max(1, round(sums.replies / max(1, most) * max(1, room - 26))) if room > 30 else ""
    start = f"{name:<24}  {bar}" if bar else name[:room]
    return (
        f"{start:<{room}}  {sums.replies:>9,} {sums.errors:>7,} {Measure.TOKENS.text_of(sums):>9} "
        f"{Measure.COST.text_of(sums):>9} {_time(sums.ttft_p50):>8}"
    )


def _time(value_s: float | None) -> str:
    return UNKNOWN if value_s is None else seconds(value_s * 1000)

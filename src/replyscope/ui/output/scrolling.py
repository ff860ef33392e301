"""Finds rows that only moved up or down, so that the terminal can scroll them itself."""

from collections import Counter
from collections.abc import Sequence

from replyscope.domain.values import dataclass
from replyscope.ui.output.glyphs import UNKNOWN
from replyscope.ui.output.rows import ScreenRow, blank_row, count_different

_LEAST_ROWS = 4
"""Fewer changed rows than this are sent."""
_WINDOW = 16
"""Columns that are compared to find the distance: a pane may cover a part of the width."""
_LEAST_SAVED = 40
"""Cells that a scroll must save: its sequences have about 20 characters."""


@dataclass(frozen=True, slots=True)
class Scroll:
    """Rows `top` to before `bottom` move up by `by`, or down where it is negative."""

    top: int
    bottom: int
    by: int


def scrolled(rows: Sequence[ScreenRow], scroll: Scroll, pen: str) -> list[ScreenRow]:
    """The rows after a scroll. New ones are blanks of a pen."""
    part = list(rows[scroll.top : scroll.bottom])
    blanks = [blank_row(len(rows[0].cells), pen)] * min(abs(scroll.by), len(part))
    moved = [*part[scroll.by :], *blanks] if scroll.by > 0 else [*blanks, *part[: scroll.by]]
    return [*rows[: scroll.top], *moved, *rows[scroll.bottom :]]


def find_scroll(
    old: Sequence[ScreenRow], new: Sequence[ScreenRow], changed: Sequence[int]
) -> Scroll | None:
    """The scroll that brings the most rows to their place; None where none is worth it."""
    if len(changed) < _LEAST_ROWS:
        return None
    found = _by_windows(old, new, changed)
    if found is None:
        return None
    by, moved = found
    top, bottom = min(moved), max(moved) + 1
    scroll = Scroll(top, bottom + by, by) if by > 0 else Scroll(top + by, bottom, by)
    after = scrolled(old, scroll, " ")  # no pen of a row: new rows count as different
    saved = sum(
        count_different(old[y], new[y]) - count_different(after[y], new[y])
        for y in range(scroll.top, scroll.bottom)
    )
    return scroll if saved >= _LEAST_SAVED else None


def _by_windows(
    old: Sequence[ScreenRow], new: Sequence[ScreenRow], changed: Sequence[int]
) -> tuple[int, list[int]] | None:
    """The most frequent distance, and the new rows that moved by that distance."""
    first, last = changed[0], changed[-1] + 1
    for x in range(0, len(new[0].cells), _WINDOW):
        columns = slice(x, x + _WINDOW)
        places: dict[str, int] = {}
        twice = set()
        for y in range(first, last):
            cells = old[y].cells[columns]
            if cells in places:
                twice.add(cells)
            places[cells] = y
        votes: Counter[int] = Counter()
        for y in changed:
            cells = new[y].cells[columns]
            if cells in places and cells not in twice and UNKNOWN not in cells:
                votes[places[cells] - y] += 1
        del votes[0]
        if not votes:
            continue
        by, count = votes.most_common(1)[0]
        if count >= _LEAST_ROWS - 1:
            rows = [
                y
                for y in range(max(first, first - by), min(last, last - by))
                if new[y].cells[columns] == old[y + by].cells[columns]
            ]
            return by, rows
    return None

"""Rows of the screen, and where two of them differ."""

from operator import ne
from typing import NamedTuple

from replyscope.ui.output.glyphs import BLANK, FILLER, UNKNOWN, Glyphs
from replyscope.ui.output.pens import PLAIN

_LEAST_GAP = 5
"""Fewer unchanged cells than this are sent again: moving the cursor is not shorter."""
_SLICE = 16
_UNSURE_CELLS = 3
"""The number of cells that an emoji may cover, if the terminal draws it in another width."""


class ScreenRow(NamedTuple):
    """A row: a character for each cell, and the pen of each. Both have the screen's width."""

    cells: str
    pens: str


def blank_row(width: int, pen: str = PLAIN) -> ScreenRow:
    """A row of blanks."""
    return ScreenRow(BLANK * width, pen * width)


def unknown_row(width: int) -> ScreenRow:
    """A row whose content on the terminal is unknown."""
    return ScreenRow(UNKNOWN * width, PLAIN * width)


def replaced(row: ScreenRow, x: int, cells: str, pens: str) -> ScreenRow:
    """The row with other cells from column `x`. A wide character that loses a half is erased."""
    width = len(row.cells)
    if x < 0:
        cells, pens, x = cells[-x:], pens[-x:], 0
    cells, pens = cells[: width - x], pens[: width - x]
    if not cells:
        return row
    end = x + len(cells)
    before, after = row.cells[:x], row.cells[end:]
    if row.cells[x] == FILLER and before:
        before = before[:-1] + BLANK
    if after.startswith(FILLER):
        after = BLANK + after[1:]
    return ScreenRow(before + cells + after, row.pens[:x] + pens + row.pens[end:])


def count_different(old: ScreenRow, new: ScreenRow) -> int:
    """The number of cells that differ."""
    if old == new:
        return 0
    if old.pens == new.pens:
        return sum(map(ne, old.cells, new.cells))
    both = zip(old.cells, old.pens, strict=True)
    return sum(map(ne, both, zip(new.cells, new.pens, strict=True)))


def changed_runs(old: ScreenRow, new: ScreenRow, glyphs: Glyphs) -> list[tuple[int, int]]:
    """The ranges of columns to send, from left to right. None begins or ends within a wide
    character of either row.
    """
    if old.cells.count(UNKNOWN) == len(old.cells):
        return [(0, len(new.cells))]
    places = _changed_places(old, new)
    if not places:
        return []
    if not (old.cells.isascii() and new.cells.isascii()):
        places = _with_unsure(places, old.cells, new.cells, glyphs)
    runs = []
    start, end = places[0], places[0] + 1
    for at in places[1:]:
        if (at - end < _LEAST_GAP and len(set(new.pens[end - 1 : at + 1])) == 1) or at == end:
            end = at + 1
        else:
            runs.append((start, end))
            start, end = at, at + 1
    runs.append((start, end))
    if FILLER in old.cells or FILLER in new.cells:
        return _whole_characters(runs, old.cells, new.cells)
    return runs


def _changed_places(old: ScreenRow, new: ScreenRow) -> list[int]:
    """The columns that differ. Slices are compared first, which is faster than cells."""
    places: list[int] = []
    for begin in range(0, len(new.cells), _SLICE):
        part = slice(begin, begin + _SLICE)
        a, b, p, q = old.cells[part], new.cells[part], old.pens[part], new.pens[part]
        if p != q:
            cells = zip(a, b, p, q, strict=True)
            places += [at for at, (a, b, p, q) in enumerate(cells, begin) if a != b or p != q]
        elif a != b:
            places += [at for at, (a, b) in enumerate(zip(a, b, strict=True), begin) if a != b]
    return places


def _with_unsure(places: list[int], old: str, new: str, glyphs: Glyphs) -> list[int]:
    """Add the cells of emoji and next to emoji, whose content on the terminal is not certain."""
    unsure = {*glyphs.unsure_places(old), *glyphs.unsure_places(new)}
    if not unsure:
        return places
    near = (at for one in unsure for at in range(one, one + _UNSURE_CELLS))
    return sorted({*places, *(at for at in near if at < len(new))})


def _whole_characters(runs: list[tuple[int, int]], old: str, new: str) -> list[tuple[int, int]]:
    """The ranges, extended to whole wide characters, and joined where they then overlap."""
    whole: list[tuple[int, int]] = []
    width = len(new)
    for start, end in runs:
        while start > 0 and FILLER in (old[start], new[start]):
            start -= 1
        while end < width and FILLER in (old[end], new[end]):
            end += 1
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole

"""Whole lines of the view, gutter and background included.

Most lines of a frame stood in the one before it, a little lower. Each is put together
once: Textual keeps what it made of a strip (filtered, divided) with the strip.
"""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

GUTTER = 2
_ENTRY_BITS, _CELL_BITS = 40, 16
_MOST_KEPT = 500


class Lines:
    """Puts lines together, and keeps them while they stay the same."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Strip, Segment, int, Style, Strip]] = {}

    def whole(self, strip: Strip, place: int, mark: Segment, width: int, base: Style) -> Strip:
        """The strip behind its mark, on the background, as wide as the view."""
        kept = self._kept.get(place)
        if (
            kept is not None
            and kept[0] is strip
            and kept[1] == mark
            and kept[2] == width
            and kept[3] == base
        ):
            return kept[4]
        placed = strip.apply_offsets(0, place)
        gutter = Strip([mark], GUTTER)
        line = Strip.join([gutter, placed]).adjust_cell_length(width).apply_style(base)
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        self._kept[place] = (strip, mark, width, base, line)
        return line


def place_of(entry: int, cell: int, line: int) -> int:
    """A line's number for selections: it stays the same when lines above it change."""
    return (entry << _ENTRY_BITS) | (cell << _CELL_BITS) | line


def entry_of(place: int) -> int:
    """The entry of such a number."""
    return place >> _ENTRY_BITS

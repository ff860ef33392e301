"""A cache of the view's lines, with gutter and background.

Most lines of a frame were also in the frame before. A line stays the same strip object,
because Textual caches its own results (filters, divisions) in the strip.
"""

from collections.abc import Callable, Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from replyscope.domain.message import Role
from replyscope.domain.values import dataclass
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.entry import Entry
from replyscope.ui.transcript.layout import Layout
from replyscope.ui.transcript.strips import restyle

GUTTER = 2
_ENTRY_BITS, _CELL_BITS = 40, 16
_MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class Viewport:
    """The visible range of lines, and its styles. `top` is the line in the first row, `cursor`
    the highlighted entry, None without focus. `with_matches` marks search matches, `selected`
    styles the selection.
    """

    top: int
    width: int
    base: Style
    palette: Palette
    with_matches: Callable[[Strip], Strip]
    cursor: int | None
    selection: Selection | None = None
    selected: Style | None = None


class Lines:
    """A cache of composed lines."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Strip, Segment, int, Style, Strip]] = {}
        self._drawn: Sequence[Strip] = ()

    def draw(self, layout: Layout, rows: Iterable[int], view: Viewport) -> list[Strip]:
        """Draw rows of the view."""
        height = layout.height
        return [
            self._draw_line(layout, view.top + row, view)
            if view.top + row < height
            else Strip.blank(view.width, view.base)
            for row in rows
        ]

    def changed(self, drawn: Sequence[Strip]) -> list[int] | None:
        """The rows of a whole view that differ from the previous view; None for all."""
        before, self._drawn = self._drawn, drawn
        if len(before) != len(drawn):
            return None
        pairs = enumerate(zip(before, drawn, strict=True))
        return [row for row, (old, new) in pairs if old is not new and old != new]

    def _draw_line(self, layout: Layout, line: int, view: Viewport) -> Strip:
        anchor = layout.anchor_at(line)
        entry = layout.entries[anchor.entry]
        strips = entry.strips(anchor.cell)
        strip = strips[anchor.line] if anchor.line < len(strips) else Strip.blank(0)
        strip = view.with_matches(strip)
        place = place_of(anchor.entry, anchor.cell, anchor.line)
        span = view.selection.get_span(place) if view.selection is not None else None
        if span is not None and view.selected is not None:
            strip = restyle(strip, max(0, span[0]), span[1], view.selected)
        return self._whole(strip, place, _mark(anchor.entry, entry, view), view.width, view.base)

    def _whole(self, strip: Strip, place: int, mark: Segment, width: int, base: Style) -> Strip:
        """The full line: the mark in the gutter and the strip, on the background, padded."""
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


def _mark(number: int, entry: Entry, view: Viewport) -> Segment:
    """The mark in the gutter."""
    if number == view.cursor:
        style, mark = view.palette.cursor, "▌"
    elif entry.content.role is Role.USER:
        style, mark = view.palette.you, "▏"
    else:
        style, mark = view.base, " "
    return Segment(mark.ljust(GUTTER), style)


def place_of(entry: int, cell: int, line: int) -> int:
    """The number of a line for selections. It is stable when lines above it change."""
    return (entry << _ENTRY_BITS) | (cell << _CELL_BITS) | line


def entry_of(place: int) -> int:
    """The index of the entry in a number of `place_of`."""
    return place >> _ENTRY_BITS

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
        height = _height(layout)
        return [
            self._draw_line(layout, view.top + row, view)
            if view.top + row < height
            else Strip.blank(view.width, view.base)
            for row in rows
        ]

    def draw_with_places(self, layout: Layout, row: int, view: Viewport) -> Strip:
        """Draw one row with the place of each segment, by which Textual finds what is under the
        mouse. Drawn lines have none: each segment would need a style of its own.
        """
        if view.top + row >= _height(layout):
            return Strip.blank(view.width, view.base)
        strip, place, mark = _content(layout, view.top + row, view)
        return _composed(Strip(list(strip)).apply_offsets(0, place), mark, view)

    def changed(self, drawn: Sequence[Strip]) -> list[int] | None:
        """The rows of a whole view that differ from the previous view; None for all."""
        before, self._drawn = self._drawn, drawn
        if len(before) != len(drawn):
            return None
        pairs = enumerate(zip(before, drawn, strict=True))
        return [row for row, (old, new) in pairs if old is not new and old != new]

    def _draw_line(self, layout: Layout, line: int, view: Viewport) -> Strip:
        """The whole line. It stays the same object while nothing of it changes."""
        strip, place, mark = _content(layout, line, view)
        kept = self._kept.get(place)
        if (
            kept is not None
            and kept[0] is strip
            and kept[1] == mark
            and kept[2] == view.width
            and kept[3] == view.base
        ):
            return kept[4]
        whole = _composed(strip, mark, view)
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        self._kept[place] = (strip, mark, view.width, view.base, whole)
        return whole


def _height(layout: Layout) -> int:
    """The lines of the layout, none before it knows its width."""
    return layout.height if layout.is_configured else 0


def _content(layout: Layout, line: int, view: Viewport) -> tuple[Strip, int, Segment]:
    """The strip of a line with what is marked in it, its place, and the mark in its gutter."""
    anchor = layout.anchor_at(line)
    entry = layout.entries[anchor.entry]
    strips = entry.strips(anchor.cell)
    strip = strips[anchor.line] if anchor.line < len(strips) else Strip.blank(0)
    strip = view.with_matches(strip)
    place = place_of(anchor.entry, anchor.cell, anchor.line)
    span = view.selection.get_span(place) if view.selection is not None else None
    if span is not None and view.selected is not None:
        strip = restyle(strip, max(0, span[0]), span[1], view.selected)
    return strip, place, _mark(anchor.entry, entry, view)


def _composed(strip: Strip, mark: Segment, view: Viewport) -> Strip:
    """The mark in the gutter and the strip, on the background, padded."""
    line = Strip.join([Strip([mark], GUTTER), strip]).adjust_cell_length(view.width)
    return line.apply_style(view.base)


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

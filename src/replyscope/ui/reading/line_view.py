"""A scrollable list of styled lines with a cursor; only visible lines are drawn.

The cost does not depend on the number of lines. The text can be selected with the mouse.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from replyscope.domain.printable import printable_line
from replyscope.ui.transcript.strips import restyle

WIDEST = 2_000
"""The most characters of a line that are drawn."""
Pieces = Sequence[tuple[str, str]]
"""The text of a line in pieces, each with the name of its style; "" is the plain style."""
STYLES = ("muted", "key", "string", "number", "word", "good", "bad")


class LineView(ScrollView, can_focus=True):
    """Base class of views of many lines. Subclasses return each line's pieces."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--cursor",
        *(f"lines--{name}" for name in STYLES),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Next line", show=False),
        Binding("k,up", "move(-1)", "Previous line", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("g,home", "move(-1000000000)", "Top", show=False),
        Binding("G,shift+g,end", "move(1000000000)", "End", show=False),
        Binding("l", "shift(16)", "Right", show=False),
        Binding("h", "shift(-16)", "Left", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.row = 0
        """The index of the line under the cursor."""

    @property
    def row_count(self) -> int:
        """The number of lines."""
        raise NotImplementedError

    @property
    def widest(self) -> int:
        """The length of the longest line in characters."""
        return WIDEST

    def pieces_of(self, row: int) -> Pieces:
        """The text of a line."""
        raise NotImplementedError

    def open_row(self, row: int) -> None:
        """A line was opened with Enter or clicked twice."""

    def fit_rows(self) -> None:
        """Draw again after the number of lines changed."""
        self.row = max(0, min(self.row, self.row_count - 1))
        self.virtual_size = Size(min(WIDEST, self.widest), self.row_count)
        self.refresh()

    def _cut_pieces(self, row: int) -> list[tuple[str, str]]:
        room, cut = WIDEST, []
        for text, style in self.pieces_of(row):
            shown = printable_line(text[: WIDEST * 2])
            if len(shown) > room:
                cut.append((shown[: room - 1] + "…", style))
                break
            cut.append((shown, style))
            room -= len(shown)
        return cut

    def render_line(self, y: int) -> Strip:
        """Render one line of the view."""
        scroll_x, scroll_y = self.scroll_offset
        row, base = scroll_y + y, self.rich_style
        width = self.scrollable_content_region.width
        if row >= self.row_count:
            return Strip.blank(width, base)
        if row == self.row and self.has_focus:
            base += self.get_component_rich_style("lines--cursor")
        pieces = self._cut_pieces(row)
        strip = Strip([Segment(text, self._style(name, base)) for text, name in pieces if text])
        span = self.text_selection.get_span(row) if self.text_selection is not None else None
        if span is not None:
            marked = self.screen.get_component_rich_style("screen--selection")
            strip = restyle(strip, span[0], span[1], marked)
        return strip.crop_extend(scroll_x, scroll_x + width, base).apply_offsets(scroll_x, row)

    def _style(self, name: str, base: Style) -> Style:
        if not name:
            return base
        return base + self.get_component_rich_style(f"lines--{name}", partial=True)

    def point_at(self, row: int) -> None:
        """Move the cursor to a line, and scroll it into view."""
        self.row = max(0, min(row, self.row_count - 1))
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if not top <= self.row < top + height:
            start = self.row if self.row < top else self.row - height + 1
            self.scroll_to(y=start, animate=False, immediate=True)
        self.refresh()

    def action_move(self, step: int) -> None:
        """Move the cursor by lines."""
        self.point_at(self.row + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by a page."""
        self.point_at(self.row + step * max(1, self.scrollable_content_region.height - 1))

    def action_shift(self, columns: int) -> None:
        """Scroll sideways."""
        self.scroll_relative(x=columns, animate=False)

    def action_open(self) -> None:
        """Open the line under the cursor."""
        if self.row < self.row_count:
            self.open_row(self.row)

    def on_click(self, event: Click) -> None:
        """Move the cursor to the clicked line; a double click opens it."""
        row = self.scroll_offset.y + event.get_content_offset_capture(self).y
        if event.chain == 2:
            self.action_open()
        elif row < self.row_count:
            self.point_at(row)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text."""
        first = selection.start.y if selection.start is not None else 0
        last = selection.end.y if selection.end is not None else self.row_count - 1
        lines: list[str] = []
        for row in range(first, min(last + 1, self.row_count)):
            span = selection.get_span(row)
            if span is not None:
                text = "".join(piece for piece, _ in self._cut_pieces(row))
                lines.append(text[span[0] : len(text) if span[1] < 0 else span[1]])
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw a changed selection."""
        self.refresh()

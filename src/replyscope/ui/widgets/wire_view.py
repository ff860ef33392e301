"""What went over the wire, line by line: drawn only where it is seen."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from replyscope.domain.event import WireFrame
from replyscope.domain.printable import printable_line
from replyscope.inspection.wire import frame_line, frames_text

_WIDEST = 2_000


class WireView(ScrollView, can_focus=True):
    """Head lines (request and response), then one line per frame; 40,000 are no more
    work than 40.
    """

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"wire--head"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_wire", "Copy all", id="wire.copy"),
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G,shift+g", "scroll_end", "End", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._head: list[str] = []
        self._frames: Sequence[WireFrame] = ()
        self._count = 0

    def show_wire(self, head: list[str], frames: Sequence[WireFrame]) -> None:
        """Show another exchange. `frames` may grow; call `grow` when it did."""
        self._head = head
        self._frames = frames
        self._count = -1
        self.scroll_to(0, 0, animate=False, immediate=True, force=True)
        self.grow()

    def grow(self) -> None:
        """Show the frames that came since."""
        if len(self._frames) == self._count:
            return
        follows = self.scroll_offset.y >= self.max_scroll_y and self._count > 0
        self._count = len(self._frames)
        self.virtual_size = Size(_WIDEST, len(self._head) + self._count)
        if follows:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        self.refresh()

    def _line(self, number: int) -> tuple[str, bool]:
        if number < len(self._head):
            return printable_line(self._head[number])[:_WIDEST], True
        frame = number - len(self._head)
        if frame < self._count:
            text = frame_line(frame + 1, self._frames[frame])
            return printable_line(text[: _WIDEST * 2])[:_WIDEST], False
        return "", False

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        scroll_x, scroll_y = self.scroll_offset
        number = scroll_y + y
        text, is_head = self._line(number)
        base = self.rich_style
        style = (
            base + self.get_component_rich_style("wire--head", partial=True) if is_head else base
        )
        strip = self._selected(text, style, number)
        width = self.scrollable_content_region.width
        return strip.crop_extend(scroll_x, scroll_x + width, base).apply_offsets(scroll_x, number)

    def _selected(self, text: str, style: Style, number: int) -> Strip:
        selection = self.text_selection
        span = selection.get_span(number) if selection is not None else None
        if span is None:
            return Strip([Segment(text, style)])
        start, end = span[0], len(text) if span[1] < 0 else span[1]
        marked = style + self.screen.get_component_rich_style("screen--selection")
        pieces = ((text[:start], style), (text[start:end], marked), (text[end:], style))
        return Strip([Segment(piece, look) for piece, look in pieces if piece])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The lines between two places."""
        total = len(self._head) + self._count
        first = selection.start.y if selection.start is not None else 0
        last = selection.end.y if selection.end is not None else total - 1
        lines: list[str] = []
        for number in range(first, min(last + 1, total)):
            span = selection.get_span(number)
            if span is not None:
                text, _ = self._line(number)
                lines.append(text[span[0] : len(text) if span[1] < 0 else span[1]])
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """The selection changed: draw it."""
        self.refresh()

    def action_copy_wire(self) -> None:
        """Copy the request, the headers and the stream as they came."""
        self.app.copy_to_clipboard("\n".join(self._head) + "\n" + frames_text(self._frames))
        self.notify(f"Copied {self._count:,} frames", timeout=2)

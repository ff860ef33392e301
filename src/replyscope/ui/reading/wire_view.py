"""The wire view: request, response head and frames, of which only visible lines are drawn."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from replyscope.domain.event import WireFrame
from replyscope.domain.printable import printable_line
from replyscope.inspection.wire import frame_line, frames_text

_WIDEST = 2_000


class WireView(ScrollView, can_focus=True):
    """Head lines (request and response), then one line per frame; 40,000 are no more
    work than 40. A cursor walks the lines; a frame under it can be opened.
    """

    class FrameOpened(Message):
        """The person wants to read one frame, counted from 0."""

        def __init__(self, frames: Sequence[WireFrame], number: int) -> None:
            super().__init__()
            self.frames = frames
            self.number = number

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"wire--head", "wire--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_wire", "Copy all", id="wire.copy"),
        Binding("enter", "open_frame", "Open the frame", id="wire.open"),
        Binding("j,down", "move(1)", "Next line", show=False),
        Binding("k,up", "move(-1)", "Previous line", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("g,home", "move(-1000000000)", "Top", show=False),
        Binding("G,shift+g,end", "move(1000000000)", "End", show=False),
        Binding("right,l", "shift(16)", "Right", show=False),
        Binding("left,h", "shift(-16)", "Left", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._head: list[str] = []
        self._frames: Sequence[WireFrame] = ()
        self._count = 0
        self._cursor = 0

    def show_wire(self, head: list[str], frames: Sequence[WireFrame]) -> None:
        """Show another exchange. `frames` may grow; call `grow` when it did."""
        self._head = head
        self._frames = frames
        self._count = -1
        self._cursor = len(head)
        self.grow()
        # The frames are what one comes for; the request stands above them.
        top = max(0, len(head) - 2) if frames else 0
        self.scroll_to(0, top, animate=False, immediate=True, force=True)

    def show_moment(self, at_ms: float) -> None:
        """Put the cursor on the last frame that had come by then."""
        number = sum(frame.at_ms <= at_ms for frame in self._frames)
        self._move_to(len(self._head) + max(0, number - 1))

    def grow(self) -> None:
        """Show the frames that were added since."""
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
            return _cut(printable_line(self._head[number][: _WIDEST * 2])), True
        frame = number - len(self._head)
        if frame < self._count:
            text = frame_line(frame + 1, self._frames[frame])
            return _cut(printable_line(text[: _WIDEST * 2])), False
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
        if number == self._cursor and self.has_focus:
            style += self.get_component_rich_style("wire--cursor")
            base = style
        strip = self._selected(text, style, number)
        width = self.scrollable_content_region.width
        return strip.crop_extend(scroll_x, scroll_x + width, base).apply_offsets(scroll_x, number)

    def _move_to(self, number: int) -> None:
        last = len(self._head) + self._count - 1
        self._cursor = max(0, min(number, last))
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if not top <= self._cursor < top + height:
            start = self._cursor if self._cursor < top else self._cursor - height + 1
            self.scroll_to(y=start, animate=False, immediate=True)
        self.refresh()

    def action_move(self, step: int) -> None:
        """Move the cursor by lines."""
        self._move_to(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by a page."""
        self._move_to(self._cursor + step * max(1, self.scrollable_content_region.height - 1))

    def action_shift(self, columns: int) -> None:
        """Scroll sideways."""
        self.scroll_relative(x=columns, animate=False)

    def action_open_frame(self) -> None:
        """Open the frame under the cursor in a dialog."""
        number = self._cursor - len(self._head)
        if 0 <= number < self._count:
            self.post_message(self.FrameOpened(self._frames, number))

    def on_click(self, event: Click) -> None:
        """A click goes to a line; a second one opens it."""
        number = self.scroll_offset.y + event.get_content_offset_capture(self).y
        if event.chain == 2:
            self.action_open_frame()
        elif number < len(self._head) + self._count:
            self._move_to(number)

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


def _cut(text: str) -> str:
    """A line that says so when it goes on; Enter shows the whole of it."""
    return text if len(text) < _WIDEST else text[: _WIDEST - 1] + "…"

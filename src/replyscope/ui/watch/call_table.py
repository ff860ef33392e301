"""The table of calls: only the rows in view are drawn, so thousands scroll at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from replyscope.engine.watching.call_log import LoggedCall
from replyscope.ui.watch.rows import CallColumns, call_row, head_row, table_of
from replyscope.ui.watch.waterfall import Scale, scale_of, span_of

_HEAD = 1
_OPEN = Binding.Group("open")
_MOVE = Binding.Group("move")


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The data of one frame of the table: the calls in view, their columns and scale."""

    first: int
    calls: Sequence[LoggedCall | None]
    table: CallColumns
    scale: Scale
    now: datetime


class CallTable(ScrollView, can_focus=True):
    """The table of calls. One row is highlighted, any number are marked. The newest row is
    followed until another row is highlighted.

    `call_of` returns the current state of a call; `now` returns the current time, which ends the
    bars of running calls.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"calls--highlighted"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "want", "Open in its session", id="watch.open", group=_OPEN),
        Binding("space", "mark", "Mark", id="watch.mark", group=Binding.Group("mark")),
        Binding("f,end,G,shift+g", "follow", "Follow the newest", id="watch.follow",
                group=Binding.Group("follow")),
        Binding("down,j", "move(1)", "Next", id="watch.next", group=_MOVE),
        Binding("up,k", "move(-1)", "Previous", id="watch.previous", group=_MOVE),
        Binding("pagedown", "page(1)", "A page down", show=False),
        Binding("pageup", "page(-1)", "A page up", show=False),
        Binding("home,g", "first", "First", show=False),
    ]  # fmt: skip

    highlighted: var[int | None] = var(None, always_update=True)
    follows: var[bool] = var(True, bindings=True)

    class Wanted(Message):
        """A row was chosen."""

    class Pointed(Message):
        """Another row is highlighted, or the table is followed or held."""

    def __init__(
        self,
        call_of: Callable[[str], LoggedCall | None],
        now: Callable[[], datetime],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._call_of = call_of
        self._now = now
        self._ids: Sequence[str] = ()
        self._drawing: _Drawing | None = None
        self.marked: dict[str, None] = {}
        self.empty = Content("")

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self._ids)

    @property
    def current_id(self) -> str | None:
        """The id of the highlighted call."""
        number = self.highlighted
        return self._ids[number] if number is not None and number < self.count else None

    @property
    def below(self) -> int:
        """The number of rows after the highlighted one."""
        return 0 if self.highlighted is None else self.count - 1 - self.highlighted

    def show_calls(self, ids: Sequence[str]) -> None:
        """Show these calls. While it is held, the highlight stays on its call."""
        before, number = self.current_id, self.highlighted
        self._ids = ids
        self._set_height(len(ids) + _HEAD)
        if not ids:
            self.follows = True
            self.highlighted = None
        elif self.follows or number is None:
            self.highlighted = len(ids) - 1
        else:
            place = min(number, len(ids) - 1)
            if before is not None and ids[place] != before and before in ids:
                place = list(ids).index(before)
            self.set_reactive(CallTable.highlighted, place)
            if ids[place] != before:
                self.highlighted = place
        self.redraw()

    def _set_height(self, lines: int) -> None:
        """Set the height of the content; no new layout while the scroll bar stays visible."""
        size = Size(0, lines)
        if not self.show_vertical_scrollbar or lines <= self.size.height:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(CallTable.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = lines
            self.scroll_y = min(self.scroll_y, self.max_scroll_y)

    def redraw(self) -> None:
        """Draw the calls in view again, in their current state."""
        self._drawing = None
        self.refresh()

    def unmark(self) -> None:
        """Remove all marks."""
        self.marked.clear()
        self.redraw()
        self.post_message(self.Pointed())

    def chosen_ids(self) -> list[str]:
        """The marked calls, oldest mark first; with fewer than two, the highlighted one too."""
        known = set(self._ids)
        chosen = [one for one in self.marked if one in known]
        current = self.current_id
        if len(chosen) < 2 and current is not None and current not in chosen:
            chosen.append(current)
        return chosen

    def action_mark(self) -> None:
        """Mark the call, or no longer."""
        current = self.current_id
        if current is not None:
            if current in self.marked:
                del self.marked[current]
            else:
                self.marked[current] = None
            self.redraw()
            self.post_message(self.Pointed())

    def action_want(self) -> None:
        """Open the call."""
        if self.current_id is not None:
            self.post_message(self.Wanted())

    def action_follow(self) -> None:
        """Highlight the newest call from now on."""
        self.follows = True
        if self.count:
            self.highlighted = self.count - 1

    def action_move(self, step: int) -> None:
        """Move the highlight by a number of rows; the last row follows again."""
        if self.count:
            number = min(max(0, (self.highlighted or 0) + step), self.count - 1)
            self.follows = number == self.count - 1
            self.highlighted = number

    def action_page(self, step: int) -> None:
        """Highlight the row a view further on."""
        self.action_move(step * max(1, self.size.height - _HEAD))

    def action_first(self) -> None:
        """Highlight the first row."""
        self.action_move(-self.count)

    def watch_highlighted(self) -> None:
        number = self.highlighted
        if number is not None and self.is_mounted:
            room = max(1, self.size.height - _HEAD)
            top = self.scroll_offset.y
            if number < top:
                self.scroll_to(y=number, animate=False, immediate=True, force=True)
            elif number >= top + room:
                self.scroll_to(y=number - room + 1, animate=False, immediate=True, force=True)
        self.redraw()
        self.post_message(self.Pointed())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._drawing = None

    def on_mouse_scroll_up(self) -> None:
        """Scrolling up holds the table."""
        if self.max_scroll_y > 0:
            self.follows = False
            self.post_message(self.Pointed())

    def on_resize(self) -> None:
        self._drawing = None
        if self.follows and self.count:
            self.call_after_refresh(self.action_follow)

    def notify_style_update(self) -> None:
        """A theme changed: draw again."""
        super().notify_style_update()
        self._drawing = None

    def on_click(self, event: events.Click) -> None:
        """A click points, one at the margin or with Ctrl marks, a double one opens."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < _HEAD:
            return
        number = self.scroll_offset.y + offset.y - _HEAD
        if not 0 <= number < self.count:
            return
        event.stop()
        self.action_move(number - (self.highlighted or 0))
        if event.ctrl or offset.x < 2:
            self.action_mark()
        elif event.chain == 2:
            self.action_want()

    def render_line(self, y: int) -> Strip:
        """One line of the view: the titles, then the calls."""
        width = self.scrollable_content_region.width
        if not self.count:
            lines = Visual.to_strips(self, self.empty, width, None, self.visual_style, pad=True)
            return lines[y] if y < len(lines) else Strip.blank(width, self.rich_style)
        drawing = self._drawing or self._draw(width)
        self._drawing = drawing
        if y < _HEAD:
            return self._strip(head_row(drawing.table, drawing.scale), width)
        row = y - _HEAD
        call = drawing.calls[row] if row < len(drawing.calls) else None
        if call is None:
            return Strip.blank(width, self.rich_style)
        is_highlighted = drawing.first + row == self.highlighted
        content = call_row(
            call, drawing.table, span_of(call, drawing.now), drawing.scale,
            is_marked=call.id in self.marked, is_highlighted=is_highlighted,
        )  # fmt: skip
        return self._strip(content, width, is_highlighted=is_highlighted)

    def _draw(self, width: int) -> _Drawing:
        first, now = self.scroll_offset.y, self._now()
        shown = self._ids[first : first + max(0, self.size.height - _HEAD)]
        calls = [self._call_of(call_id) for call_id in shown]
        scale = scale_of(span_of(call, now) for call in calls if call is not None)
        return _Drawing(first, calls, table_of(width - 1), scale, now)

    def _strip(self, content: Content, width: int, *, is_highlighted: bool = False) -> Strip:
        style = self.get_visual_style("calls--highlighted") if is_highlighted else self.visual_style
        return Visual.to_strips(self, content, width, 1, style, pad=True)[0]

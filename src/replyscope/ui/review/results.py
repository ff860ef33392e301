"""The results list of a search: replies, or their sessions.

Has the name of every row, and loads the content of visible rows on demand. So showing the end
of 50,000 rows is as fast as showing their beginning.
"""

from collections.abc import Iterable, Sequence
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

from replyscope.domain.ports import Clock
from replyscope.domain.search import Hit
from replyscope.ui.review.result_rows import (
    REPLY_LINES,
    SESSION_LINES,
    Found,
    row_of,
)
from replyscope.ui.styles.muted import MUTED

Named = tuple[str, str]
"""A row: its session, and its own name (a reply's exchange, or the session again)."""
_MOST_REPLIES = 2_000
"""The number of replies in memory; replies far from the view are loaded again."""
_MOST_DRAWN = 400
_OPEN = Binding.Group("open")


def name_of(found: Found) -> Named:
    """The name of a row."""
    key = found.exchange_id if isinstance(found, Hit) else found.session_id
    return found.session_id, key


class Results(ScrollView, can_focus=True):
    """One row is highlighted, any number are marked."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"results--highlighted"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="review.mark", group=Binding.Group("mark")),
        Binding("asterisk,ctrl+a", "mark_all", "Mark all, or none", id="review.mark-all"),
        Binding("enter", "want", "Open in the chat", id="review.want", group=_OPEN),
        Binding("down,j", "move(1)", "Next", show=False),
        Binding("up,k", "move(-1)", "Previous", show=False),
        Binding("pagedown", "page(1)", "A page down", show=False),
        Binding("pageup", "page(-1)", "A page up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G,shift+g", "last", "Last", show=False),
    ]

    highlighted: var[int | None] = var(None, always_update=True)

    class Wanted(Message):
        """A row was chosen."""

    class Pointed(Message):
        """The highlighted row or its content changed; None when no row is highlighted."""

        def __init__(self, found: Found | None) -> None:
            super().__init__()
            self.found = found

    class MarksChanged(Message):
        """Other rows are marked."""

    class Missing(Message):
        """Rows without loaded content were scrolled into view."""

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._names: Sequence[Named] = ()
        self._rows: dict[str, Found] = {}
        self._lines = REPLY_LINES
        self._drawn: dict[tuple[object, ...], list[Strip]] = {}
        self.marked: dict[str, str] = {}
        self.empty_text = ""

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self._names)

    @property
    def current(self) -> Found | None:
        """The highlighted row; None without one, or while it is not loaded."""
        name = self._current_name
        return self._rows.get(name[1]) if name is not None else None

    @property
    def _current_name(self) -> Named | None:
        number = self.highlighted
        return self._names[number] if number is not None and number < self.count else None

    def row(self, number: int) -> Found | None:
        """The reply or session of a row; None while it is not loaded."""
        return self._rows.get(self._names[number][1])

    def chosen_sessions(self) -> list[str]:
        """The sessions of the marked rows, or of the highlighted one when none is marked."""
        if self.marked:
            return list(dict.fromkeys(self.marked.values()))
        name = self._current_name
        return [name[0]] if name is not None else []

    def marked_replies(self) -> list[Hit]:
        """The marked replies that are loaded; with fewer than two, the highlighted one too."""
        name = self._current_name
        needs_one = name is not None and len(self.marked) < 2
        keys = dict.fromkeys([*self.marked, *([name[1]] if name and needs_one else [])])
        rows = (self._rows.get(key) for key in keys)
        return [row for row in rows if isinstance(row, Hit)]

    def show_found(self, found: Sequence[Found]) -> None:
        """Show other results, from their beginning."""
        self._rows = {name_of(one)[1]: one for one in found}
        self._lines = SESSION_LINES if found and not isinstance(found[0], Hit) else REPLY_LINES
        self._drawn.clear()
        self._set_names([name_of(one) for one in found])
        self.highlighted = 0 if found else None

    def show_order(self, names: Sequence[Named]) -> None:
        """Set the names of all rows. The highlight stays on its row, or else at its number."""
        was, number = self._current_name, self.highlighted
        before = was
        self._set_names(names)
        if not names:
            self.highlighted = None
            return
        place = min(number or 0, len(names) - 1)
        if not number and not self.has_focus:
            before = None  # the reader has pointed at nothing yet: the first stays the first
        if before is not None and names[place] != before and before in names:
            place = list(names).index(before)
        if place != number or names[place] != was:
            self.highlighted = place
        self._ask_for_missing()

    def _set_names(self, names: Sequence[Named]) -> None:
        self._names = names
        self._set_height(len(names) * self._lines)
        self.refresh()

    def _set_height(self, lines: int) -> None:
        """Set the height of the content; no new layout while the scroll bar stays visible."""
        size = Size(0, lines)
        if not self.show_vertical_scrollbar or lines <= self.size.height:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(Results.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = lines
            self.scroll_y = min(self.scroll_y, self.max_scroll_y)

    def fill(self, found: Iterable[Found]) -> None:
        """Show loaded rows, and redraw changed ones."""
        before = self.current
        new = {name_of(one)[1]: one for one in found}
        changed = {key for key, one in new.items() if self._rows.get(key, one) != one}
        self._drawn = {look: s for look, s in self._drawn.items() if look[0] not in changed}
        self._rows.update(new)
        if len(self._rows) > _MOST_REPLIES and self._lines == REPLY_LINES:
            near = [*self._near(), *([self._current_name] if self._current_name else [])]
            self._rows = {key: self._rows[key] for _, key in near if key in self._rows}
        self.refresh()
        if self.current != before:
            self.post_message(self.Pointed(self.current))

    def missing(self, *, again: bool = False) -> list[str]:
        """The names of the rows in and around the view that are not loaded; with `again` all."""
        return [key for _, key in self._near() if again or key not in self._rows]

    def _near(self) -> Sequence[Named]:
        first = round(self.scroll_y) // self._lines
        size = self.size.height // self._lines + 2
        return self._names[max(0, first - size) : first + 2 * size]

    def _ask_for_missing(self) -> None:
        if self.missing():
            self.post_message(self.Missing())

    def unmark(self) -> None:
        """Remove all marks."""
        self.marked.clear()
        self._marks_changed()

    def unmark_sessions(self, session_ids: Iterable[str]) -> None:
        """Remove the marks of sessions."""
        gone = set(session_ids)
        self.marked = {key: session for key, session in self.marked.items() if session not in gone}
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.MarksChanged())

    def action_mark(self) -> None:
        """Mark or unmark the row, and highlight the next one."""
        if self._current_name is not None:
            self._toggle_mark(self._current_name)
            self.action_move(1)

    def _toggle_mark(self, name: Named) -> None:
        if self.marked.pop(name[1], None) is None:
            self.marked[name[1]] = name[0]
        self._marks_changed()

    def action_mark_all(self) -> None:
        """Mark all results, or unmark them if all are marked."""
        wanted = {key: session_id for session_id, key in self._names}
        self.marked = {} if self.marked == wanted else wanted
        self._marks_changed()

    def action_want(self) -> None:
        """Open the row."""
        if self._current_name is not None:
            self.post_message(self.Wanted())

    def action_move(self, step: int) -> None:
        """Move the highlight by a number of rows."""
        if self.count:
            number = self.highlighted or 0
            self.highlighted = min(max(0, number + step), self.count - 1)

    def action_page(self, step: int) -> None:
        """Move the highlight by a page."""
        self.action_move(step * max(1, self.size.height // self._lines))

    def action_first(self) -> None:
        """Highlight the first row."""
        self.action_move(-self.count)

    def action_last(self) -> None:
        """Highlight the last row."""
        self.action_move(self.count)

    def watch_highlighted(self) -> None:
        number = self.highlighted
        if number is not None and self.is_mounted:
            top, height = number * self._lines, self.size.height
            if top < self.scroll_offset.y or self.count <= 1:
                self.scroll_to(y=top, animate=False, immediate=True, force=True)
            elif top + self._lines - 1 > self.scroll_offset.y + height:
                bottom = top + self._lines - 1 - height
                self.scroll_to(y=bottom, animate=False, immediate=True, force=True)
        self.refresh()
        self.post_message(self.Pointed(self.current))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._ask_for_missing()

    def on_resize(self) -> None:
        self._drawn.clear()
        self._ask_for_missing()

    def notify_style_update(self) -> None:
        """A theme changed: draw again."""
        super().notify_style_update()
        self._drawn.clear()

    def on_click(self, event: events.Click) -> None:
        """A click highlights a row; at the margin or with Ctrl it marks; a double click opens."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        number = (self.scroll_offset.y + offset.y) // self._lines
        if not 0 <= number < self.count:
            return
        event.stop()
        self.highlighted = number
        if event.ctrl or offset.x < 2:
            self._toggle_mark(self._names[number])
        elif event.chain == 2:
            self.action_want()

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        width = self.scrollable_content_region.width
        number, line = divmod(self.scroll_offset.y + y, self._lines)
        if number < self.count:
            strips = self._row(number, width)
        elif not self.count and self.empty_text:
            number, line = 0, y
            strips = self._draw(Content.styled(self.empty_text, MUTED), width)
        else:
            strips = []
        return strips[line] if line < len(strips) else Strip.blank(width, self.rich_style)

    def _row(self, number: int, width: int) -> list[Strip]:
        key = self._names[number][1]
        is_marked = key in self.marked
        look = (key, width, is_marked, number == self.highlighted)
        strips = self._drawn.get(look)
        if strips is None:
            found = self._rows.get(key)
            if found is None:
                content = Content.styled("  …\n\n\n", MUTED)
            else:
                now = self._clock.now().astimezone()
                content = row_of(found, width, now, is_marked=is_marked)
            strips = self._draw(content, width, is_highlighted=number == self.highlighted)
            if len(self._drawn) > _MOST_DRAWN:
                self._drawn.clear()
            if found is not None:
                self._drawn[look] = strips
        return strips

    def _draw(self, content: Content, width: int, *, is_highlighted: bool = False) -> list[Strip]:
        style = (
            self.get_visual_style("results--highlighted") if is_highlighted else self.visual_style
        )
        return Visual.to_strips(self, content, width, None, style, pad=True)

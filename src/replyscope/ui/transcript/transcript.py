"""The transcript: the conversation as one virtualised widget.

It draws only the visible lines, and follows the end until the reader scrolls away. Then it
never moves by itself: when the height of an entry above the view is corrected, the lines
on the screen keep their place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from rich.style import Style
from textual import events, on
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import reactive, var
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip

from replyscope.ui.markdown.palette import Palette, component_classes, palette_of
from replyscope.ui.transcript.catching_up import CatchingUp
from replyscope.ui.transcript.content import ContentOf, EntryContent, no_content
from replyscope.ui.transcript.drawings import Drawings
from replyscope.ui.transcript.entry import Entry
from replyscope.ui.transcript.finding import Finder
from replyscope.ui.transcript.following import FollowingView
from replyscope.ui.transcript.layout import Layout
from replyscope.ui.transcript.lines import GUTTER, Lines, Viewport
from replyscope.ui.transcript.messages import CursorMoved, DrawingReady
from replyscope.ui.transcript.selecting import selected_text
from replyscope.ui.transcript.strips import mark_matches

_WIDEST_TEXT = 120
_MOST_CORRECTIONS = 5
_UNDIMMED = Style(dim=False, reverse=False)
_MOVE = Binding.Group("move")


class Transcript(FollowingView, can_focus=True):
    """A scrollable list of entries with a cursor."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = component_classes("transcript")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move_cursor(1)", "Next message", id="transcript.next", group=_MOVE),
        Binding("k", "move_cursor(-1)", "Previous message", id="transcript.previous", group=_MOVE),
        Binding("g", "go_to_start", "First message", id="transcript.first"),
        Binding("G,shift+g,end", "go_to_end", "Newest message", id="transcript.newest"),
        Binding("space", "fold", "Fold or unfold", id="transcript.fold"),
        Binding("up", "scroll_up", "Scroll up", show=False),
        Binding("down", "scroll_down", "Scroll down", show=False),
        Binding("home", "go_to_start", "First message", show=False),
    ]

    cursor: var[int] = var(-1)
    needle: reactive[str] = reactive("")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._layout_of = Layout()
        self._content_of: ContentOf = no_content
        self._lines = Lines()
        self._finder = Finder()
        self._palette: Palette | None = None
        self._palette_is_stale = True
        self._is_settling = False
        self._flowed_size: Size | None = None
        """The outer size at the last layout. A scroll bar that appears does not change it."""
        self._catching_up = CatchingUp(lambda: self._layout_of, self.set_timer, self._reflow)
        self._drawings = Drawings(self)

    @property
    def last_key(self) -> str | None:
        """The key of the last entry."""
        entries = self._layout_of.entries
        return entries[-1].key if entries else None

    @property
    def keys(self) -> Sequence[str]:
        """The keys of all entries, first to last."""
        return [entry.key for entry in self._layout_of.entries]

    @property
    def cursor_key(self) -> str | None:
        """The key of the entry under the cursor."""
        entries = self._layout_of.entries
        return entries[self.cursor].key if 0 <= self.cursor < len(entries) else None

    def show_entries(self, keys: Sequence[str], content_of: ContentOf) -> None:
        """Show another conversation, scrolled to its end. The content of an entry is loaded when
        the entry is first visible.
        """
        self._layout_of, self._content_of = Layout(), content_of
        self._layout_of.entries = [self._entry(key) for key in keys]
        self._following = True
        self.screen.clear_selection()
        self._point(len(keys) - 1)
        self._reflow()

    def _entry(self, key: str) -> Entry:
        make = partial(self._content_of, key)
        return Entry(key, make, self._drawings.options(), self._drawings.picture)

    def cursor_content(self) -> EntryContent | None:
        """The content of the entry under the cursor."""
        entries = self._layout_of.entries
        return entries[self.cursor].content if 0 <= self.cursor < len(entries) else None

    def show_nothing(self) -> None:
        """Remove all entries."""
        self.show_entries((), no_content)

    def renew_entries(self) -> None:
        """Load the content of all entries again."""
        self._layout_of.renew_all()
        self._reflow()

    def add_entry(self, key: str) -> None:
        """Append an entry. When the view follows the end, the cursor moves to the entry."""
        self._layout_of.entries.append(self._entry(key))
        if self._following:
            self._point(len(self._layout_of.entries) - 1)
        self._reflow()

    def drop_last(self) -> None:
        """Remove the last entry."""
        self._layout_of.entries.pop()
        self._layout_of.invalidate(max(0, len(self._layout_of.entries) - 1))
        self.cursor = min(self.cursor, len(self._layout_of.entries) - 1)
        self._reflow()

    def renew_entry(self, key: str | None) -> None:
        """Load the content of one entry again, usually of the last."""
        entry = self._layout_of.renew(key)
        if entry is not None:
            self._catching_up.wait_for_frame(is_live=entry.is_live)
            if not self._following:
                self._report_below(is_below=True)
            self._reflow()

    def draw_rest(self) -> bool:
        """Show more of the last entry, as a frame of its stream, without loading its content again.
        Returns whether it was behind.
        """
        entries = self._layout_of.entries
        is_behind = bool(entries) and entries[-1].is_behind
        if is_behind:
            self._catching_up.wait_for_frame(is_live=True)
            self._layout_of.go_on()
            self._reflow()
        return is_behind

    def follow(self) -> None:
        """Scroll to the end and follow it."""
        self._following = True
        self._reflow()

    def palette(self) -> Palette:
        """The styles of the current theme."""
        if self._palette_is_stale:
            fresh = palette_of(self, "transcript")
            # The same object while the styles are equal, so that the drawn strips stay valid.
            if fresh != self._palette:
                self._palette = fresh
            self._palette_is_stale = False
        assert self._palette is not None
        return self._palette

    def notify_style_update(self) -> None:
        """Resolve the styles again after a change of theme."""
        super().notify_style_update()
        self._palette_is_stale = True
        if self.is_mounted:
            self.call_after_refresh(self._reflow)

    @property
    def text_width(self) -> int:
        """The width of an entry's text in cells, at most 120: longer lines are hard to read."""
        return max(1, min(_WIDEST_TEXT, self.scrollable_content_region.width - GUTTER - 2))

    def on_resize(self) -> None:
        self.screen.clear_selection()
        self._reflow()

    def _reflow(self) -> None:
        """Synchronise the layout, the virtual size and the scroll position."""
        height = self.scrollable_content_region.height
        if not self.is_mounted or height <= 0 or self._is_settling:
            return
        self._is_settling = True
        try:
            layout, self._flowed_size = self._layout_of, self.outer_size
            layout.configure(self.text_width, self.palette())
            top = layout.settle(self.scroll_offset.y, height, from_end=self._following)
            self._set_height(layout.height, height)
            if top != self.scroll_offset.y:
                self.scroll_to(y=top, animate=False, immediate=True, force=True)
            self._repaint()
        finally:
            self._is_settling = False
        self.call_after_refresh(self.sync_bar)
        self._catching_up.start()

    def _repaint(self) -> None:
        """Paint only the lines that changed since the last paint: while a reply streams, that
        is often one line.
        """
        size = self.size
        rows = self._lines.changed(self._draw_lines(range(size.height)))
        if rows is None:
            self.refresh()
        for row in rows or ():
            self.refresh(Region(0, row, size.width, 1))

    def _set_height(self, lines: int, view: int) -> None:
        """Set the virtual height, for the scroll bar too.

        When the bar exists, a new height needs no layout of the whole screen. Such a layout
        would cost more than drawing the new lines.
        """
        size = Size(self.size.width, lines)
        if not self.show_vertical_scrollbar or lines <= view:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(Transcript.virtual_size, size)
            # The bar is painted later, after its position is set.
            self.vertical_scrollbar.set_reactive(ScrollBar.window_virtual_size, lines)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._is_settling or round(old_value) == round(new_value):
            return
        if self._flowed_size == self.outer_size:  # else a resize moved it
            self._following = self.max_scroll_y - round(new_value) <= 0
        self._reflow()

    def watch_cursor(self) -> None:
        self.refresh()

    def _point(self, number: int) -> None:
        self.cursor = number
        self.post_message(CursorMoved(self.cursor_key))

    def action_move_cursor(self, step: int) -> None:
        """Move the cursor to the next or previous entry, and scroll the entry into view."""
        self.point_at(self.cursor + step)

    def point_at(self, number: int) -> None:
        """Move the cursor to an entry, and scroll the entry into view."""
        count = len(self._layout_of.entries)
        if not count:
            return
        self._point(min(max(0, number), count - 1))
        top = self._layout_of.tops[self.cursor]
        bottom = self._layout_of.tops[self.cursor + 1]
        height = self.scrollable_content_region.height
        first = self.scroll_offset.y
        if top < first or bottom > first + height:
            is_last = self.cursor == count - 1
            target = bottom - height if is_last and bottom - top < height else top
            self.scroll_to_line(target)

    def scroll_to_line(self, line: int) -> None:
        """Scroll a line to the top of the view; at the end, follow it."""
        line = max(0, line)
        self._following = False
        height = self.scrollable_content_region.height
        self._layout_of.settle(line, height, from_end=False)
        self._set_height(self._layout_of.height, height)
        self.scroll_to(y=line, animate=False, immediate=True, force=True)
        self._following = self.scroll_offset.y >= self.max_scroll_y
        self._reflow()

    def action_go_to_start(self) -> None:
        """Move the cursor to the first entry."""
        self.point_at(0)

    def action_go_to_end(self) -> None:
        """Move the cursor to the last entry, and follow the end."""
        self._point(len(self._layout_of.entries) - 1)
        self.follow()

    def action_fold(self) -> None:
        """Unfold or fold the entry under the cursor."""
        key = self.cursor_key
        if key is not None:
            self.action_toggle_fold(key)

    def action_toggle_fold(self, key: str) -> None:
        """Unfold or fold an entry's reasoning and tool calls."""
        for number, entry in enumerate(self._layout_of.entries):
            if entry.key == key and entry.is_foldable:
                entry.toggle_fold()
                self._layout_of.invalidate(number)
                self._following = False
                self._reflow()
                return

    def toggle_source(self) -> None:
        """Toggle between source and drawing for the entry under the cursor."""
        number = self.cursor
        if 0 <= number < len(self._layout_of.entries):
            self._layout_of.entries[number].toggle_source()
            self._layout_of.invalidate(number)
            self._reflow()

    @on(DrawingReady)
    def _draw_ready(self) -> None:
        self._layout_of.forget_drawings()
        self._reflow()

    def find_next(self, query: str, *, backwards: bool = False) -> bool:
        """Scroll to the next line with the query. Returns whether it was found."""
        self.needle = query
        found = self._finder.find(
            self._layout_of.entries,
            query,
            self.cursor,
            backwards=backwards,
            lay_out=lambda entry: entry.lay_out(self.text_width, self.palette()),
        )
        if found is None:
            return False
        self._point(found[0])
        self.show_line(*found)
        return True

    def show_line(self, number: int, line: int) -> None:
        """Scroll to a line of a laid out entry, again when an entry above it grows."""
        for _ in range(_MOST_CORRECTIONS):
            self._layout_of.invalidate(number)
            self._reflow()
            place, height = self._layout_of.tops[number] + line, self.size.height
            if self.scroll_offset.y <= place < self.scroll_offset.y + height:
                return
            self.scroll_to_line(place - height // 3)

    @on(events.Click)
    def _point_at_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or not self._layout_of.entries:
            return
        line = self.scroll_offset.y + offset.y
        if line < self._layout_of.height:
            self._point(self._layout_of.entry_at(line))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render a region of the view.

        Textual draws every line again in every frame. Here an unchanged line is the same
        strip object. Textual renders the region when a link is under the mouse.
        """
        if self.hover_style.link_id:
            return super().render_lines(crop)
        _, background = self.background_colors
        filters = self.get_line_filters()
        strips = self._draw_lines(crop.line_range)
        for each in filters:
            strips = [strip.apply_filter(each, background) for strip in strips]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Render one line of the view, as Textual does to find what is under the mouse."""
        return self._lines.draw_with_places(self._layout_of, y, self._viewport())

    def _draw_lines(self, rows: Iterable[int]) -> list[Strip]:
        """Draw rows of the view, without line filters."""
        return self._lines.draw(self._layout_of, rows, self._viewport())

    def _viewport(self) -> Viewport:
        top, width, base = self.scroll_offset.y, self.size.width, self.rich_style
        cursor = self.cursor if self.has_focus else None
        view = Viewport(top, width, base, self.palette(), self.with_matches, cursor)
        if self.text_selection is None:
            return view
        style = self.screen.get_component_rich_style("screen--selection")
        return replace(view, selection=self.text_selection, selected=style + _UNDIMMED)

    def with_matches(self, strip: Strip) -> Strip:
        """The strip with its search matches marked."""
        return mark_matches(strip, self.needle, self.palette().match) if self.needle else strip

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, without the line breaks of the layout."""
        entries = self._layout_of.entries
        return selected_text(entries, selection, self.text_width, self.palette()), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw a changed selection."""
        self.refresh()

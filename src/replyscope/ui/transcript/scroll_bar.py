"""A scroll bar that is painted only when its appearance changes.

While a reply streams, its text grows by many lines a second, but the thumb moves by less
than half a cell. Painting the bar each time would cost as much as painting the text.
"""

from math import ceil
from typing import Self

from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

from replyscope.ui.terminal.textual_internals import ensure_vertical_bar

_STEPS = 2  # steps per cell: half a cell is the smallest visible difference

Look = tuple[object, ...]


class CalmScrollBar(ScrollBar):
    """A Textual scroll bar that skips paints without a visible change."""

    _painted: Look | None = None

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        if repaint and not (regions or layout or recompose):
            look = self._look()
            if look == self._painted:
                return self
            self._painted = look
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _look(self) -> Look:
        """The state that the appearance depends on: thumb, pointer, theme and size."""
        window, lines, height = self.window_size, self.window_virtual_size, self.size.height
        thumb: tuple[int, int] | None = None
        if lines > window > 0 and height:
            length = max(1.0, window * height / lines)
            start = (height - length) * self.position / (lines - window)
            thumb = int(start * _STEPS), ceil(length * _STEPS)
        return thumb, self.mouse_over, self.grabbed, self.size, self.app.theme


class CalmScrollView(ScrollView):
    """A Textual scroll view with a `CalmScrollBar`."""

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The vertical scroll bar; overrides Textual's property."""
        return ensure_vertical_bar(
            self, lambda: CalmScrollBar(name="vertical", thickness=self.scrollbar_size_vertical)
        )

    def sync_bar(self) -> None:
        """Set the bar's position: it may have been mounted after the last scroll."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y
            self.vertical_scrollbar.refresh()

"""A scroll bar that is painted only when it would look different.

While a reply streams, its text grows by a line many times a second and the thumb moves
by less than it can show; painting it cost as much as painting the text.
"""

from math import ceil
from typing import Self

from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

from replyscope.ui.terminal.textual_internals import ensure_vertical_bar

_STEPS = 2  # half a cell is a difference that can be seen

Look = tuple[object, ...]


class CalmScrollBar(ScrollBar):
    """Textual's own bar, with fewer paints."""

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
        """What the bar's picture depends on: the thumb, pointer, theme, size."""
        window, lines, height = self.window_size, self.window_virtual_size, self.size.height
        thumb: tuple[int, int] | None = None
        if lines > window > 0 and height:
            length = max(1.0, window * height / lines)
            start = (height - length) * self.position / (lines - window)
            thumb = int(start * _STEPS), ceil(length * _STEPS)
        return thumb, self.mouse_over, self.grabbed, self.size, self.app.theme


class CalmScrollView(ScrollView):
    """Textual's own view, with such a bar."""

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """Textual's own property, with a bar that paints less."""
        return ensure_vertical_bar(
            self, lambda: CalmScrollBar(name="vertical", thickness=self.scrollbar_size_vertical)
        )

    def sync_bar(self) -> None:
        """The bar may have appeared only after the scroll that it should show."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y
            self.vertical_scrollbar.refresh()

"""A screen whose widgets are styled once when it opens.

Textual styles all widgets of a new screen three times: when they are mounted, when the screen
becomes the current one, and when it gets the classes of its size. Here the screen has these
classes before its widgets are mounted, and the second time is left out.
"""

from collections.abc import Sequence
from typing import TypeVar

from textual import events
from textual.screen import Screen

Result = TypeVar("Result")


class StyledOnce(Screen[Result]):
    """A screen that opens with the style classes of its size."""

    _has_opened = False

    def on_compose(self) -> None:
        """Set the classes of the size, before Textual mounts the widgets."""
        app = self.app
        chosen: dict[str, bool] = {}
        for length, own, common in (
            (app.size.width, self.HORIZONTAL_BREAKPOINTS, app.HORIZONTAL_BREAKPOINTS),
            (app.size.height, self.VERTICAL_BREAKPOINTS, app.VERTICAL_BREAKPOINTS),
        ):
            chosen |= _classes(length, common if own is None else own)
        self.update_classes(chosen, animate=False)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Keep the styles when the screen opens: its widgets were mounted with them."""
        if not self._has_opened:
            self._has_opened = True
            event.refresh_styles = False


def _classes(length: int, breakpoints: Sequence[tuple[int, str]] | None) -> dict[str, bool]:
    """The classes of breakpoints, and which of them applies to a length in cells."""
    reached = [point for point in breakpoints or () if length >= point[0]]
    chosen = max(reached)[1] if reached else ""
    return {name: name == chosen for _, name in breakpoints or ()}

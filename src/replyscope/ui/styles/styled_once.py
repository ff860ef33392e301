"""Styles the widgets of a screen once when it opens.

Textual styles all widgets of a new screen three times: when they are mounted, when the screen
becomes the current one, and when it gets the classes of its size. Here the screen has these
classes before its widgets are mounted, and the second time is left out.
"""

from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

from textual import events
from textual.screen import Screen

_new: WeakSet[Screen[Any]] = WeakSet()
"""The screens that were composed and did not open yet."""


def style_once(screen: Screen[Any], event: events.Event) -> None:
    """Follow a screen. Call it with Compose and ScreenResume, before Textual handles them."""
    if isinstance(event, events.Compose):
        _new.add(screen)
        _set_classes(screen)
    elif isinstance(event, events.ScreenResume) and screen in _new:
        _new.discard(screen)
        event.refresh_styles = False  # its widgets were mounted with them


def _set_classes(screen: Screen[Any]) -> None:
    """Set the classes of the size, before Textual mounts the widgets."""
    app = screen.app
    chosen: dict[str, bool] = {}
    for length, own, common in (
        (app.size.width, screen.HORIZONTAL_BREAKPOINTS, app.HORIZONTAL_BREAKPOINTS),
        (app.size.height, screen.VERTICAL_BREAKPOINTS, app.VERTICAL_BREAKPOINTS),
    ):
        chosen |= _classes(length, common if own is None else own)
    screen.update_classes(chosen, animate=False)


def _classes(length: int, breakpoints: Sequence[tuple[int, str]] | None) -> dict[str, bool]:
    """The classes of breakpoints, and which of them applies to a length in cells."""
    reached = [point for point in breakpoints or () if length >= point[0]]
    chosen = max(reached)[1] if reached else ""
    return {name: name == chosen for _, name in breakpoints or ()}

"""The blinking of the input's cursor. It stops ten seconds after the last key, as in GTK.

A cursor that blinks draws twice a second. That is most of what an app costs that nobody uses.
"""

from collections.abc import Callable
from typing import Protocol

from textual.widgets import Input, TextArea

RESTS_AFTER_S = 10.0


class CursorHost(Protocol):
    """The part of the app that blinking needs."""

    @property
    def focused(self) -> object:
        """The widget with the focus."""

    def set_timer(self, delay: float, callback: Callable[[], None]) -> object:
        """Call a function once, later."""


class Blinking:
    """Lets the cursor of the focused input blink for a while after each key.

    `moves` is whether the settings allow animations; `now_s` is the monotonic clock.
    """

    def __init__(self, host: CursorHost, now_s: Callable[[], float], *, moves: bool) -> None:
        self._host = host
        self._now_s = now_s
        self._moves = moves
        self._ends_at_s = 0.0
        self._blinks = False

    def wake(self) -> None:
        """Blink: a key was pressed, or another widget has the focus."""
        self._ends_at_s = self._now_s() + RESTS_AFTER_S
        if self._moves and not self._blinks:
            self._blinks = True
            self._host.set_timer(RESTS_AFTER_S, self._rest)
        self._apply()

    def _rest(self) -> None:
        """Stop, unless there was a key meanwhile."""
        left_s = self._ends_at_s - self._now_s()
        if left_s > 0:
            self._host.set_timer(left_s, self._rest)
            return
        self._blinks = False
        self._apply()

    def _apply(self) -> None:
        widget = self._host.focused
        if isinstance(widget, Input | TextArea):
            widget.cursor_blink = self._blinks

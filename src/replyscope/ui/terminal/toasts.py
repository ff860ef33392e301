"""Toasts: one line above the composer, and the last ones to read again."""

import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from replyscope.domain.values import dataclass

_MOST_KEPT = 20
_MOST_SHOWN = 3
_FOLDERS = re.compile(r"(?<![\w:/.~])~?/(?:[^\s/:'\"]+/){2,}(?=[^\s/])")
"""Matches the folders of a file's path, but not of a URL."""


@dataclass(frozen=True, slots=True)
class Toast:
    """A message of the app to the person. It is shown until `ends_at`, in monotonic seconds."""

    text: str
    is_error: bool
    ends_at: float
    clock: str
    """The time of day when it was shown."""


class Toasts:
    """The last toasts, the newest last. `now_s` is a monotonic time in seconds."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self.now_s = now_s
        self._kept: deque[Toast] = deque(maxlen=_MOST_KEPT)

    def add(self, text: str, *, is_error: bool, shown_s: float) -> None:
        """Add a toast. A repeated one replaces the earlier one."""
        self.remove(text)
        ends_at = self.now_s() + shown_s
        self._kept.append(Toast(text, is_error, ends_at, time.strftime("%H:%M:%S")))

    def remove(self, text: str) -> None:
        """Remove a toast that is still shown."""
        for toast in self._current():
            if toast.text == text:
                self._kept.remove(toast)

    def shown(self) -> list[Toast]:
        """The toasts whose time is not over, at most three."""
        return self._current()[-_MOST_SHOWN:]

    def _current(self) -> list[Toast]:
        return [toast for toast in self._kept if toast.ends_at > self.now_s()]

    def text(self) -> str:
        """The last toasts with their times, the newest first."""
        lines = [f"{toast.clock}  {toast.text}" for toast in reversed(self._kept)]
        return "\n".join(lines) or "There are no messages yet."


def toasts_of(app: App[Any]) -> Toasts:
    """The toasts of an app."""
    known: Toasts | None = getattr(app, "toasts", None)
    return Toasts() if known is None else known


def draw_toasts(screen: Screen[Any], toasts: Toasts) -> None:
    """Draw the toasts in the line of a screen; a screen without one gets it at its bottom."""
    line = next(iter(screen.query(ToastLine)), None)
    if line is None:
        if not toasts.shown():
            return
        line = ToastLine(classes="-docked")
        screen.mount(line)
    line.show(toasts)


class ToastLine(Static):
    """The line of the toasts. Several take a line each; a single long one is wrapped. The
    paths of errors are without their folders, which /messages has.
    """

    def show(self, toasts: Toasts) -> None:
        """Draw the toasts, and again when the first one ends."""
        shown = toasts.shown()
        self.display = bool(shown)
        self.set_class(any(toast.is_error for toast in shown), "-error")
        if not shown:
            return
        texts = [Content(_line(toast)) for toast in shown]
        self.update(Content("\n").join(texts))
        self.styles.text_wrap = "wrap" if len(shown) == 1 else "nowrap"
        self.styles.text_overflow = "fold" if len(shown) == 1 else "ellipsis"
        ends_at = min(toast.ends_at for toast in shown)
        self.set_timer(max(0.05, ends_at - toasts.now_s()), lambda: self.show(toasts))

    def on_click(self) -> None:
        """Hide the line."""
        self.display = False


def _line(toast: Toast) -> str:
    text = " ".join(toast.text.split())
    return _FOLDERS.sub("…/", text) if toast.is_error else text

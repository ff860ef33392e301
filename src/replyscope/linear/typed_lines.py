"""Queues the lines that are typed while a reply streams: they are the next messages.

Without a line editor a terminal passes on whole lines only, so a line that is not finished
stays with the terminal, and the next question reads it.
"""

import os
import select
import sys
from collections import deque

from replyscope.domain.unicode_text import sound

_MOST_BYTES = 65_536


class TypedLines:
    """A queue of lines. `collect` fills it, `next` empties it."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._rest = b""
        self.has_ended = False
        """Whether the input was closed, as Ctrl+D does."""

    def __len__(self) -> int:
        return len(self._lines)

    def next(self) -> str | None:
        """Remove and return the oldest line; None if there is none."""
        return self._lines.popleft() if self._lines else None

    def remove(self, command: str) -> bool:
        """Remove the lines that are a command. Returns whether there were some."""
        others = [line for line in self._lines if line.strip().lower() != command]
        is_queued = len(others) < len(self._lines)
        self._lines = deque(others)
        return is_queued

    def clear(self) -> tuple[str, ...]:
        """Remove and return all lines."""
        lines = tuple(self._lines)
        self._lines.clear()
        return lines

    def collect(self) -> int:
        """Read the lines that the terminal has, without waiting. Returns their number.

        The bytes are read past the buffer of `sys.stdin`: after a paste into a line editor the
        terminal has lines that end with CR, for which `readline` would wait.
        """
        count = 0
        while not self.has_ended and _has_input():
            try:
                received = os.read(sys.stdin.fileno(), _MOST_BYTES)
            except (OSError, ValueError):
                return count
            if not received:
                self.has_ended = True
            self._rest += received
            *lines, self._rest = self._rest.replace(b"\r", b"\n").split(b"\n")
            texts = [sound(line.decode("utf-8", "replace")) for line in lines if line.strip()]
            self._lines.extend(texts)
            count += len(texts)
        return count

    def begin_with(self, text: str) -> None:
        """Begin the next message with a text. Its lines but the last one are queued, each with
        the backslash that continues it.
        """
        *lines, last = text.split("\n")
        self._lines.extendleft(f"{line}\\" for line in reversed(lines))
        self._rest = last.encode("utf-8", "replace")

    def take_begun(self) -> str:
        """Remove and return the beginning of a line that was typed or pasted without its end."""
        text = sound(self._rest.decode("utf-8", "replace"))
        self._rest = b""
        return text


def _has_input() -> bool:
    """Whether the terminal has input. A pipe is read only when a line is needed."""
    if sys.platform == "win32":  # a console cannot be waited for
        return False
    try:
        return sys.stdin.isatty() and bool(select.select([sys.stdin], [], [], 0)[0])
    except (OSError, ValueError):
        return False

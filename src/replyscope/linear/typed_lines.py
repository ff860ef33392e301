"""Queues the lines that are typed while a reply streams: they are the next messages.

Without a line editor a terminal passes on whole lines only, so a line that is not finished
stays with the terminal, and the next question reads it.
"""

import select
import sys
from collections import deque

from replyscope.domain.unicode_text import sound


class TypedLines:
    """A queue of lines. `collect` fills it, `next` empties it."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self.has_ended = False
        """Whether the input was closed, as Ctrl+D does."""

    def __len__(self) -> int:
        return len(self._lines)

    def next(self) -> str | None:
        """Remove and return the oldest line; None if there is none."""
        return self._lines.popleft() if self._lines else None

    def remove(self, line: str) -> bool:
        """Remove a line. Returns whether it was queued."""
        is_queued = line in self._lines
        if is_queued:
            self._lines.remove(line)
        return is_queued

    def clear(self) -> tuple[str, ...]:
        """Remove and return all lines."""
        lines = tuple(self._lines)
        self._lines.clear()
        return lines

    def collect(self) -> int:
        """Read the whole lines that the terminal has, without waiting. Returns their number."""
        count = 0
        while not self.has_ended and _has_line():
            try:
                line = sys.stdin.readline()
            except (OSError, UnicodeDecodeError):
                return count
            if not line:
                self.has_ended = True
            elif line.strip():
                self._lines.append(sound(line.rstrip("\r\n")))
                count += 1
        return count


def _has_line() -> bool:
    """Whether the terminal has a whole line. A pipe is read when it is asked for a line."""
    if sys.platform == "win32":  # a console cannot be waited for
        return False
    try:
        return sys.stdin.isatty() and bool(select.select([sys.stdin], [], [], 0)[0])
    except (OSError, ValueError):
        return False

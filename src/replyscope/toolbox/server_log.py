"""The log of a tool server: the last lines of its stderr, and of stdout without messages."""

import os
import threading
from collections import deque

_MOST_LINES = 500
_LONGEST = 2_000


class ServerLog:
    """A bounded log, read from a pipe in a thread, so that a server never blocks on it.

    Close `stream` to end the log.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        reading, writing = os.pipe()
        self.stream = os.fdopen(writing, "w", encoding="utf-8")
        """The stderr of the server's process."""
        threading.Thread(target=self._read, args=(reading,), daemon=True).start()

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            rest = b""
            while chunk := pipe.read(65_536):
                *lines, rest = (rest + chunk).split(b"\n")
                self._lines.extend(line[:_LONGEST].decode("utf-8", "replace") for line in lines)
                rest = rest[:_LONGEST]

    def note(self, line: str) -> None:
        """Append a line of replyscope."""
        self._lines.append(line[:_LONGEST])

    def note_output(self, line: bytes) -> None:
        """Append a line of stdout that is not a message."""
        self.note(f"[stdout] {line[:_LONGEST].decode('utf-8', 'replace').rstrip()}")

    @property
    def last_words(self) -> str:
        """The last line from the server itself; empty if there is none."""
        said = [line.strip() for line in list(self._lines) if not line.startswith("[replyscope]")]
        return next((line for line in reversed(said) if line), "")[:300]

    @property
    def text(self) -> str:
        """The lines, oldest first."""
        return "\n".join(list(self._lines))

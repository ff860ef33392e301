"""The one way to a terminal for what commands print.

Whatever comes by here, an answer, an error that quotes an argument, a traceback, has its
control characters made visible. A pipe or a file gets text as it is.
"""

from typing import TextIO

from replyscope.domain.printable import printable_line, printable_text


class PrintableStream:
    """Stands in for sys.stdout or sys.stderr where that is a terminal.

    It has no `fileno`, on purpose: Python's own messages then come without colours, whose
    escape sequences would be made visible too.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self.encoding = terminal.encoding
        self.errors = terminal.errors

    def write(self, text: str) -> int:
        """Write text; nothing in it is obeyed."""
        self._terminal.write(printable_text(text))
        return len(text)

    def rewrite_line(self, text: str = "") -> None:
        """Put a line in place of the one that is there, for progress."""
        self._terminal.write(f"\r\x1b[K{printable_line(text)}")
        self._terminal.flush()

    def flush(self) -> None:
        """Hand on what was written."""
        self._terminal.flush()

    def isatty(self) -> bool:
        """It is a terminal."""
        return True

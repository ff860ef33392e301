"""A text stream for terminals that makes control characters visible.

All output of commands to a terminal goes through it: replies, errors that quote arguments,
tracebacks. Pipes and files get the original text.
"""

from typing import TextIO

from replyscope.domain.printable import printable_line, printable_text


class PrintableStream:
    """A replacement of sys.stdout or sys.stderr if that is a terminal.

    It has no `fileno`, so that Python prints its own messages without colours: their escape
    sequences would become visible.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self.encoding = terminal.encoding
        self.errors = terminal.errors
        self.flush = terminal.flush

    def write(self, text: str) -> int:
        """Write text, with its control characters made visible."""
        self._terminal.write(printable_text(text))
        return len(text)

    def rewrite_line(self, text: str = "") -> None:
        """Replace the current line, for progress."""
        self._terminal.write(f"\r\x1b[K{printable_line(text)}")
        self._terminal.flush()

    def isatty(self) -> bool:
        """Always true."""
        return True

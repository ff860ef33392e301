"""What the command line says to the person on stderr: single lines, and progress."""

import sys

from replyscope.cli.printable_stream import PrintableStream
from replyscope.domain.printable import printable_line


def warn(text: str) -> None:
    """One line on stderr, safe to print."""
    print(f"replyscope: {printable_line(text)}", file=sys.stderr, flush=True)


def show_progress(text: str = "") -> None:
    """One line on stderr in place of the last such; only where that is a terminal."""
    if isinstance(sys.stderr, PrintableStream):
        sys.stderr.rewrite_line(text)

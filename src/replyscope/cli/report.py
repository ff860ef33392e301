"""Messages and progress on stderr."""

import sys
from contextlib import suppress

from replyscope.cli.printable_stream import PrintableStream
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line


def warn(text: str) -> None:
    """Print one line on stderr, with control characters made visible.

    A closed or full stderr stops nothing: the line is discarded.
    """
    if sys.stderr is not None:
        with suppress(OSError):
            print(f"replyscope: {printable_line(text)}", file=sys.stderr, flush=True)


def show_progress(text: str = "") -> None:
    """Replace the progress line on stderr; prints nothing if stderr is not a terminal."""
    if isinstance(sys.stderr, PrintableStream):
        sys.stderr.rewrite_line(text)


def show_indexing(left: int) -> None:
    """Show the number of replies that are not indexed yet; removes the line at 0."""
    show_progress(f"indexing, {plural(left, 'reply')} left" if left else "")

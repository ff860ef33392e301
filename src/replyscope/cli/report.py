"""What the command line says to the person: one line on stderr."""

import sys

from replyscope.domain.printable import printable_line


def warn(text: str) -> None:
    """One line on stderr, safe to print."""
    print(f"replyscope: {printable_line(text)}", file=sys.stderr, flush=True)

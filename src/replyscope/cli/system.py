"""The system clock, random ids, and what the terminal can do. Other packages get them passed in."""

import locale
import os
import sys
import time
from datetime import UTC, datetime

from replyscope.domain.ids import ID_LENGTH, id_from
from replyscope.domain.printable import printable_line


class SystemClock:
    """Implements the Clock protocol."""

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)

    def monotonic_ms(self) -> float:
        """Milliseconds of a monotonic clock."""
        return time.monotonic_ns() / 1e6


def new_id() -> str:
    """An id of 60 random bits."""
    return id_from(os.urandom(ID_LENGTH))


def notify_desktop(text: str) -> None:
    """Show a desktop notification through the terminal (OSC 9)."""
    safe = printable_line(text)[:120]
    if os.environ.get("TERM") == "dumb":
        return
    if sys.__stdout__ is not None and sys.__stdout__.isatty():
        sys.__stdout__.write(f"\x1b]9;{safe}\x07")
        sys.__stdout__.flush()


def draws_symbols() -> bool:
    """Whether the terminal can draw more than ASCII."""
    encoding = (sys.stdout.encoding or locale.getpreferredencoding()).lower()
    return "utf" in encoding and os.environ.get("TERM") != "linux"

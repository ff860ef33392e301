"""The real clock and real ids, which everything below gets passed in."""

import secrets
import sys
import time
from datetime import UTC, datetime

from replyscope.domain.printable import printable_line

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


class SystemClock:
    """Implements the Clock protocol."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic_ms(self) -> float:
        """Milliseconds that never jump."""
        return time.monotonic_ns() / 1e6


def new_id() -> str:
    """Twelve letters and digits that are hard to confuse: 60 random bits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(12))


def notify_desktop(text: str) -> None:
    """Ask the terminal for a desktop notification (OSC 9)."""
    safe = printable_line(text)[:120]
    if sys.__stdout__ is not None and sys.__stdout__.isatty():
        sys.__stdout__.write(f"\x1b]9;{safe}\x07")
        sys.__stdout__.flush()

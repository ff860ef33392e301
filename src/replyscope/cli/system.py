"""The real clock and real ids, which everything below gets passed in."""

import secrets
import time
from datetime import UTC, datetime

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

"""The spending limits of the settings, and what counts for them, in US dollars."""

from datetime import datetime
from typing import Protocol

from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """The limits of a session and of a local day; None without a limit."""

    session_usd: float | None = None
    day_usd: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a limit."""
        return self.session_usd is not None or self.day_usd is not None


@dataclass(frozen=True, slots=True)
class Reservation:
    """The estimated cost of a request that may be sent. It counts as spent until it is released,
    after the cost of the reply was saved.
    """

    id: str
    session_id: str
    usd: float
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Committed:
    """The sums that count for the limits: the costs of the day and all reservations, and the
    reservations of one session.
    """

    day_usd: float = 0.0
    session_usd: float = 0.0

    def plus(self, other: "Committed") -> "Committed":
        """The sum of two."""
        return Committed(self.day_usd + other.day_usd, self.session_usd + other.session_usd)


class Ledger(Protocol):
    """The costs and reservations of a store, shared by all processes that use its file. Every
    method may raise StoreError.
    """

    async def reserve(self, wanted: Reservation, since: datetime) -> Committed:
        """Add a reservation. Returns what was committed before it, the costs since a time: both in
        one transaction.
        """

    async def committed(self, session_id: str, since: datetime) -> Committed:
        """The current costs and reservations."""

    async def release(self, reservation_id: str) -> None:
        """Delete a reservation."""

"""The spending limits of the settings, in US dollars."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """The limits of a session and of a local day; None without a limit."""

    session_usd: float | None = None
    day_usd: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a limit."""
        return self.session_usd is not None or self.day_usd is not None

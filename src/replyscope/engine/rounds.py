"""The limits of one turn: rounds of tools, tokens and cost."""

from collections.abc import Sequence

from replyscope.domain.exchange import Exchange
from replyscope.domain.tool import ToolSettings


class Rounds:
    """Counts the rounds of one turn and checks the limits of the settings."""

    def __init__(self, settings: ToolSettings) -> None:
        self._settings = settings
        self._done = 0

    def why_over(self, exchanges: Sequence[Exchange]) -> str:
        """The limit that forbids another round after these exchanges, as a sentence. Empty when a
        round may start; it is then counted.
        """
        settings = self._settings
        tokens = sum(e.usage.total_tokens or 0 for e in exchanges if e.usage is not None)
        dollars = sum(e.cost_usd or 0.0 for e in exchanges)
        if self._done >= settings.rounds:
            return f"The limit of {settings.rounds} rounds of tools is reached."
        if settings.budget_tokens is not None and tokens >= settings.budget_tokens:
            return f"The budget of {settings.budget_tokens:,} tokens is used up."
        if settings.budget_usd is not None and dollars >= settings.budget_usd:
            return f"The budget of ${settings.budget_usd:g} is used up."
        self._done += 1
        return ""

"""How long a turn may go on by itself: rounds of tools, tokens, money."""

from collections.abc import Sequence

from replyscope.domain.exchange import Exchange
from replyscope.domain.tool import ToolSettings


class Rounds:
    """Counts the rounds of one turn against what the settings allow."""

    def __init__(self, settings: ToolSettings) -> None:
        self._settings = settings
        self._done = 0

    def why_over(self, exchanges: Sequence[Exchange]) -> str:
        """Why no other round may begin after these exchanges; empty when one may, and then
        it is counted.
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

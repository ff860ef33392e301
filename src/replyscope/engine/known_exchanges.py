"""The exchanges of an open session: the saved ones, and their newer versions in memory."""

from collections.abc import Collection

from replyscope.domain.exchange import Exchange
from replyscope.domain.overlaid import Overlaid
from replyscope.domain.session import Spent, StoredSession


class KnownExchanges(Overlaid):
    """A mapping of ids to exchanges. Saved ones are loaded on access; `spent` loads none."""

    def __init__(self, stored: StoredSession) -> None:
        self._here: dict[str, Exchange] = {}
        super().__init__(self._here, stored.exchanges)
        self.spent: Spent = stored.spent
        """The tokens and cost of all exchanges."""

    def renew(self, stored: StoredSession, keep: Collection[str]) -> None:
        """Replace the saved exchanges, and keep the versions in memory of the ids in `keep`."""
        kept = [self._here[key] for key in keep if key in self._here]
        self._here.clear()
        self._base, self.spent = stored.exchanges, stored.spent
        for exchange in kept:
            self.put(exchange)

    def put(self, exchange: Exchange) -> None:
        """Add an exchange, or a newer version of one."""
        before = self.get(exchange.id)
        if before is not None:
            self.spent = self.spent.plus(before, -1)
        self.spent = self.spent.plus(exchange)
        self._here[exchange.id] = exchange

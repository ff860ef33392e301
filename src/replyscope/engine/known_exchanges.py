"""The exchanges of an open session: those that were saved, and what became of them here."""

from collections.abc import Collection

from replyscope.domain.exchange import Exchange
from replyscope.domain.overlaid import Overlaid
from replyscope.domain.session import Spent, StoredSession


class KnownExchanges(Overlaid):
    """By id. The saved ones are read in when they are asked for; `spent` needs none of them."""

    def __init__(self, stored: StoredSession) -> None:
        self._here: dict[str, Exchange] = {}
        super().__init__(self._here, stored.exchanges)
        self.spent: Spent = stored.spent
        """What all of them took."""

    def renew(self, stored: StoredSession, keep: Collection[str]) -> None:
        """Take what was saved since; of those to keep, what is known here is newer."""
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

"""The ledger of a run: the ledger of the file, and the private sessions' ledger in memory."""

import asyncio
import logging
from datetime import datetime

from replyscope.domain.errors import StoreError
from replyscope.domain.ports import PrivateStore, Store
from replyscope.domain.spending import Committed, Reservation

_log = logging.getLogger(__name__)


class Ledgers:
    """Counts the costs and reservations of both stores. The ledger of private sessions is only in
    memory, so other processes do not count its entries.
    """

    def __init__(self, store: Store, private: PrivateStore | None) -> None:
        self._store = store
        self._private = private

    async def reserve(self, wanted: Reservation, since: datetime, *, is_private: bool) -> Committed:
        """Reserve the cost of a request. Returns what was spent or reserved before it, the costs
        since a time. Raises StoreError.
        """
        own = self._private if is_private and self._private is not None else self._store
        found = await own.ledger.reserve(wanted, since)
        for other in (self._store, self._private):
            if other is not None and other is not own:
                found = found.plus(await other.ledger.committed(wanted.session_id, since))
        return found

    async def release(self, reservation_id: str, *, is_private: bool) -> None:
        """End a reservation. One that can't be deleted ends with the process."""
        own = self._private if is_private and self._private is not None else self._store
        try:
            await asyncio.shield(own.ledger.release(reservation_id))
        except StoreError as error:
            _log.warning("a reservation of a request is not deleted: %s", error)

"""Places calls in the sessions of the store, and of calls that are not saved yet.

A program may send the next request before the relay has reported the end of the last reply. A
request with a reply to the messages of a call that still runs waits for that reply.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence

from replyscope.domain.errors import StoreError
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Role
from replyscope.domain.ports import NewId
from replyscope.domain.stores import Journal
from replyscope.domain.watched_store import NewCall, Place, WatchStore
from replyscope.engine.watching.call import WatchedCall
from replyscope.engine.watching.pending import PendingPlaces
from replyscope.engine.watching.placing import (
    Caller,
    Chained,
    find_place,
    find_replied,
    place_call,
    reply_places,
)

_log = logging.getLogger(__name__)
LONGEST_WAIT_S = 2.0
"""The longest wait of a request for the end of a reply that it appears to contain."""


class Places:
    """The places of all calls of one archive."""

    def __init__(self, store: WatchStore, new_id: NewId) -> None:
        self._store = store
        self._new_id = new_id
        self._pending = PendingPlaces()
        self._running: dict[bytes, list[WatchedCall]] = {}
        """The calls whose reply is not known yet, by the key of their conversation."""

    def enter(self, call: WatchedCall, request: Chained) -> Sequence[WatchedCall]:
        """The running calls whose reply a request repeats. Others wait for this call's reply from
        now on, so calls have to enter in their order.
        """
        awaited = [*self._answered(request), *self._named(request)]
        self._running.setdefault(request.last, []).append(call)
        return awaited

    async def wait(self, awaited: Sequence[WatchedCall]) -> None:
        """Wait for the replies of calls, for some time at most."""
        if awaited:
            waits = [asyncio.ensure_future(one.has_place.wait()) for one in awaited]
            _, late = await asyncio.wait(waits, timeout=LONGEST_WAIT_S)
            for one in late:
                one.cancel()

    def leave(self, call: WatchedCall, request: Chained) -> None:
        """The reply of a call is known, or it failed."""
        call.has_place.set()
        running = self._running.get(request.last, [])
        if call in running:
            running.remove(call)
        if not running:
            self._running.pop(request.last, None)

    def _answered(self, request: Chained) -> Iterator[WatchedCall]:
        """The running calls whose messages are followed by a reply in a request."""
        for key, following in zip(request.keys, request.asked.messages[1:], strict=False):
            if following.role is Role.ASSISTANT:
                yield from self._running.get(key, ())

    def _named(self, request: Chained) -> Iterator[WatchedCall]:
        """The running calls whose response a request names."""
        named = request.asked.previous_response_id
        for call in (one for calls in self._running.values() for one in calls) if named else ():
            exchange = call.exchange()
            if exchange is not None and exchange.response_id == named:
                yield call

    async def place(self, request: Chained, caller: Caller) -> NewCall:
        """The place of a call. A store that can't be read gives a session of its own."""
        at, client = caller.opening.started_at, caller.client
        places = await self._find(request.newest)
        found = find_replied(request, places, client)
        if found is None:
            places |= await self._find(request.others)
            found = find_place(request, places, client, at)
        if found is not None:
            places |= await self._find(request.replies_after(found.count))
        placed = place_call(request, found, places, caller, self._new_id)
        self._pending.add(placed.opening.id, placed.places)
        return placed

    async def _find(self, keys: Sequence[bytes]) -> dict[bytes, tuple[Place, ...]]:
        """The known places with some keys: first the unsaved ones, then the saved ones."""
        places = self._pending.find(keys)
        try:
            for place in await self._store.find_places(keys) if keys else ():
                places[place.key] = (*places.get(place.key, ()), place)
        except StoreError as error:
            _log.warning("a call can't be compared with saved sessions: %s", error)
        return places

    async def begin(self, placed: NewCall) -> Journal:
        """Save a call that starts. Raises StoreError."""
        journal = await self._store.begin_call(placed)
        self._pending.remove(placed.opening.id)
        return journal

    def note(self, request: Chained, placed: NewCall, exchange: Exchange) -> tuple[Place, ...]:
        """The places of a reply that has ended. They are known until `save` has saved them."""
        places = reply_places(request, placed, exchange)
        self._pending.add(f"{exchange.id} reply", places)
        return places

    async def save(self, exchange: Exchange, places: Sequence[Place]) -> None:
        """Save the places of a reply. Raises StoreError."""
        await self._store.add_places(places)
        self._pending.remove(f"{exchange.id} reply")

    def forget(self, exchange: Exchange) -> None:
        """Forget the places of a call that is lost."""
        self._pending.remove(exchange.id)
        self._pending.remove(f"{exchange.id} reply")

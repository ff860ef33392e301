"""A journal whose exchange may not be saved yet: the store was full or locked when it began."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.stores import Journal


class LateJournal:
    """Begins the exchange at the first write that succeeds. Implements Journal.

    `begin` saves the exchange, and raises StoreError until it can.
    """

    def __init__(self, begin: Callable[[], Awaitable[Journal]]) -> None:
        self._begin = begin
        self._journal: Journal | None = None
        self._beginning = asyncio.Lock()

    async def begin(self) -> Journal:
        """The journal in the store. Raises StoreError."""
        async with self._beginning:
            if self._journal is None:
                self._journal = await self._begin()
            return self._journal

    async def record_request(self, request: RequestSent) -> None:
        """Save the request, byte for byte."""
        await (await self.begin()).record_request(request)

    async def append(self, frames: Sequence[WireFrame]) -> None:
        """Append frames."""
        await (await self.begin()).append(frames)

    async def finish(
        self,
        exchange: Exchange,
        frames: Sequence[WireFrame] = (),
        request: RequestSent | None = None,
    ) -> None:
        """Save the last frames and the folded exchange, and release it."""
        await (await self.begin()).finish(exchange, frames, request)

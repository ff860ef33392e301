"""Writes a journal while a reply streams: about seven commits a second, and one at the end.

Invariant: frames stay in the queue until they are committed. A disk that is full for a
while loses nothing; the next commit writes the queued frames.
"""

import asyncio
from contextlib import suppress

from replyscope.domain.errors import StoreError
from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.stores import Journal

INTERVAL_S = 0.15
"""A crash loses at most this time plus one commit: a total of a quarter second."""


class JournalWriter:
    """The journal queue of one running exchange. `failure` is the error of the last commit."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._request: RequestSent | None = None
        self._waiting: list[WireFrame] = []
        self._flushing = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None
        self._committing: asyncio.Future[None] | None = None
        self.failure: StoreError | None = None
        self.backlog = 0
        """The characters of the queued frames."""

    def note_request(self, request: RequestSent) -> None:
        """Queue the request for the next commit."""
        self._request = request
        self._wake()

    def add(self, frame: WireFrame) -> None:
        """Queue a frame for the next commit."""
        self._waiting.append(frame)
        self.backlog += len(frame.text)
        if self._timer is None:
            self._wake()

    def _wake(self) -> None:
        if self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        while self._waiting or self._request is not None:
            await asyncio.sleep(INTERVAL_S)
            # A commit can't be undone: `finish` cancels the waiting, never the commit.
            self._committing = asyncio.ensure_future(self._flush_quietly())
            await asyncio.shield(self._committing)
        self._timer = None

    async def _flush_quietly(self) -> None:
        with suppress(StoreError):
            await self._flush()

    async def _flush(self) -> None:
        async with self._flushing:
            try:
                if self._request is not None:
                    request = self._request
                    await self._journal.record_request(request)
                    if self._request is request:
                        self._request = None
                if self._waiting:
                    batch = self._waiting[:]
                    await self._journal.append(batch)
                    self._committed(batch)
            except StoreError as error:
                self.failure = error
                raise
            self.failure = None

    def _committed(self, batch: list[WireFrame]) -> None:
        del self._waiting[: len(batch)]
        self.backlog -= sum(len(frame.text) for frame in batch)

    async def finish(self, exchange: Exchange) -> None:
        """Commit the queue and the folded exchange together. Raises StoreError."""
        if self._timer is not None:
            self._timer.cancel()
            with suppress(asyncio.CancelledError):
                await self._timer
        async with self._flushing:
            batch = self._waiting[:]
            try:
                await self._journal.finish(exchange, batch, self._request)
            except StoreError as error:
                self.failure = error
                raise
            self._request = None
            self._committed(batch)
            self.failure = None

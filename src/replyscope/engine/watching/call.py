"""One watched call while it runs: its response is folded and queued for the journal.

The relay must never wait, so the methods of the listener only take note: the request is parsed
in a thread, and what arrives meanwhile is kept in memory.
"""

import asyncio
from collections.abc import Callable, Sequence

from replyscope.domain.event import Event, RequestSent, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.watched import WatchedRequest
from replyscope.domain.wire_reading import ReplyReader
from replyscope.engine.journal_writer import JournalWriter

MOST_UNSAVED = 128 * 1024 * 1024
"""The characters that all calls together keep while the store can't be written."""

_USUAL_BACKLOG = 1024 * 1024
"""The characters of a call that wait between two commits and take no room."""

_Input = Callable[[], Sequence[Event]]


class Room:
    """The room in memory for what is not saved, shared by all calls."""

    def __init__(self, most: int = MOST_UNSAVED) -> None:
        self._left = most

    def take(self, size: int) -> bool:
        """Take some room. Returns whether there was enough."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """Free room: its content was saved or dropped."""
        self._left += size


class WatchedCall:
    """A listener of one call for a reply. Implements CallListener.

    `fold` is None until the request is parsed, and `session_id` until the call has its place.
    `dropped` counts the parts that were not kept, because there was no room for them.
    """

    def __init__(
        self, request: WatchedRequest, reader: ReplyReader, client: str, room: Room
    ) -> None:
        self.request = request
        self.client = client
        self.session_id: str | None = None
        self.fold: ExchangeFold | None = None
        self.writer: JournalWriter | None = None
        self.dropped = 0
        self.ending = asyncio.Event()
        self._reader = reader
        self._early: list[_Input] = []
        self._room = room
        self._taken = 0
        self._now_ms = 0.0

    def responded(self, status: int, headers: tuple[tuple[str, str], ...], at_ms: float) -> None:
        """The status and the headers arrived."""
        self._take(at_ms, lambda: self._reader.responded(status, headers, at_ms))

    def received(self, data: bytes, at_ms: float) -> None:
        """A part of the body arrived."""
        if self.fold is None and not self._take_room(len(data)):
            return
        self._take(at_ms, lambda: self._reader.received(data, at_ms))

    def ended(self, fault: str | None, at_ms: float) -> None:
        """The call ended."""
        self._take(at_ms, lambda: self._reader.ended(fault, at_ms))
        self.ending.set()

    def _take(self, at_ms: float, given: _Input) -> None:
        self._now_ms = at_ms
        if self.fold is None:
            self._early.append(given)
        else:
            self._apply(given())

    def begin(self, opening: Exchange, sent: RequestSent, writer: JournalWriter) -> None:
        """Fold what has arrived so far, and everything from now on."""
        self.fold = ExchangeFold(opening)
        self.writer = writer
        self.fold.apply(sent)
        writer.note_request(sent)
        early, self._early = self._early, []
        self.give_back()
        for given in early:
            self._apply(given())

    def _apply(self, events: Sequence[Event]) -> None:
        assert self.fold is not None
        for event in events:
            self.fold.apply(event)
            if type(event) is WireFrame:
                self._queue(event)

    def _queue(self, frame: WireFrame) -> None:
        """Queue a frame for the journal, within the room when the store does not keep up."""
        assert self.writer is not None
        if self.writer.backlog <= _USUAL_BACKLOG:
            if self._taken:
                self.give_back()
            self.writer.add(frame)
        elif self._take_room(len(frame.text)):
            self.writer.add(frame)

    def _take_room(self, size: int) -> bool:
        has_room = self._room.take(size)
        self._taken += size if has_room else 0
        self.dropped += not has_room
        return has_room

    def give_back(self) -> None:
        """Free the room: nothing of this call waits any more."""
        self._room.give_back(self._taken)
        self._taken = 0

    def exchange(self) -> Exchange | None:
        """A snapshot of the exchange; None until the request is parsed."""
        return self.fold.snapshot(self._now_ms) if self.fold is not None else None

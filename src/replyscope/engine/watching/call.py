"""One watched call while it runs: its response is folded and queued for the journal.

The relay must never wait, so the methods of the listener only queue what arrives. `Folding`
folds it in short slices between the turns of the event loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

from replyscope.domain.event import Event, RequestSent, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.watched import MISSED, WatchedRequest
from replyscope.domain.wire_reading import ReplyReader
from replyscope.engine.journal_writer import JournalWriter

MOST_UNSAVED = 128 * 1024 * 1024
"""The memory limit of all calls: bytes not folded yet, and characters not saved yet."""
_USUAL_BACKLOG = 1024 * 1024
"""The characters of a call that wait between two commits and take no room."""
_SLICE = 4_096
"""Bytes that are folded at once: about a millisecond."""
_TURN_S = 0.001

_NO_ROOM = "There was no room in memory for a part of the response; it was forwarded whole."

_Input = Callable[[], Sequence[Event]]


class Room:
    """The room in memory for what is not folded or not saved, shared by all calls."""

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


class Folding:
    """Folds what calls have queued, one slice of a call after another.

    It pauses after each millisecond, so that forwarding is not delayed.
    """

    def __init__(self) -> None:
        self._ready: deque[WatchedCall] = deque()
        self._task: asyncio.Task[None] | None = None
        self.count = 0
        """The number of parts that were folded."""

    def wake(self, call: "WatchedCall") -> None:
        """A call has something to fold."""
        self._ready.append(call)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._ready:
                until_s = perf_counter() + _TURN_S
                while self._ready and perf_counter() < until_s:
                    call = self._ready.popleft()
                    self.count += 1
                    if call.fold_next():
                        self._ready.append(call)
                await asyncio.sleep(0)
        finally:
            self._task = None


class WatchedCall:
    """A listener of one call for a reply. Implements CallListener.

    `fold` is None until the request is parsed, and `session_id` until the call has its place.
    `dropped` counts the parts that were not kept, because the memory limit was reached. `fault` is
    the error that ended the folding, a fault of this program.
    """

    def __init__(
        self,
        request: WatchedRequest,
        reader: ReplyReader,
        folding: Folding,
        room: Room,
    ) -> None:
        self.request = request
        self.session_id: str | None = None
        self.fold: ExchangeFold | None = None
        self.writer: JournalWriter | None = None
        self.dropped = 0
        self.fault: Exception | None = None
        self.ending = asyncio.Event()
        self.has_place = asyncio.Event()
        """Whether a request that repeats the reply would find it."""
        self._reader = reader
        self._folding = folding
        self._inputs: deque[tuple[_Input, int]] = deque()
        self._is_ended = False
        self._has_holes = False
        self._room = room
        self._taken = 0
        self._now_ms = 0.0

    def responded(self, status: int, headers: tuple[tuple[str, str], ...], at_ms: float) -> None:
        """The status and the headers arrived."""
        self._queue_input(at_ms, lambda: self._reader.responded(status, headers, at_ms))

    def received(self, data: bytes, at_ms: float) -> None:
        """A part of the body arrived."""
        for start in range(0, len(data), _SLICE):
            part = data[start : start + _SLICE]
            if self._take_room(len(part)):
                self._queue_input(at_ms, self._receiving(part, at_ms), len(part))
            else:
                self._has_holes = True

    def _receiving(self, part: bytes, at_ms: float) -> _Input:
        return lambda: self._reader.received(part, at_ms)

    def fault_missed(self) -> None:
        """The fault had no effect."""
        self.request = replace(self.request, fault=f"{self.request.fault}{MISSED}")

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> None:
        """The call ended."""
        self._is_ended = True
        lack = lack or (_NO_ROOM if self._has_holes else None)
        self._queue_input(at_ms, lambda: self._reader.ended(fault, at_ms, lack))

    def _queue_input(self, at_ms: float, given: _Input, size: int = 0) -> None:
        self._now_ms = at_ms
        self._inputs.append((given, size))
        if self.fold is not None and len(self._inputs) == 1:
            self._folding.wake(self)

    def begin(self, opening: Exchange, sent: RequestSent, writer: JournalWriter) -> None:
        """Fold what has arrived so far, and everything from now on. `sent` is saved already."""
        self.fold = ExchangeFold(opening)
        self.writer = writer
        self.fold.apply(sent)
        if self._inputs:
            self._folding.wake(self)

    def fold_next(self) -> bool:
        """Fold the oldest part that is queued. Returns whether there is another one."""
        given, size = self._inputs[0]
        try:
            self._apply(given())
        except Exception as error:  # noqa: BLE001 - the call is reported as lost
            self.fault = error
        self._inputs.popleft()
        self._free(size)
        if not self._inputs and self._is_ended:
            self.ending.set()
        return bool(self._inputs)

    def _apply(self, events: Sequence[Event]) -> None:
        assert self.fold is not None
        for event in events:
            self.fold.apply(event)
            if type(event) is WireFrame:
                self._queue_frame(event)

    def _queue_frame(self, frame: WireFrame) -> None:
        """Queue a frame for the journal, within the room when the store does not keep up."""
        assert self.writer is not None
        if self.writer.backlog <= _USUAL_BACKLOG or self._take_room(len(frame.text)):
            self.writer.add(frame)

    def _take_room(self, size: int) -> bool:
        has_room = self._room.take(size)
        self._taken += size if has_room else 0
        self.dropped += not has_room
        return has_room

    def _free(self, size: int) -> None:
        self._room.give_back(size)
        self._taken -= size

    def give_back(self) -> None:
        """Free the room: nothing of this call waits any more."""
        self._free(self._taken)

    def exchange(self) -> Exchange | None:
        """A snapshot of the exchange; None until the request is parsed."""
        return self.fold.snapshot(self._now_ms) if self.fold is not None else None

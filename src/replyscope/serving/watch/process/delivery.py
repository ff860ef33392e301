"""Sends the reports and questions of a relay to the program. Forwarding never waits for it.

Reports wait in a queue that is bounded in bytes. What has no room is forwarded all the same, and
reported as missing.
"""

import asyncio
from collections import deque
from dataclasses import replace
from itertools import count

from replyscope.domain.plural import plural
from replyscope.domain.watched import CallListener, WatchedRequest
from replyscope.serving.faults.rule import FaultRule
from replyscope.serving.gate import Decision
from replyscope.serving.watch.process.codec import encode
from replyscope.serving.watch.process.messages import (
    Asked,
    Called,
    Decided,
    Ended,
    FaultAsked,
    FaultChosen,
    FaultMissed,
    FromRelay,
    Noted,
    Pairs,
    Received,
    Responded,
    Withdrawn,
)
from replyscope.serving.watch.process.stream import MessageStream

MOST_WAITING = 64 * 1024 * 1024
_OF_A_PART = 500
"""The memory that a message needs besides its large bytes."""
_RESERVE = 16 * 1024 * 1024
"""What may wait beyond the bound: the calls that are reported without their bodies."""
_PAUSE_S = 0.005
"""The messages of this time are sent at once: waking the other process takes time too."""
_BATCH = 262_144
_NO_ROOM = (
    "replyscope was busy, and had no room in memory for a part of the response; "
    "it was forwarded whole."
)


class Delivery:
    """A queue of encoded messages to a stream."""

    def __init__(self, stream: MessageStream, most: int = MOST_WAITING) -> None:
        self._stream = stream
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._is_due = False
        self._missing = 0
        self._is_empty = asyncio.Event()
        stream.on_room = self._flush

    def has_room(self, size: int, beyond: int = 0) -> bool:
        """Whether a message with so many large bytes can wait, maybe beyond the bound."""
        return self._size + size + _OF_A_PART <= self._most + beyond

    def put(self, message: FromRelay) -> None:
        """Send a message soon, after those before it."""
        self._queue(message)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_PAUSE_S, self._flush)

    def put_now(self, message: FromRelay) -> None:
        """Send a message, and those before it, at once."""
        self._queue(message)
        self._flush()

    def miss(self) -> None:
        """Count a call that is not reported at all. It is noted when there is room again."""
        self._missing += 1

    async def finish(self) -> None:
        """Wait until the transport has all messages."""
        self._is_empty.clear()
        self._flush()
        if self._waiting:
            await self._is_empty.wait()

    def _queue(self, message: FromRelay) -> None:
        data = encode(message)
        self._waiting.append(data)
        self._size += len(data) + _OF_A_PART

    def _flush(self) -> None:
        """Write until the stream is full."""
        self._is_due = False
        while self._waiting and not self._stream.is_full:
            batch = [self._waiting.popleft()]
            size = len(batch[0])
            while self._waiting and size + len(self._waiting[0]) <= _BATCH:
                batch.append(self._waiting.popleft())
                size += len(batch[-1])
            self._size -= size + len(batch) * _OF_A_PART
            self._stream.write(b"".join(batch))
        if self._waiting:
            return
        self._is_empty.set()
        if self._missing:
            missing, self._missing = self._missing, 0
            said = f"replyscope was busy: {plural(missing, 'call')} could not be recorded."
            self._stream.send(Noted(f"{said} Forwarding continues."))


class DeliveredCalls:
    """Reports calls to the program. Implements CallObserver."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._numbers = count()

    def called(self, request: WatchedRequest) -> CallListener:
        """See CallObserver. A request for which there is no room is reported without its body."""
        if not self._delivery.has_room(len(request.body)):
            request = replace(request, body=b"", is_cut=True)
            if not self._delivery.has_room(0, _RESERVE):
                self._delivery.miss()
                return _Unreported()
        call = next(self._numbers)
        self._delivery.put(Called(call, request))
        return _DeliveredCall(self._delivery, call)


class _DeliveredCall:
    """Reports one response to the program. Implements CallListener."""

    def __init__(self, delivery: Delivery, call: int) -> None:
        self._delivery = delivery
        self._call = call
        self._has_holes = False

    def responded(self, status: int, headers: Pairs, at_ms: float) -> None:
        """See CallListener."""
        self._delivery.put(Responded(self._call, status, headers, at_ms))

    def received(self, data: bytes, at_ms: float) -> None:
        """See CallListener."""
        if self._delivery.has_room(len(data)):
            self._delivery.put(Received(self._call, data, at_ms))
        else:
            self._has_holes = True

    def fault_missed(self) -> None:
        """See CallListener."""
        self._delivery.put(FaultMissed(self._call))

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> None:
        """See CallListener."""
        lack = lack or (_NO_ROOM if self._has_holes else None)
        self._delivery.put(Ended(self._call, fault, at_ms, lack))


class _Unreported:
    """A call for which there is no room at all. Implements CallListener."""

    def responded(self, status: int, headers: Pairs, at_ms: float) -> None:
        """See CallListener."""

    def received(self, data: bytes, at_ms: float) -> None:
        """See CallListener."""

    def fault_missed(self) -> None:
        """See CallListener."""

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> None:
        """See CallListener."""


class Questions:
    """Asks the program about calls, and waits for its answers. `decide` implements Gate."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._numbers = count()
        self._decisions: dict[int, asyncio.Future[Decision]] = {}
        self._rules: dict[int, asyncio.Future[FaultRule | None]] = {}

    async def decide(self, request: WatchedRequest) -> Decision:
        """See Gate."""
        number = next(self._numbers)
        awaited: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._decisions[number] = awaited
        self._delivery.put_now(Asked(number, request))
        try:
            return await awaited
        except asyncio.CancelledError:
            self._delivery.put_now(Withdrawn(number))
            raise
        finally:
            del self._decisions[number]

    async def choose_fault(self, request: WatchedRequest) -> FaultRule | None:
        """See ChooseFault."""
        number = next(self._numbers)
        awaited: asyncio.Future[FaultRule | None] = asyncio.get_running_loop().create_future()
        self._rules[number] = awaited
        self._delivery.put_now(FaultAsked(number, request))
        try:
            return await awaited
        finally:
            del self._rules[number]

    def answer(self, answer: Decided | FaultChosen) -> None:
        """Pass on an answer. Ignored when nobody waits for it any more."""
        if isinstance(answer, Decided):
            decision = self._decisions.get(answer.question)
            if decision is not None and not decision.done():
                decision.set_result(answer.decision)
        else:
            rule = self._rules.get(answer.question)
            if rule is not None and not rule.done():
                rule.set_result(answer.rule)

"""A relay in a thread with its own event loop, so that other work of the program delays no call.

A screen needs milliseconds for a frame. Calls are reported to the observer, and the gate is asked,
in the loop of the owner: the loop in which the thread was started.
"""

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from time import perf_counter
from typing import Any, TypeVar

from replyscope.domain.watched import CallListener, CallObserver, WatchedRequest
from replyscope.serving.gate import Decision, Gate
from replyscope.serving.server import LOOPBACK, Report
from replyscope.serving.watch.call_copy import ObserverGaps
from replyscope.serving.watch.relay import Relay

T = TypeVar("T")
MOST_WAITING = 64 * 1024 * 1024
"""The bytes that wait for the owner's loop; what does not fit is forwarded, not recorded."""
_OF_A_PART = 500
"""The memory that a part needs besides its bytes."""
_SWITCH_S = 0.0001
"""The longest time that the owner's loop keeps the interpreter from the thread, a wait for each
system call of the thread; Python's default is 5 ms."""
_PAUSE_S = 0.005
"""The parts of this time are handed over at once: waking the owner's loop takes time too."""
_TURN_S = 0.008
"""The longest time that the owner's loop is taken without a pause."""
_NO_ROOM = (
    "replyscope was busy, and had no room in memory for a part of the response; "
    "it was forwarded whole."
)


class Handover:
    """A queue of function calls from the thread of a relay to its owner's loop, in order.

    Each counter is changed by one thread only, so that neither waits for the other.
    """

    def __init__(self, owner: asyncio.AbstractEventLoop, most: int = MOST_WAITING) -> None:
        self.owner = owner
        self._most = most
        self._waiting: deque[tuple[Callable[[], None], int]] = deque()
        self._put = self._taken = 0
        self._is_woken = False

    def put(self, work: Callable[[], None], size: int = 0) -> bool:
        """Queue a function call, in the relay's loop. Returns whether there is room for `size`
        bytes; without a size there always is.
        """
        if size and self._put - self._taken + size > self._most:
            return False
        self._put += size
        self._waiting.append((work, size))
        if not self._is_woken:
            self._is_woken = True
            asyncio.get_running_loop().call_later(_PAUSE_S, self._wake)
        return True

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the owner's loop is closed
            self.owner.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        """Make the calls that are queued, in the owner's loop."""
        self._is_woken = False
        until_s = perf_counter() + _TURN_S
        while self._waiting and perf_counter() < until_s:
            self._make_next()
        if self._waiting:
            self._is_woken = True
            self.owner.call_soon(self._deliver)

    def finish(self) -> None:
        """Make all calls that are queued. Call it in the owner's loop, after the relay's end."""
        while self._waiting:
            self._make_next()

    def _make_next(self) -> None:
        work, size = self._waiting.popleft()
        self._taken += size
        work()

    def reporting(self, report: Report) -> Report:
        """A function that reports in the owner's loop."""

        def put(text: str) -> None:
            self.put(lambda: report(text))

        return put


class HandedObserver:
    """Reports calls to an observer in the owner's loop. Implements CallObserver."""

    def __init__(self, observer: CallObserver, handover: Handover, report: Report) -> None:
        self._observer = observer
        self._handover = handover
        self._gaps = ObserverGaps(report)

    def called(self, request: WatchedRequest) -> CallListener:
        """See CallObserver. A request for which there is no room is reported without its body."""
        listener = _HandedListener(self._handover, self._gaps)
        if not listener.begin(self._observer, request, _OF_A_PART + len(request.body)):
            listener.begin(self._observer, replace(request, body=b"", is_cut=True))
        return listener


class _HandedListener:
    """Reports one response to a listener in the owner's loop. Implements CallListener."""

    def __init__(self, handover: Handover, gaps: ObserverGaps) -> None:
        self._handover = handover
        self._gaps = gaps
        self._listener: CallListener | None = None
        """Belongs to the owner's loop; None before the call is reported and after an error."""
        self._has_holes = False

    def begin(self, observer: CallObserver, request: WatchedRequest, size: int = 0) -> bool:
        """Report the request. Returns whether there is room."""

        def called() -> None:
            try:
                self._listener = observer.called(request)
            except Exception as error:  # noqa: BLE001 - the traffic goes on
                self._gaps.add(error)

        return self._handover.put(called, size)

    def responded(self, status: int, headers: tuple[tuple[str, str], ...], at_ms: float) -> None:
        """See CallListener."""
        self._report(lambda listener: listener.responded(status, headers, at_ms))

    def received(self, data: bytes, at_ms: float) -> None:
        """See CallListener."""
        size = _OF_A_PART + len(data)
        if not self._report(lambda listener: listener.received(data, at_ms), size):
            self._has_holes = True

    def fault_missed(self) -> None:
        """See CallListener."""
        self._report(lambda listener: listener.fault_missed())

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> None:
        """See CallListener."""
        lack = lack or (_NO_ROOM if self._has_holes else None)
        self._report(lambda listener: listener.ended(fault, at_ms, lack))

    def _report(self, report: Callable[[CallListener], None], size: int = 0) -> bool:
        def reported() -> None:
            if self._listener is None:
                return
            try:
                report(self._listener)
            except Exception as error:  # noqa: BLE001 - the traffic goes on
                self._listener = None
                self._gaps.add(error)

        return self._handover.put(reported, size)


class HandedGate:
    """Asks a gate in the owner's loop. Implements Gate."""

    def __init__(self, gate: Gate, owner: asyncio.AbstractEventLoop) -> None:
        self._gate = gate
        self._owner = owner

    async def decide(self, request: WatchedRequest) -> Decision:
        """See Gate."""
        asked = asyncio.run_coroutine_threadsafe(self._gate.decide(request), self._owner)
        return await asyncio.wrap_future(asked)


class RelayThread:
    """The thread of a relay. It has the methods of the relay, to call in the owner's loop."""

    def __init__(self, relay: Relay, handover: Handover) -> None:
        self._relay = relay
        self._handover = handover
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._usual_switch_s = sys.getswitchinterval()

    async def start(self, port: int, address: str = LOOPBACK) -> int:
        """Start the thread, and listen. See HttpServer."""
        begun: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._live(begun)), daemon=True, name="relay"
        )
        sys.setswitchinterval(_SWITCH_S)
        self._thread.start()
        self._loop = await asyncio.wrap_future(begun)
        return await self._run(self._relay.start(port, address))

    async def close(self) -> None:
        """Close the relay, and end the thread. All calls have been reported afterwards."""
        if self._loop is None or self._thread is None:
            return
        try:
            await self._run(self._relay.close())
        finally:
            self._loop.call_soon_threadsafe(self._end.set)
            await asyncio.to_thread(self._thread.join)
            self._loop = None
            sys.setswitchinterval(self._usual_switch_s)
            self._handover.finish()

    async def serve(self) -> None:
        """See HttpServer."""
        await self._run(self._relay.serve())

    async def settle(self, longest_s: float) -> None:
        """See Relay."""
        await self._run(self._relay.settle(longest_s))

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _live(self, begun: "Future[asyncio.AbstractEventLoop]") -> None:
        """The life of the thread's loop. Unexpected errors are reported in the owner's loop."""
        owner, loop = self._handover.owner, asyncio.get_running_loop()

        def hear(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            with suppress(RuntimeError):  # the owner's loop is closed
                owner.call_soon_threadsafe(owner.call_exception_handler, context)

        loop.set_exception_handler(hear)
        begun.set_result(loop)
        await self._end.wait()

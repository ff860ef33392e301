"""The event loop of the linear chat, in a thread of its own.

The main thread reads lines and prints. It starts coroutines here and waits until they end;
Ctrl+C cancels the awaited coroutine. A cancelled coroutine still runs to its end, so that
a reply is saved before the next prompt.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from replyscope.linear.signals import Signals

T = TypeVar("T")
_LOOK_S = 0.5
"""The interval at which the main thread wakes up while it waits, where signals do not wake it."""


class Stopped(Exception):
    """The job was cancelled by the person."""


class Job(Generic[T]):
    """A coroutine that runs in the loop. `ended` is called in the loop when it has ended."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Awaitable[T],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._work = work
        self._ended = ended
        self._has_ended = threading.Event()
        self._task: asyncio.Future[T] | None = None
        self.is_cancelled = False
        """Whether `cancel` was called."""
        loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._work, loop=self._loop)
        self._task.add_done_callback(self._end)
        if self.is_cancelled:
            self._task.cancel()

    def _end(self, _task: asyncio.Future[T]) -> None:
        self._has_ended.set()
        self._ended()

    def cancel(self) -> None:
        """Cancel the coroutine. Safe in a signal handler."""
        self.is_cancelled = True
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def result(self) -> T:
        """Wait for the end. Returns the result, or raises the error or Stopped."""
        while not self._has_ended.wait(_LOOK_S):
            pass
        assert self._task is not None
        try:
            return self._task.result()
        except asyncio.CancelledError:
            raise Stopped from None


class EngineThread:
    """A thread with an event loop. `hear` gets the unexpected errors of its callbacks."""

    def __init__(
        self,
        signals: Signals,
        hear: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None] | None = None,
    ) -> None:
        self.signals = signals
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(hear)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="engine")
        self._thread.start()

    def start(self, work: Awaitable[T], ended: Callable[[], None] = lambda: None) -> Job[T]:
        """Start a coroutine."""
        return Job(self._loop, work, ended)

    def run(self, work: Awaitable[T]) -> T:
        """Run a coroutine to its end; Ctrl+C cancels it. Raises its error, or Stopped."""
        job = self.start(work)
        with self.signals.cancelling(job):
            return job.result()

    def answer(self, future: asyncio.Future[T], result: T) -> None:
        """Complete a future of the loop, unless it was cancelled."""
        self._loop.call_soon_threadsafe(_complete, future, result)

    def stop(self) -> None:
        """Stop the loop, and wait for the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _complete(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)

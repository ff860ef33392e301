"""Runs the blocking calls of a hub in a thread of their own, each with a time limit.

A call to a network share may never return. The thread is a daemon: it keeps neither the event
loop nor the end of the program waiting.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from replyscope.domain.errors import HubUnreachable

T = TypeVar("T")
_LONGEST_S = 120.0


class HubThread:
    """One thread, which runs calls in order. After a call that did not return in time the thread
    is abandoned.
    """

    def __init__(self, longest_s: float = _LONGEST_S) -> None:
        self._longest_s = longest_s
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]
        self._calls = queue.SimpleQueue()
        self._is_hung = False
        threading.Thread(target=self._run, name="hub", daemon=True).start()

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """The result of a call. Raises its error, and HubUnreachable without an answer."""
        if self._is_hung:
            raise HubUnreachable("The hub does not answer.", "replyscope tries again later.")
        result: Future[T] = Future()
        self._calls.put((lambda: function(*arguments), result))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(result), self._longest_s)
        except TimeoutError:
            self._is_hung = True
            raise HubUnreachable(
                f"The hub did not answer within {self._longest_s:.0f} s.",
                "Check the network or the folder; replyscope tries again later.",
            ) from None

    def post(self, function: Callable[[], None]) -> None:
        """Queue a call and return at once. Its error is ignored."""
        self._calls.put((function, Future()))

    def close(self) -> None:
        """End the thread after its last call."""
        self._calls.put(None)

    def _run(self) -> None:
        while (job := self._calls.get()) is not None:
            call, result = job
            if not result.set_running_or_notify_cancel():
                continue
            try:
                made = call()
            except BaseException as error:  # noqa: BLE001 - raised where it is awaited
                result.set_exception(error)
            else:
                result.set_result(made)

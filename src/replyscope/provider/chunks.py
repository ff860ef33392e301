"""Reads the chunks of one stream, and reports their events.

At full speed this loop runs thousands of times a second: work that is not needed for each
chunk, such as timers and turns of the event loop, is done for several chunks at once.
"""

import asyncio
from typing import Any

import openai

from replyscope.domain.event import Event, Listen
from replyscope.provider.bounds import TooLate
from replyscope.provider.dialect import Translator
from replyscope.provider.frames import FrameTap
from replyscope.provider.reply_bound import ReplyBound
from replyscope.provider.reply_end import add_arrived

_AFTER_THE_END_S = 1.0
_SLICE = 8
"""Chunks that are read before other tasks can run on the event loop: about a millisecond.
The SDK's stream suspends only when it reads from the socket, and a key press needs about ten
iterations of the loop until it is on the screen.
"""


async def read_chunks(
    stream: openai.AsyncStream[Any],
    tap: FrameTap,
    translator: Translator,
    listen: Listen,
    longest_s: float,
) -> Exception | None:
    """Read every chunk. Returns the error that ended the stream, None for none.

    The stream ends with TooLate when no chunk arrives for `longest_s`. After a complete reply
    it ends after one second, for servers that keep the connection open. Comments and incomplete
    frames do not extend these times.
    """
    try:
        async with asyncio.timeout(None) as timeout:
            failure = await _read(stream, tap, translator, listen, _Deadline(timeout, longest_s))
    except TimeoutError:
        if not timeout.expired():
            raise
    else:
        # The connection has the same limit, and may notice first that nothing arrives.
        if not isinstance(failure, openai.APITimeoutError):
            return failure
    if translator.has_said_all:
        return None
    return TooLate(f"sent no part of a reply for {longest_s:g} s")


class _Deadline:
    """The deadline of the next chunk. It is up to 1 % late, never early.

    A timer of the event loop costs more than a chunk, so it is set again only when 1 % of its
    time has passed.
    """

    _LATE = 0.01

    def __init__(self, timeout: asyncio.Timeout, longest_s: float) -> None:
        self._timeout = timeout
        self._longest_s = longest_s
        self._now_s = asyncio.get_running_loop().time
        self._set_for_s = self._set_at_s = 0.0

    def move(self, *, is_over: bool) -> None:
        """Set the deadline from now on; `is_over` is whether the reply is complete."""
        longest_s = _AFTER_THE_END_S if is_over else self._longest_s
        now_s = self._now_s()
        if longest_s != self._set_for_s or now_s - self._set_at_s > longest_s * self._LATE:
            self._timeout.reschedule(now_s + longest_s * (1 + self._LATE))
            self._set_for_s, self._set_at_s = longest_s, now_s


async def _read(
    stream: openai.AsyncStream[Any],
    tap: FrameTap,
    translator: Translator,
    listen: Listen,
    deadline: _Deadline,
) -> Exception | None:
    count = 0
    failure: Exception | None = None
    bound = ReplyBound()
    while failure is None:
        events: list[Event] = []
        deadline.move(is_over=translator.has_said_all)
        try:
            bound.check()  # after the events of the previous chunk, so that they are kept
            chunk = await _next_chunk(stream, translator)
            if chunk is None:
                break
            add_arrived(events, tap, translator)
            events += translator.translate(chunk)
        except Exception as error:  # noqa: BLE001 - every failure is reported as an event
            failure = error
        # Outside the try block: an exception of the listener is not a failure of the server.
        for event in events:
            bound.count(event)
            listen(event)
        count += 1
        if count % _SLICE == 0:
            await asyncio.sleep(0)
    return failure


async def _next_chunk(stream: openai.AsyncStream[Any], translator: Translator) -> Any:
    """The next chunk, None at the end. An error after a complete reply is its end."""
    try:
        return await anext(stream)
    except StopAsyncIteration:
        return None
    except Exception:
        if translator.is_complete:
            return None
        raise

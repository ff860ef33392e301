"""One forwarded call: the request to the upstream and the response to the client, at once.

The response is written to the client before it is parsed. A break on one side is made on the
other side too.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import h11

from replyscope.serving.connection import BodyPart, Head, HttpConnection
from replyscope.serving.watch.call_copy import CallCopy
from replyscope.serving.watch.dialing import Link
from replyscope.serving.watch.response_reader import BROKE_OFF, ResponseReader

CLIENT_LEFT = "client"
"""The fault of a call whose client closed the connection."""
STOPPED = "replyscope watch was stopped before the response was complete."
"""The fault of a call that was running when the relay was closed."""


class Forwarding:
    """A call between a client's connection and a link, whose head was sent already.

    `read` are the parts of the request's body that were read and reported before.
    """

    def __init__(
        self,
        connection: HttpConnection,
        head: Head,
        link: Link,
        copy: CallCopy,
        read: Sequence[BodyPart] = (),
    ) -> None:
        self._connection = connection
        self._link = link
        self._copy = copy
        self._head = head
        self._read = read
        self._is_sent = asyncio.Event()
        self._was_reset = False
        self._has_left = False
        """Whether the client has closed its side; it may still read."""

    @cached_property
    def _reader(self) -> ResponseReader:
        return ResponseReader(self._head, self._copy)  # made after the first byte was forwarded

    async def run(self) -> bool:
        """Forward until the response ends. Returns whether both connections can be reused."""
        sending = asyncio.create_task(self._send())
        receiving = asyncio.create_task(self._receive())
        fault: str | None = CLIENT_LEFT
        try:
            await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                fault = receiving.result()
                if fault is not None and self._has_left:
                    fault = CLIENT_LEFT
            if self._reader.can_continue and not self._is_sent.is_set():
                await self._finish_sending(sending)
        except asyncio.CancelledError:
            fault = STOPPED
            self._connection.break_off()
            raise
        finally:
            try:
                await _end(sending, receiving)
            finally:  # the relay may be closed in that moment
                if not self._reader.is_switched:
                    self._copy.ended(fault)
        if self._reader.is_switched and fault is None:
            await self._tunnel()
            return False
        if self._was_reset:
            await self._connection.reset()
        can_go_on = self._reader.can_continue and self._is_sent.is_set()
        return can_go_on and fault is None and not self._head.is_last

    async def _send(self) -> None:
        """Forward the body, then wait. Returns when the client has left.

        A client that has only closed its side is forwarded as that: the upstream decides whether
        it answers.
        """
        with suppress(ConnectionError, TimeoutError, h11.RemoteProtocolError):
            for part in self._read:
                await self._pass_up(part.raw)
            is_end = bool(self._read) and self._read[-1].is_end
            while not is_end:
                part = await self._connection.next_part()
                is_end = part.is_end
                self._copy.add_request(part.data)
                if part.raw:
                    await self._pass_up(part.raw)
            self._copy.request_ended()
            self._is_sent.set()
            await self._connection.client_left()
            if self._link.half_close():
                self._has_left = True
                await asyncio.get_running_loop().create_future()

    async def _pass_up(self, raw: bytes) -> None:
        """Send to the upstream. If it no longer reads, wait for what it has said."""
        try:
            self._link.write(raw)
            await self._link.drain()
        except ConnectionError:
            await asyncio.get_running_loop().create_future()

    async def _finish_sending(self, sending: "asyncio.Task[None]") -> None:
        """Forward the rest of a body whose response came early."""
        sent = asyncio.create_task(self._is_sent.wait())
        try:
            await asyncio.wait((sending, sent), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sent.cancel()

    async def _receive(self) -> str | None:
        """Forward the response. Returns None at its end, or the fault."""
        is_over = False
        while not is_over:
            try:
                raw = await self._link.read()
            except OSError:
                self._was_reset, raw = True, b""
            if raw:
                self._connection.pass_on(raw)
            elif self._was_reset:
                return BROKE_OFF
            self._reader.feed(raw)
            is_over = not raw or self._reader.is_complete or self._reader.is_switched
            try:
                await self._connection.drain()
            except ConnectionError:
                return CLIENT_LEFT
        return self._reader.fault

    async def _tunnel(self) -> None:
        """Forward bytes both ways, until one side closes."""
        up, down = asyncio.create_task(self._up()), asyncio.create_task(self._down())
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            try:
                await _end(up, down)
            finally:
                self._copy.ended(None)

    async def _up(self) -> None:
        while raw := await self._connection.read_raw():
            self._link.write(raw)
            await self._link.drain()

    async def _down(self) -> None:
        while raw := await self._link.read():
            self._connection.pass_on(raw)
            await self._connection.drain()


async def _end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks, and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

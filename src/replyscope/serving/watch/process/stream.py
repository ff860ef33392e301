"""A connection for messages over a pair of sockets, between the program and its relay.

The process of the relay has its socket as standard input. It closes when the other process ends,
however it ends.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from time import perf_counter
from typing import cast

from replyscope.serving.watch.process.codec import MessageError, MessageReader, encode
from replyscope.serving.watch.process.messages import Message

_TURN_S = 0.008
"""The longest time in which messages are handled without a pause for other work of the loop."""
_MOST_WRITTEN = 262_144
"""The bytes that wait for the other side in the transport."""


class MessageStream(asyncio.Protocol):
    """One end of the connection. `take` gets each message; `lost` is called once, at the end,
    after the last message.
    """

    def __init__(self, take: Callable[[Message], None], lost: Callable[[], None]) -> None:
        self._take = take
        self._lost = lost
        self._reader = MessageReader()
        self._transport: asyncio.Transport | None = None
        self._is_behind = False
        self.is_full = False
        """Whether the other side does not read as fast as this one writes."""
        self.on_room: Callable[[], None] = lambda: None
        """Called when `is_full` becomes False."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(_MOST_WRITTEN)

    def send(self, message: Message) -> None:
        """Send a message, in any case."""
        self.write(encode(message))

    def write(self, data: bytes) -> None:
        """Send encoded messages. Ignored after the end."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection, after what was written has left."""
        if self._transport is not None:
            self._transport.close()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self.is_full = True

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self.is_full = False
        self.on_room()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._reader.feed(data)
        if not self._is_behind:
            self._deliver()

    def _deliver(self) -> None:
        """Handle messages; after some time let other work of the loop run first."""
        assert self._transport is not None
        until_s = perf_counter() + _TURN_S
        while self._take_next():
            if perf_counter() > until_s:
                if not self._is_behind:
                    self._is_behind = True
                    self._transport.pause_reading()
                asyncio.get_running_loop().call_soon(self._deliver)
                return
        if self._is_behind:
            self._is_behind = False
            self._transport.resume_reading()

    def _take_next(self) -> bool:
        """Handle the next message. Returns whether there was one."""
        try:
            message = self._reader.next()
        except MessageError:
            assert self._transport is not None
            self._transport.abort()
            return False
        if message is not None:
            self._take(message)
        return message is not None

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        while self._take_next():
            pass
        self._lost()


async def connect(stream: MessageStream, connected: socket.socket) -> None:
    """Use a socket of a pair for a stream."""
    await asyncio.get_running_loop().create_connection(lambda: stream, sock=connected)


def inherited_socket() -> socket.socket:
    """The socket that this process got from the program that started it."""
    if sys.platform == "win32":
        return socket.fromshare(sys.stdin.buffer.read())
    return socket.socket(fileno=0)

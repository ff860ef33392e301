"""The HTTP/1.1 connection of one client: h11 for the protocol, asyncio for the socket.

Connections stay open between requests. A response is written through h11, or passed on as the
bytes that another server sent. It can be cut off, to reproduce a connection that was lost.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11

CHUNK = 262_144
MOST_OF_A_HEAD = 131_072
_MOST_BODY = 64_000_000
_IDLE_S = 120.0
_REFUSED_S = 5.0
Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request. `target` includes the query; names in `headers` are in lower case.

    `raw_headers` has all headers in their order, with names as the client wrote them. `is_last`
    says that the client expects the connection to close after the response.
    """

    method: str
    target: str
    version: str
    headers: dict[str, str]
    raw_headers: tuple[tuple[bytes, bytes], ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its body."""

    head: Head
    body: bytes


@dataclass(frozen=True, slots=True)
class BodyPart:
    """A part of a request body: the bytes on the wire, and the data without chunking."""

    raw: bytes
    data: bytes
    is_end: bool


class HttpConnection:
    """The server side of one HTTP connection: reads requests and writes responses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = _new_protocol()
        self._unread = b""
        """Bytes that were received together with the head, and are in no BodyPart yet."""
        self.pass_on = writer.write
        """Writes bytes of another server's response, at once and unchanged."""
        self.drain = writer.drain
        """Waits while the buffer of written bytes is full. Raises ConnectionError."""

    @property
    def addresses(self) -> tuple[Any, Any]:
        """The socket addresses of the client and of this side."""
        return self._writer.get_extra_info("peername"), self._writer.get_extra_info("sockname")

    async def next_request(self) -> Request | None:
        """The next request with its body; None when the client has closed the connection.

        Raises TimeoutError, and h11.RemoteProtocolError for data that are not HTTP.
        """
        head = await self.next_head()
        return None if head is None else Request(head, await self.read_body())

    async def next_head(self) -> Head | None:
        """The head of the next request; None when the client has closed the connection.

        Raises TimeoutError, and h11.RemoteProtocolError for data that are not HTTP.
        """
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None
        async with asyncio.timeout(_IDLE_S):
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(CHUNK))
        if not isinstance(event, h11.Request):
            return None
        self._unread = self._http.trailing_data[0]
        return _head_of(event)

    async def next_part(self) -> BodyPart:
        """The next part of the body. After the last one, do not call it again.

        Raises TimeoutError, ConnectionError, and h11.RemoteProtocolError when the client leaves
        or sends something else.
        """
        raw, data = bytearray(self._unread), bytearray()
        self._unread = b""
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Data):
                data += event.data
            elif event is not h11.NEED_DATA:
                after = len(self._http.trailing_data[0])  # the beginning of the next request
                return BodyPart(bytes(raw[: len(raw) - after]), bytes(data), is_end=True)
            elif raw:
                return BodyPart(bytes(raw), bytes(data), is_end=False)
            else:
                async with asyncio.timeout(_IDLE_S):
                    received = await self._reader.read(CHUNK)
                self._http.receive_data(received)
                raw += received

    async def read_body(self) -> bytes:
        """Return the whole body. Sends `100 Continue` first if the client waits for that."""
        self.ask_for_body()
        body = bytearray()
        async with asyncio.timeout(_IDLE_S):
            is_end = False
            while not is_end:
                part = await self.next_part()
                body += part.data
                is_end = part.is_end
                if len(body) > _MOST_BODY:
                    raise h11.RemoteProtocolError("the body is too large", 413)
        return bytes(body)

    def ask_for_body(self) -> None:
        """Tell a client that waits with `Expect: 100-continue` to send the body."""
        if self._http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            self._write(go_on)

    async def refuse(self, status: int, value: Any) -> None:
        """Send an error and close. The body is discarded first, since closing a socket with
        unread data would make the client lose the response.
        """
        if not self._http.they_are_waiting_for_100_continue:
            with suppress(TimeoutError, h11.RemoteProtocolError):
                async with asyncio.timeout(_REFUSED_S):
                    while not (await self.next_part()).is_end:
                        pass
        await self.send_json(status, value, [("connection", "close")])

    async def reject(self, error: h11.RemoteProtocolError) -> None:
        """Answer data that are not HTTP, unless a response has begun."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            reason = f"The request is not valid HTTP ({error})."
            value = error_object(reason, "invalid_request")
            await self.send_json(error.error_status_hint, value, [("connection", "close")])

    async def client_left(self) -> None:
        """Wait until the client closes the connection. Call it after the whole body was read.

        A next request that arrives early is kept; the wait then never ends. Raises
        ConnectionError.
        """
        early = await self._reader.read(CHUNK)
        if early:
            self._http.receive_data(early)
            await asyncio.get_running_loop().create_future()

    def begin(self, status: int, headers: Headers) -> None:
        """Write the status line and the headers. Without a content-length the body is chunked."""
        try:
            reason = HTTPStatus(status).phrase
        except ValueError:
            reason = ""
        encoded = [(name.encode("ascii", "replace"), _header_value(text)) for name, text in headers]
        self._write(
            h11.Response(status_code=status, headers=encoded, reason=reason.encode("ascii"))
        )

    async def write(self, data: bytes) -> None:
        """Write a part of the body, and wait while the buffer is full. Raises ConnectionError."""
        if data:
            self._write(h11.Data(data=data))
        await self._writer.drain()

    async def end(self) -> None:
        """End the response. Raises ConnectionError."""
        self._write(h11.EndOfMessage())
        await self._writer.drain()

    def passed_on(self) -> None:
        """Get ready for the next request, after a response that was passed on has ended."""
        early = self._http.trailing_data[0]
        self._http = _new_protocol()
        if early:
            self._http.receive_data(early)

    async def read_raw(self) -> bytes:
        """The next bytes of a connection that no longer speaks HTTP; empty at its end."""
        early, self._unread = self._http.trailing_data[0], b""
        if early:
            self._http = _new_protocol()
            return early
        return await self._reader.read(CHUNK)

    async def close(self) -> None:
        """Close the connection; a response that has not ended is cut off."""
        await self._writer.drain()
        self._writer.close()
        await self._writer.wait_closed()

    def break_off(self) -> None:
        """Close the connection with a reset at once: a body without a length would seem whole."""
        reset_when_closed(self._writer)
        self._writer.transport.abort()

    async def reset(self) -> None:
        """Close the connection with a reset, after the written bytes have left."""
        self._writer.transport.set_write_buffer_limits(0)
        await self._writer.drain()
        reset_when_closed(self._writer)
        self._writer.transport.abort()

    async def send_json(self, status: int, value: Any, headers: Headers = ()) -> None:
        """Send a whole response in JSON."""
        await self.send(
            status, encode_json(value), [("content-type", "application/json"), *headers]
        )

    async def send(self, status: int, body: bytes, headers: Headers) -> None:
        """Send a whole response."""
        self.begin(status, [*headers, ("content-length", str(len(body)))])
        await self.write(body)
        await self.end()

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)


def error_object(message: str, code: str) -> dict[str, Any]:
    """An error in OpenAI's form."""
    return {"error": {"message": message, "type": code, "param": None, "code": code}}


def encode_json(value: Any) -> bytes:
    """A value as the body of a response."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def reset_when_closed(writer: asyncio.StreamWriter) -> None:
    """Make the system close a connection with a reset instead of an orderly end."""
    connected = writer.get_extra_info("socket")
    if connected is not None:
        with suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _new_protocol() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_OF_A_HEAD)


def _head_of(event: h11.Request) -> Head:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
    version = event.http_version.decode("ascii")
    closing = headers.get("connection", "").lower()
    return Head(
        event.method.decode("ascii"),
        event.target.decode("latin-1"),
        version,
        headers,
        tuple(event.headers.raw_items()),
        is_last=version != "1.1" or "close" in closing,
    )


def named(raw: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Headers as text, in their order, with the case of their names."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)


def _header_value(value: str) -> bytes:
    """A recorded value in the form that HTTP allows: without line breaks."""
    return " ".join(value.split("\n")).replace("\r", " ").strip().encode("latin-1", "replace")

"""The HTTP/1.1 connection of one client: h11 for the protocol, asyncio for the socket.

Connections stay open between requests. A response can be cut off, to reproduce a connection
that was lost.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11

_MOST_BODY = 64_000_000
_IDLE_S = 120.0
_CHUNK = 65_536
Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `target` includes the query; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class HttpConnection:
    """The server side of one HTTP connection: reads requests and writes responses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)

    async def next_request(self) -> Request | None:
        """The next request; None when the client has closed the connection.

        Raises TimeoutError, and h11.RemoteProtocolError for data that are not HTTP.
        """
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None
        async with asyncio.timeout(_IDLE_S):
            head = await self._next_event()
            if not isinstance(head, h11.Request):
                return None
            body = bytearray()
            while isinstance(event := await self._next_event(), h11.Data):
                body += event.data
                if len(body) > _MOST_BODY:
                    raise h11.RemoteProtocolError("the body is too large", 413)
        return Request(
            head.method.decode("ascii"),
            head.target.decode("latin-1"),
            {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers},
            bytes(body),
        )

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                self._write(go_on)
            self._http.receive_data(await self._reader.read(_CHUNK))
        return event

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

    async def close(self) -> None:
        """Close the connection; a response that has not ended is cut off."""
        await self._writer.drain()
        self._writer.close()
        await self._writer.wait_closed()

    async def send_json(self, status: int, value: Any, headers: Headers = ()) -> None:
        """Send a whole response in JSON."""
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        await self.send(status, body, [("content-type", "application/json"), *headers])

    async def send(self, status: int, body: bytes, headers: Headers) -> None:
        """Send a whole response."""
        self.begin(status, [*headers, ("content-length", str(len(body)))])
        await self.write(body)
        await self.end()

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)


def _header_value(value: str) -> bytes:
    """A recorded value in the form that HTTP allows: without line breaks."""
    return " ".join(value.split("\n")).replace("\r", " ").strip().encode("latin-1", "replace")

"""Responses that the relay writes itself; the observer's copy gets what the client gets."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, TypeVar

from replyscope.serving.connection import Head, Headers, HttpConnection, encode_json, error_object
from replyscope.serving.watch.call_copy import CallCopy
from replyscope.serving.watch.forwarding import CLIENT_LEFT, STOPPED

T = TypeVar("T")
CUT_AS_RECORDED = "The recorded reply was cut off here."


class CopiedResponse:
    """A response to a client with a copy for the observer. Implements Sink.

    `is_closed` is set by `close`, which leaves the connection to its server.
    """

    def __init__(self, connection: HttpConnection, copy: CallCopy) -> None:
        self._connection = connection
        self._copy = copy
        self.is_closed = False
        self.end = connection.end
        """See Sink."""

    def begin(self, status: int, headers: Headers) -> None:
        """See Sink."""
        kept = tuple(headers)
        self._connection.begin(status, kept)
        self._copy.responded(status, kept)

    async def write(self, data: bytes) -> None:
        """See Sink."""
        await self._connection.write(data)
        self._copy.received(data)

    async def close(self) -> None:
        """See Sink."""
        await self._connection.drain()
        self.is_closed = True

    async def send(self, status: int, body: bytes, headers: Headers) -> None:
        """See Sink."""
        self.begin(status, [*headers, ("content-length", str(len(body)))])
        await self.write(body)
        await self.end()

    async def send_json(self, status: int, value: Any, headers: Headers = ()) -> None:
        """Send a whole response in JSON."""
        kind = ("content-type", "application/json")
        await self.send(status, encode_json(value), [kind, *headers])


async def unless_client_leaves(connection: HttpConnection, work: Awaitable[T]) -> T:
    """Await some work, whose request was read to the end. It is cancelled when the client leaves;
    then ConnectionAbortedError is raised.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(connection.client_left())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ConnectionAbortedError
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def while_client_stays(
    connection: HttpConnection, head: Head, copy: CallCopy, work: Awaitable[str | None]
) -> bool:
    """Await the fault of a call, until the client leaves, and report the end of the call.

    Returns whether the connection can have another request.
    """
    fault: str | None = CLIENT_LEFT
    try:
        with suppress(ConnectionError):
            fault = await unless_client_leaves(connection, work)
    except asyncio.CancelledError:
        fault = STOPPED
        raise
    finally:
        copy.ended(fault)
    return fault is None and not head.is_last


def error_of_api(head: Head, message: str, code: str) -> dict[str, Any]:
    """An error in the form of the API that was called."""
    if head.target.partition("?")[0].rstrip("/").endswith("/messages"):
        return {"type": "error", "error": {"type": code, "message": message}}
    return error_object(message, code)

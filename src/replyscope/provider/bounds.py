"""Bounds on HTTP responses: an HTTP transport that limits their size and duration.

Every response has a limit in bytes, counted after decompression, and a deadline in seconds.
The body of an error response is truncated at its limits; any other body that exceeds them
raises TooMuch or TooLate. Event streams have no deadline here: their reader waits for events,
not for bytes.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import httpcore2
import httpx2

from replyscope.domain.sse import Flood
from replyscope.provider.httpx_internals import set_network_backend

MOST_OF_A_HEAD = 512 * 1024
MOST_OF_AN_ERROR = 256 * 1024
MOST_OF_A_BODY = 32 * 1024 * 1024
MOST_OF_A_LIST = 8 * 1024 * 1024
MOST_OF_A_STREAM = 192 * 1024 * 1024
"""Frames are kept in memory while streaming. A reply of 128,000 tokens has 60 MB."""
MOST_ENCODINGS = 3
ENCODINGS = ("gzip", "deflate")
"""The accepted content encodings. Those of Brotli and zstd, which httpx2 accepts where their
libraries are installed, make gigabytes of one read from the connection.
"""
LONGEST_ERROR_S = 15.0
_LONGEST_S = 600.0


class TooMuch(Flood, httpx2.TransportError):
    """A response is larger than its limit. The text names the part and the limit."""


class TooLate(httpx2.TimeoutException):
    """A response is not complete at its deadline. The text names the part and the deadline."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The limits of a response body in bytes and seconds; `is_cut` truncates instead of raising."""

    most: int
    longest_s: float | None
    is_cut: bool = False


@dataclass(slots=True)
class _Head:
    """The state of a request until its response headers are complete: bytes left, connections."""

    room: int = MOST_OF_A_HEAD
    opened: list[httpcore2.AsyncNetworkStream] = field(default_factory=list)


_head: ContextVar[_Head | None] = ContextVar("the awaited head", default=None)


class _WatchedStream:
    """A proxy of a connection that counts the bytes read until the response headers end."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        head = _head.get()
        if head is not None:
            head.room -= len(data)
            if head.room < 0:
                raise TooMuch(f"more than {MOST_OF_A_HEAD // 1024} kB of headers")
        return data

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return _watched(await self._stream.start_tls(ssl_context, server_hostname, timeout))


def _watched(stream: httpcore2.AsyncNetworkStream) -> httpcore2.AsyncNetworkStream:
    return cast("httpcore2.AsyncNetworkStream", _WatchedStream(stream))


class _WatchedBackend(httpcore2.AnyIOBackend):
    """A network backend that opens watched connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stream = await super().connect_tcp(host, port, timeout, local_address, socket_options)
        if (head := _head.get()) is not None:
            head.opened.append(stream)
        return _watched(stream)


class WatchedTransport(httpx2.AsyncHTTPTransport):
    """An HTTP transport with watched connections."""

    def __init__(self, tls: ssl.SSLContext, proxy: httpx2.Proxy | None = None) -> None:
        super().__init__(verify=tls, proxy=proxy, trust_env=False)
        set_network_backend(self, _WatchedBackend())


class BoundedTransport(httpx2.AsyncBaseTransport):
    """A transport that bounds the responses of another one."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, with complete headers. Raises TooMuch, TooLate."""
        timeouts = request.extensions.get("timeout", {})
        longest_s = timeouts.get("read") or _LONGEST_S
        head = _Head()
        entered = _head.set(head)
        until_s = longest_s + min(longest_s, timeouts.get("connect") or 0.0)
        try:
            async with asyncio.timeout(until_s) as waiting:
                response = await self._inner.handle_async_request(request)
        except BaseException as error:
            for stream in head.opened:  # httpcore2 does not close one that a SOCKS proxy refused
                await stream.aclose()
            if isinstance(error, TimeoutError) and waiting.expired():
                raise TooLate(f"did not start its response within {until_s:g} s") from None
            raise
        finally:
            _head.reset(entered)
        try:
            return _BoundedResponse(response, _bound_of(request, response, longest_s))
        except httpx2.RequestError:  # its encodings are refused
            await response.aclose()
            raise

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _bound_of(request: httpx2.Request, response: httpx2.Response, longest_s: float) -> Bound:
    if response.is_error:
        return Bound(MOST_OF_AN_ERROR, min(longest_s, LONGEST_ERROR_S), is_cut=True)
    if request.extensions.get("is_stream"):
        return Bound(MOST_OF_A_STREAM, None)
    is_list = request.method == "GET" and request.url.path.endswith("/models")
    return Bound(MOST_OF_A_LIST if is_list else MOST_OF_A_BODY, longest_s)


class _BoundedResponse(httpx2.Response):
    """A response whose body is limited by a Bound."""

    def __init__(self, answer: httpx2.Response, bound: Bound) -> None:
        super().__init__(
            answer.status_code,
            headers=answer.headers,
            stream=answer.stream,
            extensions=answer.extensions,
        )
        stated = answer.headers.get("content-encoding", "").lower().split(",")
        if len(stated) > MOST_ENCODINGS:
            raise TooMuch(f"a body with {len(stated)} content encodings")
        for name in filter(None, map(str.strip, stated)):
            if name not in (*ENCODINGS, "identity"):
                raise httpx2.DecodingError(f"the content encoding {name:.20} was not accepted")
        self._bound = bound

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        bound, read = self._bound, 0
        chunks = super().aiter_bytes(chunk_size)
        if bound.longest_s is not None:
            chunks = _until_deadline(chunks, bound.longest_s, is_cut=bound.is_cut)
        async with aclosing(chunks):
            async for chunk in chunks:
                read += len(chunk)
                if read > bound.most:
                    if bound.is_cut:
                        yield chunk[: max(0, bound.most - read)]
                        return
                    size = f"{bound.most // 1024**2} MB"
                    raise TooMuch(f"a response of more than {size}")
                yield chunk


async def _until_deadline(
    chunks: AsyncGenerator[bytes, None], longest_s: float, *, is_cut: bool
) -> AsyncGenerator[bytes, None]:
    """The chunks that arrive in time. At the deadline it ends or raises TooLate."""
    until = asyncio.get_running_loop().time() + longest_s
    async with aclosing(chunks):
        while True:
            try:
                async with asyncio.timeout_at(until) as waiting:
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not waiting.expired():
                    raise
                if is_cut:
                    return
                raise TooLate(f"did not complete its response within {longest_s:g} s") from None
            yield chunk

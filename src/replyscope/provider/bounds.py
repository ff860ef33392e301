"""Bounds on what a server sends: the one place that reads HTTP heads and bodies.

Every answer has a limit in bytes, counted after decompression, and a deadline. The body of
an error is cut at its limits; any other that goes past them raises TooMuch or TooLate.
Event streams have no deadline here: their reader waits for events, not for bytes.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpcore2
import httpx2

from replyscope.domain.sse import Flood
from replyscope.provider.httpx_internals import wrap_network

MOST_OF_A_HEAD = 512 * 1024
MOST_OF_AN_ERROR = 256 * 1024
MOST_OF_A_BODY = 32 * 1024 * 1024
MOST_OF_A_LIST = 8 * 1024 * 1024
MOST_OF_A_STREAM = 192 * 1024 * 1024
"""Frames are held in memory while they come. A reply of 128,000 tokens has 60 MB."""
MOST_ENCODINGS = 3
LONGEST_ERROR_S = 15.0
_LONGEST_S = 600.0


class TooMuch(Flood, httpx2.TransportError):
    """A server sends more than there may be. The text says what."""


class TooLate(httpx2.TimeoutException):
    """A server sends, but does not come to an end. The text says what it did not end."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit in bytes and in seconds; past it an answer is cut, or it is an error."""

    most: int
    longest_s: float | None
    is_cut: bool = False


@dataclass(slots=True)
class _Head:
    """The head of an answer that is awaited: the bytes it may have, the connections opened."""

    room: int = MOST_OF_A_HEAD
    opened: list[httpcore2.AsyncNetworkStream] = field(default_factory=list)


_head: ContextVar[_Head | None] = ContextVar("the awaited head", default=None)


class _WatchedStream(httpcore2.AsyncNetworkStream):
    """A connection that counts what it reads while the head of an answer is awaited."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        head = _head.get()
        if head is not None:
            head.room -= len(data)
            if head.room < 0:
                raise TooMuch(f"headers of more than {MOST_OF_A_HEAD // 1024} kB")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return _WatchedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _WatchedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections that are watched."""

    def __init__(self, backend: httpcore2.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        if (head := _head.get()) is not None:
            head.opened.append(stream)
        return _WatchedStream(stream)

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class WatchedTransport(httpx2.AsyncHTTPTransport):
    """The HTTP transport with watched connections."""

    def __init__(self, tls: ssl.SSLContext, proxy: httpx2.Proxy | None = None) -> None:
        super().__init__(verify=tls, proxy=proxy, trust_env=False)
        wrap_network(self, _WatchedBackend)


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Bounds the answers of another transport."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, its head complete. Raises TooMuch, TooLate."""
        timeouts = request.extensions.get("timeout", {})
        longest_s = timeouts.get("read") or _LONGEST_S
        head = _Head()
        entered = _head.set(head)
        until_s = longest_s + min(longest_s, timeouts.get("connect") or 0.0)
        try:
            async with asyncio.timeout(until_s) as waiting:
                response = await self._inner.handle_async_request(request)
        except BaseException as error:
            for stream in head.opened:  # httpcore2 leaves one open that a SOCKS proxy refused
                await stream.aclose()
            if isinstance(error, TimeoutError) and waiting.expired():
                raise TooLate(f"did not begin its answer within {until_s:g} s") from None
            raise
        finally:
            _head.reset(entered)
        return _BoundedResponse(response, _bound_of(request, response, longest_s))

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
    """An answer whose body ends at its bound."""

    def __init__(self, answer: httpx2.Response, bound: Bound) -> None:
        super().__init__(
            answer.status_code,
            headers=answer.headers,
            stream=answer.stream,
            extensions=answer.extensions,
        )
        encodings = answer.headers.get("content-encoding", "").count(",") + 1
        if encodings > MOST_ENCODINGS:
            raise TooMuch(f"a body that is encoded {encodings} times")
        self._bound = bound

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        bound, read = self._bound, 0
        began = asyncio.get_running_loop().time()
        until = None if bound.longest_s is None else began + bound.longest_s
        async with aclosing(super().aiter_bytes(chunk_size)) as chunks:
            while True:
                try:
                    async with asyncio.timeout_at(until) as waiting:
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    if not waiting.expired():
                        raise
                    if bound.is_cut:
                        return
                    late = f"did not end its answer within {bound.longest_s:g} s"
                    raise TooLate(late) from None
                read += len(chunk)
                if read > bound.most:
                    if bound.is_cut:
                        yield chunk[: max(0, bound.most - read)]
                        return
                    size = f"{bound.most // 1024**2} MB"
                    raise TooMuch(f"an answer of more than {size}")
                yield chunk

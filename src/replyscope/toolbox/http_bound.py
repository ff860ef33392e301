"""Limits on what a tool server sends over HTTP, and the tolerance that stdio has, too."""

from collections.abc import AsyncIterator

import httpx2
from mcp.types import JSONRPCError, JSONRPCResponse

from replyscope.toolbox.envelope import NotAMessage, read_messages

MOST_BYTES = 56_000_000
UNCOMPRESSED = {"Accept-Encoding": "identity"}
"""A few bytes can be gigabytes when they are compressed, so nothing may be."""


class _Bounded(httpx2.AsyncByteStream):
    """A stream that fails past MOST_BYTES."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MOST_BYTES:
                raise httpx2.ReadError(f"the answer is larger than {MOST_BYTES // 1_000_000} MB")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def bound_response(response: httpx2.Response) -> None:
    """A response hook of httpx2: bound the body, and put an odd JSON-RPC answer right.

    Events of an event stream are bounded by the SDK, one by one.
    """
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        await response.aclose()
        raise httpx2.DecodingError("the answer is compressed, though it may not be")
    kind = response.headers.get("content-type", "").lower()
    if kind.startswith("text/event-stream"):
        return
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = stream = _Bounded(response.stream)
    if kind.startswith("application/json") and response.is_success:
        body = b"".join([chunk async for chunk in stream])
        await stream.aclose()
        response.stream = httpx2.ByteStream(_put_right(body))


def _put_right(body: bytes) -> bytes:
    """The answer of a batch, in the standard form; other JSON as it is."""
    try:
        messages = list(read_messages(body))
    except NotAMessage:
        return body
    answers = [one for one in messages if isinstance(one, JSONRPCResponse | JSONRPCError)]
    answer = next(iter(answers), messages[0])
    return answer.model_dump_json(by_alias=True, exclude_unset=True).encode()

"""Limits the size of HTTP responses of tool servers, and repairs their JSON-RPC messages."""

from collections.abc import AsyncIterator

import httpx2
from mcp.types import JSONRPCError, JSONRPCResponse

from replyscope.toolbox.envelope import NotAMessage, read_messages

MOST_BYTES = 56_000_000
UNCOMPRESSED = {"Accept-Encoding": "identity"}
"""Compression is disabled: a few compressed bytes can expand to gigabytes."""


class _Bounded(httpx2.AsyncByteStream):
    """A stream that raises ReadError after MOST_BYTES."""

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
    """A response hook of httpx2: limit the body, and repair a non-standard JSON-RPC message.

    The SDK limits the size of each event in an event stream.
    """
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        await response.aclose()
        raise httpx2.DecodingError("the answer is compressed, which was not accepted")
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
    """The response in a batch, in the standard form; other JSON is unchanged."""
    try:
        messages = list(read_messages(body))
    except NotAMessage:
        return body
    answers = [one for one in messages if isinstance(one, JSONRPCResponse | JSONRPCError)]
    answer = next(iter(answers), messages[0])
    return answer.model_dump_json(by_alias=True, exclude_unset=True).encode()

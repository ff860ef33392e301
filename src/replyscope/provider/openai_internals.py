"""The private parts of the OpenAI SDK that the program uses, each with the reason.

`tests/test_internals.py` fails when one of these parts changes; pyproject.toml keeps the SDK
below its next minor release.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

import httpx2
from openai._models import construct_type
from openai._streaming import ServerSentEvent, SSEBytesDecoder

__all__ = ["Decoder", "HookedClient", "ServerSentEvent", "build_object"]


class Decoder(Protocol):
    """A decoder of an event stream, as the SDK calls it."""

    def iter_bytes(self, chunks: Iterator[bytes], /) -> Iterator[ServerSentEvent]: ...

    def aiter_bytes(self, chunks: AsyncIterator[bytes], /) -> AsyncIterator[ServerSentEvent]: ...


class HookedClient:
    """A mixin that gives an SDK client three hooks. It comes before the client in the bases.

    The SDK has no public way to replace its stream decoder or its objects, or to see the final
    request of one client. No upstream issue known; see docs/decisions/0001. The SDK's decoder also
    ends the stream at a frame without data
    (https://github.com/openai/openai-python/issues/3833).
    """

    def decoder(self) -> Decoder | None:
        """The decoder of the next stream; None for the SDK's own."""
        return None

    def before_request(self, request: httpx2.Request) -> None:
        """Called with each request before it is sent."""

    def plain_object(self, _data: object, _type: object) -> object | None:
        """The object for data of a stream that the SDK need not build as an object of its type;
        None for other data.
        """
        return None

    async def _prepare_request(self, request: httpx2.Request) -> None:
        self.before_request(request)

    def _process_response_data(self, *, data: object, cast_to: Any, **others: Any) -> Any:
        plain = self.plain_object(data, cast_to)
        if plain is not None:
            return plain
        whole = super()._process_response_data  # type: ignore[misc]
        return whole(data=data, cast_to=cast_to, **others)

    def _make_sse_decoder(self) -> SSEBytesDecoder:
        own = self.decoder()
        if own is not None:
            return own
        return super()._make_sse_decoder()  # type: ignore[misc,no-any-return]


def build_object(type_: Any, value: Any) -> Any:
    """An SDK object from JSON that may not match its type, as the SDK builds stream events.

    The public constructors validate and raise. No upstream issue known.
    """
    return construct_type(type_=type_, value=value)

"""Builds the SDK's client for an endpoint, with a tap on what goes out and comes back.

One client per exchange, all sharing one HTTP connection pool: a tap belongs to one
request. Retries are off, because a repeated request must be visible.
"""

import ssl
from collections.abc import AsyncIterator, Callable

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI
from openai._streaming import SSEBytesDecoder

from replyscope import __version__
from replyscope.domain.endpoint import Endpoint
from replyscope.provider.frames import FrameTap

_MOST_OF_AN_ERROR = 256 * 1024

OnRequest = Callable[[httpx2.Request], None]


class _Tapped:
    """Two of the SDK's override points, used to see the request and every frame.

    `_make_sse_decoder` has no public equivalent; a test pins that it is called.
    """

    tap: FrameTap | None = None
    on_request: OnRequest | None = None

    async def _prepare_request(self, request: httpx2.Request) -> None:
        if self.on_request is not None:
            self.on_request(request)

    def _make_sse_decoder(self) -> SSEBytesDecoder:
        if self.tap is not None:
            return self.tap
        return super()._make_sse_decoder()  # type: ignore[misc,no-any-return]


class TappedOpenAI(_Tapped, AsyncOpenAI):
    """`AsyncOpenAI` with a tap."""


class TappedAzure(_Tapped, AsyncAzureOpenAI):
    """`AsyncAzureOpenAI` with a tap."""


def open_http(
    endpoint: Endpoint, transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """The connection pool of an endpoint: proxy, certificates and timeouts.

    Without a CA bundle of its own, an endpoint uses the system's certificates.
    """
    timeout = httpx2.Timeout(endpoint.timeout_s, connect=15.0)
    hooks = {"response": [_bound_error]}
    if transport is not None:
        return httpx2.AsyncClient(transport=transport, timeout=timeout, event_hooks=hooks)
    verify: ssl.SSLContext | bool = True
    if endpoint.ca_bundle:
        verify = ssl.create_default_context(cafile=endpoint.ca_bundle)
    return httpx2.AsyncClient(
        proxy=endpoint.proxy,
        verify=verify,
        timeout=timeout,
        follow_redirects=True,
        event_hooks=hooks,
    )


class _Bounded(httpx2.AsyncByteStream):
    """A body that is read so far and no further."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._body:
            yield chunk
            read += len(chunk)
            if read > _MOST_OF_AN_ERROR:
                return

    async def aclose(self) -> None:
        await self._body.aclose()


async def _bound_error(response: httpx2.Response) -> None:
    """The SDK reads the body of an error to its end, and that may never come."""
    if response.is_error and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)


def build_client(
    endpoint: Endpoint,
    key: str | None,
    http: httpx2.AsyncClient,
    tap: FrameTap | None = None,
    on_request: OnRequest | None = None,
) -> AsyncOpenAI:
    """A client for one request. Servers that want no key get a word that says so."""
    client: TappedOpenAI | TappedAzure
    headers = {"User-Agent": f"replyscope/{__version__}", **dict(endpoint.headers)}
    if endpoint.azure_api_version:
        client = TappedAzure(
            azure_endpoint=endpoint.base_url,
            api_version=endpoint.azure_api_version,
            api_key=key or "none",
            organization=endpoint.organization,
            project=endpoint.project,
            default_headers=headers,
            max_retries=0,
            http_client=http,
        )
    else:
        client = TappedOpenAI(
            base_url=endpoint.base_url,
            api_key=key or "none",
            organization=endpoint.organization,
            project=endpoint.project,
            default_headers=headers,
            max_retries=0,
            http_client=http,
        )
    client.tap = tap
    client.on_request = on_request
    return client

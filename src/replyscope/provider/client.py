"""Builds the SDK's client for an endpoint, with hooks that record the request and the frames.

Each exchange has a client, because a FrameTap belongs to one request; all share one HTTP
connection pool. The SDK's own retries are off, because every retry has to be visible.
"""

import ssl
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI
from openai.types.chat import ChatCompletionChunk

from replyscope import __version__
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.route import Route
from replyscope.provider.bounds import ENCODINGS, BoundedTransport, WatchedTransport
from replyscope.provider.frames import FrameTap
from replyscope.provider.openai_internals import HookedClient
from replyscope.provider.redirects import stay_at_origin
from replyscope.provider.text_frames import delta_event, text_chunk

OnRequest = Callable[[httpx2.Request], None]


class _Tapped(HookedClient):
    """A mixin for SDK clients that records the request and the frames."""

    tap: FrameTap | None = None
    on_request: OnRequest | None = None

    def decoder(self) -> FrameTap | None:
        return self.tap

    def plain_object(self, data: object, type_: object) -> object | None:
        if self.tap is None:
            return None
        return text_chunk(data) if type_ is ChatCompletionChunk else delta_event(data)

    def before_request(self, request: httpx2.Request) -> None:
        request.extensions["is_stream"] = self.tap is not None
        if self.on_request is not None:
            self.on_request(request)


class TappedOpenAI(_Tapped, AsyncOpenAI):
    """`AsyncOpenAI` with recording."""


class TappedAzure(_Tapped, AsyncAzureOpenAI):
    """`AsyncAzureOpenAI` with recording."""


def system_context() -> ssl.SSLContext:
    """The TLS context that trusts the system's certificate authorities."""
    return httpx2.create_ssl_context(trust_env=False)


def open_http(
    endpoint: Endpoint, route: Route, transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """The HTTP connection pool of an endpoint, with its route, timeouts and response bounds."""
    return httpx2.AsyncClient(
        transport=BoundedTransport(transport or WatchedTransport(route.tls, _proxy_of(route))),
        timeout=httpx2.Timeout(endpoint.timeout_s, connect=15.0),
        headers={"accept-encoding": ", ".join(ENCODINGS)},
        follow_redirects=True,
        event_hooks={"response": [stay_at_origin]},
        trust_env=False,
    )


def _proxy_of(route: Route) -> httpx2.Proxy | None:
    if route.proxy is None:
        return None
    tls = route.tls if route.proxy.url.startswith("https:") else None
    return httpx2.Proxy(route.proxy.address, auth=route.proxy.login, ssl_context=tls)


def build_client(
    endpoint: Endpoint,
    key: str | None,
    http: httpx2.AsyncClient,
    tap: FrameTap | None = None,
    on_request: OnRequest | None = None,
) -> AsyncOpenAI:
    """A client for one request. Without a key it sends `none`, since the SDK requires one."""
    client: TappedOpenAI | TappedAzure
    parts = urlsplit(endpoint.base_url)
    base_url = urlunsplit(parts._replace(query=""))
    query: dict[str, object] = dict(parse_qsl(parts.query, keep_blank_values=True))
    headers = {"User-Agent": f"replyscope/{__version__}", **dict(endpoint.headers)}
    if endpoint.azure_api_version:
        client = TappedAzure(
            azure_endpoint=base_url,
            api_version=endpoint.azure_api_version,
            api_key=key or "none",
            organization=endpoint.organization,
            project=endpoint.project,
            default_headers=headers,
            default_query=query,
            max_retries=0,
            http_client=http,
        )
    else:
        client = TappedOpenAI(
            base_url=base_url,
            api_key=key or "none",
            organization=endpoint.organization,
            project=endpoint.project,
            default_headers=headers,
            default_query=query,
            max_retries=0,
            http_client=http,
        )
    client.tap = tap
    client.on_request = on_request
    return client

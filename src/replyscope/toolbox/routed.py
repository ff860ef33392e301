"""HTTP for tools: a proxy and certificates for each address, chosen as for models.

Redirects and sign-ins lead to other addresses, so the choice is made for each request.
Proxy passwords appear in no error.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2
import httpx2

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.proxies import WayFault
from replyscope.domain.way import Way, find_way

_Key = tuple[str | None, bool]
_opened: ContextVar[list[httpcore2.AsyncNetworkStream]] = ContextVar("opened connections")


def way_to(url: str, environment: Mapping[str, str]) -> Way:
    """The proxy and the certificates for a URL. Raises ConnectError that names the variable."""
    try:
        return find_way(Endpoint("tool", url), environment, _system_context)
    except WayFault as fault:
        raise httpx2.ConnectError(str(fault).rstrip(".")) from fault


def client_by(way: Way) -> httpx2.Client:
    """A client for requests by one way. It follows no redirect."""
    return httpx2.Client(
        follow_redirects=False, timeout=30, trust_env=False, verify=way.tls, proxy=_proxy_of(way)
    )


class RoutedTransport(httpx2.AsyncBaseTransport):
    """One transport for each proxy that requests need. `environment` is read each time."""

    def __init__(self, environment: Callable[[], Mapping[str, str]]) -> None:
        self._environment = environment
        self._transports: dict[_Key, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response. Raises ConnectError and its like, which name the proxy."""
        way = way_to(str(request.url), self._environment())
        proxy = way.proxy.url if way.proxy is not None else None
        key = (proxy, request.url.scheme == "https")
        if key not in self._transports:
            self._transports[key] = _transport_by(way)
        opened: list[httpcore2.AsyncNetworkStream] = []
        entered = _opened.set(opened)
        try:
            with naming_way(way):
                return await self._transports[key].handle_async_request(request)
        except BaseException:
            for stream in opened:  # httpcore2 leaves one open that a SOCKS proxy refused
                await stream.aclose()
            raise
        finally:
            _opened.reset(entered)

    async def aclose(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            await transport.aclose()


@contextmanager
def naming_way(way: Way) -> Iterator[None]:
    """Add the proxy, or the source of the certificates, to the error of a connection."""
    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
        said = str(error) or type(error).__name__
        if way.trusted_by and "CERTIFICATE_VERIFY_FAILED" in said:
            said = f"{said}; trusted is what {way.trusted_by} names"
        if way.proxy is None and said == str(error):
            raise
        raise httpx2.ConnectError(f"{said}{way.through}", request=_request_of(error)) from error


class _NotingBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections, and notes those of the current request."""

    def __init__(self, backend: httpcore2.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(self, *arguments: Any, **named: Any) -> httpcore2.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(*arguments, **named)
        _opened.get([]).append(stream)
        return stream

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


def _transport_by(way: Way) -> httpx2.AsyncHTTPTransport:
    transport = httpx2.AsyncHTTPTransport(verify=way.tls, proxy=_proxy_of(way), trust_env=False)
    pool = transport._pool  # it has no public equivalent; a test pins it
    pool._network_backend = _NotingBackend(pool._network_backend)
    return transport


def _request_of(error: httpx2.TransportError) -> httpx2.Request | None:
    try:
        return error.request
    except RuntimeError:  # as httpx2 says that there is none
        return None


def _proxy_of(way: Way) -> httpx2.Proxy | None:
    if way.proxy is None:
        return None
    tls = way.tls if way.proxy.url.startswith("https:") else None
    return httpx2.Proxy(way.proxy.address, auth=way.proxy.login, ssl_context=tls)


def _system_context() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)

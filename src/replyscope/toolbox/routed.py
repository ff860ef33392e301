"""An HTTP transport for tools that selects the proxy and the certificates per request.

The selection is the same as for models. Redirects and sign-ins go to other hosts, so it is
repeated for each request. Errors never contain proxy passwords.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2
import httpx2

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.proxies import RouteFault
from replyscope.domain.route import Route, find_route
from replyscope.toolbox.httpx_internals import set_network_backend

_Key = tuple[str | None, bool]
_opened: ContextVar[list[httpcore2.AsyncNetworkStream]] = ContextVar("opened connections")


def route_to(url: str, environment: Mapping[str, str]) -> Route:
    """The proxy and the certificates for a URL. Raises ConnectError that names the variable."""
    try:
        return find_route(Endpoint("tool", url), environment, _system_context)
    except RouteFault as fault:
        raise httpx2.ConnectError(str(fault).rstrip(".")) from fault


def client_by(route: Route) -> httpx2.Client:
    """An HTTP client for one route. It does not follow redirects."""
    return httpx2.Client(
        follow_redirects=False,
        timeout=30,
        trust_env=False,
        verify=route.tls,
        proxy=_proxy_of(route),
    )


class RoutedTransport(httpx2.AsyncBaseTransport):
    """A transport with a connection pool per proxy. `environment` is read for each request."""

    def __init__(self, environment: Callable[[], Mapping[str, str]]) -> None:
        self._environment = environment
        self._transports: dict[_Key, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Connection errors name the proxy."""
        route = route_to(str(request.url), self._environment())
        proxy = route.proxy.url if route.proxy is not None else None
        key = (proxy, request.url.scheme == "https")
        if key not in self._transports:
            self._transports[key] = _transport_of(route)
        opened: list[httpcore2.AsyncNetworkStream] = []
        entered = _opened.set(opened)
        try:
            with naming_route(route):
                return await self._transports[key].handle_async_request(request)
        except BaseException:
            for stream in opened:  # httpcore2 does not close it when a SOCKS proxy refuses
                await stream.aclose()
            raise
        finally:
            _opened.reset(entered)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()


@contextmanager
def naming_route(route: Route) -> Iterator[None]:
    """Add the proxy, or the source of the certificates, to connection errors."""
    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
        said = str(error) or type(error).__name__
        if route.trusted_by and "CERTIFICATE_VERIFY_FAILED" in said:
            said = f"{said}; trusted is what {route.trusted_by} names"
        if route.proxy is None and said == str(error):
            raise
        raise httpx2.ConnectError(f"{said}{route.through}", request=_request_of(error)) from error


class _NotingBackend(httpcore2.AnyIOBackend):
    """A network backend that records the connections of the current request."""

    async def connect_tcp(self, *arguments: Any, **named: Any) -> httpcore2.AsyncNetworkStream:
        stream = await super().connect_tcp(*arguments, **named)
        _opened.get([]).append(stream)
        return stream


def _transport_of(route: Route) -> httpx2.AsyncHTTPTransport:
    transport = httpx2.AsyncHTTPTransport(verify=route.tls, proxy=_proxy_of(route), trust_env=False)
    set_network_backend(transport, _NotingBackend())
    return transport


def _request_of(error: httpx2.TransportError) -> httpx2.Request | None:
    try:
        return error.request
    except RuntimeError:  # raised by httpx2 if there is no request
        return None


def _proxy_of(route: Route) -> httpx2.Proxy | None:
    if route.proxy is None:
        return None
    tls = route.tls if route.proxy.url.startswith("https:") else None
    return httpx2.Proxy(route.proxy.address, auth=route.proxy.login, ssl_context=tls)


def _system_context() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)

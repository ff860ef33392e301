"""Upstreams over TLS and through proxies."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import trustme

from replyscope.domain.authorities import unused_context
from replyscope.domain.proxies import Proxy
from replyscope.domain.route import Route
from replyscope.serving.watch.upstream import Upstream
from tests.support.server import LoopbackServer
from tests.support.socks import SocksServer
from tests.watch.bench import post, relaying, serving, talk

_REQUEST = post(b'{"messages": []}', "/v1/chat/completions", "Connection: close")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[LoopbackServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "upstream.test").configure_cert(context)
    with LoopbackServer(context) as server:
        yield server


def _trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@asynccontextmanager
async def _http_proxy(
    leads_to: int, asked: list[bytes], refusal: bytes = b""
) -> AsyncIterator[str]:
    """A proxy that leads each connection to one port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if refusal:
            writer.write(refusal)
            return
        far_reader, far = await asyncio.open_connection("127.0.0.1", leads_to)
        if asked[-1].startswith(b"CONNECT "):
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            far.write(asked[-1].replace(b"POST http://upstream.test", b"POST "))
        up = asyncio.create_task(_pass_on(reader, far))
        await _pass_on(far_reader, writer)
        up.cancel()
        far.close()

    async with serving(handle) as url:
        yield urlsplit(url).netloc


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


async def _answer(upstream: Upstream) -> bytes:
    async with relaying(upstream) as stage:
        return await talk(stage.port, _REQUEST)


async def test_an_upstream_over_tls(secure: LoopbackServer, authority: trustme.CA) -> None:
    route = Route(_trusting(authority))
    assert b"Hello" in await _answer(Upstream("up", secure.base_url, route))
    refused = await _answer(Upstream("up", secure.base_url, Route(ssl.create_default_context())))
    assert b"its certificate is not valid" in refused


def _port(server: LoopbackServer) -> int:
    return urlsplit(server.base_url).port or 0


async def test_tls_through_an_http_proxy(secure: LoopbackServer, authority: trustme.CA) -> None:
    asked: list[bytes] = []
    async with _http_proxy(_port(secure), asked) as address:
        proxy = Proxy(f"http://me:secret@{address}", "https_proxy")
        route = Route(_trusting(authority), proxy)
        assert b"Hello" in await _answer(Upstream("up", "https://upstream.test/v1", route))
    assert asked[0].startswith(b"CONNECT upstream.test:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in asked[0]


async def test_plain_http_through_an_http_proxy(server: LoopbackServer) -> None:
    asked: list[bytes] = []
    async with _http_proxy(_port(server), asked) as address:
        route = Route(unused_context(), Proxy(f"http://me:secret@{address}", "http_proxy"))
        assert b"Hello" in await _answer(Upstream("up", "http://upstream.test/v1", route))
    assert asked[0].startswith(b"POST http://upstream.test/v1/chat/completions HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in asked[0]


@pytest.mark.parametrize("login", [None, ("me", "secret")])
async def test_through_a_socks_proxy(
    secure: LoopbackServer, authority: trustme.CA, login: tuple[str, str] | None
) -> None:
    with SocksServer(_port(secure), login) as socks:
        user = f"{':'.join(login)}@" if login else ""
        route = Route(_trusting(authority), Proxy(f"socks5://{user}{socks.address}", "all_proxy"))
        assert b"Hello" in await _answer(Upstream("up", "https://upstream.test/v1", route))
        assert socks.asked == [("upstream.test", 443)]


async def test_a_proxy_that_refuses_is_quoted_without_its_password() -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
    async with _http_proxy(0, [], refusal) as address:
        proxy = Proxy(f"http://me:secret@{address}", "https_proxy")
        route = Route(ssl.create_default_context(), proxy)
        said = await _answer(Upstream("up", "https://upstream.test/v1", route))
    assert b"407 Proxy Authentication Required" in said
    assert b"secret" not in said

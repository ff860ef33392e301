"""Opens connections to upstreams: directly or through a proxy, with or without TLS."""

import asyncio
import base64
import ssl
import struct
from urllib.parse import urlsplit

from replyscope.domain.proxies import Proxy
from replyscope.domain.web_address import is_ip_address
from replyscope.serving.connection import CHUNK
from replyscope.serving.watch.upstream import Upstream

_CONNECT_S = 15.0
_ATTEMPT_S = 0.25
_MOST_SAID = 200


class DialError(OSError):
    """An upstream that can't be reached. The text is a sentence."""


class Link:
    """A connection to an upstream. Between two responses it notices when it is closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._next: asyncio.Task[bytes] | None = None
        self.write = writer.write
        """Sends bytes of a request, at once."""
        self.drain = writer.drain
        """Waits while the buffer of bytes to send is full. Raises ConnectionError."""

    def half_close(self) -> bool:
        """Close this side only. Returns whether it is possible: it is not with TLS."""
        if self._writer.is_closing() or not self._writer.can_write_eof():
            return False
        self._writer.write_eof()
        return True

    async def read(self) -> bytes:
        """The next bytes of a response, empty at the end. Raises OSError."""
        awaited, self._next = self._next, None
        return await (awaited or self._reader.read(CHUNK))

    def rest(self) -> None:
        """Begin to wait for the next response."""
        self._next = asyncio.create_task(self._reader.read(CHUNK))

    @property
    def is_usable(self) -> bool:
        """Whether a resting connection is open, and silent as it should be."""
        return self._next is not None and not self._next.done()

    def close(self) -> None:
        """Close the connection at once."""
        if self._next is not None:
            self._next.cancel()
        self._writer.transport.abort()


async def dial(upstream: Upstream) -> Link:
    """Connect to an upstream. Raises DialError."""
    proxy = upstream.route.proxy
    place = f"{upstream.host_header}{upstream.route.through}"
    try:
        async with asyncio.timeout(_CONNECT_S):
            if proxy is None:
                tls = upstream.route.tls if upstream.is_tls else None
                return Link(*await _open(upstream.host, upstream.port, tls))
            return await _dial_through(proxy, upstream)
    except TimeoutError as error:
        raise DialError(f"{place} can't be reached: no answer within {_CONNECT_S:g} s.") from error
    except DialError:
        raise
    except asyncio.IncompleteReadError as error:
        raise DialError(f"{place} can't be reached: the proxy closed the connection.") from error
    except (OSError, ValueError) as error:
        raise DialError(f"{place} can't be reached: {_words(error)}.") from error


async def _open(
    host: str, port: int, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    # Only a name can have several addresses to try.
    delay_s = None if is_ip_address(host) else _ATTEMPT_S
    return await asyncio.open_connection(
        host, port, ssl=tls, limit=CHUNK, happy_eyeballs_delay=delay_s
    )


async def _dial_through(proxy: Proxy, upstream: Upstream) -> Link:
    address = urlsplit(proxy.address)
    tls = upstream.route.tls if address.scheme == "https" else None
    reader, writer = await _open(address.hostname or "", address.port or _port(tls), tls)
    try:
        if address.scheme.startswith("socks"):
            await _ask_socks(reader, writer, proxy, upstream)
        elif upstream.is_tls:
            await _ask_to_connect(reader, writer, proxy, upstream)
        if upstream.is_tls:
            await writer.start_tls(upstream.route.tls, server_hostname=upstream.host)
    except BaseException:
        writer.transport.abort()
        raise
    return Link(reader, writer)


def _port(tls: ssl.SSLContext | None) -> int:
    return 80 if tls is None else 443


async def _ask_to_connect(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: Proxy, upstream: Upstream
) -> None:
    """Ask an HTTP proxy for a tunnel."""
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    place = f"{host}:{upstream.port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", *proxy_headers(proxy)]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        answer = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise DialError(f"The proxy {proxy.name} sent too long a head.") from error
    first = answer.split(b"\r\n", 1)[0].decode("latin-1")[:_MOST_SAID]
    status = first.split(" ", 2)[1:2]
    if not status or not status[0].startswith("2"):
        raise DialError(f'The proxy {proxy.name} refused the connection: "{first}".')


def proxy_headers(proxy: Proxy) -> list[str]:
    """The header with the login of an HTTP proxy, if it has one."""
    if proxy.login is None:
        return []
    return [f"Proxy-Authorization: {basic(proxy.login)}"]


def basic(login: tuple[str, str]) -> str:
    """The value of an Authorization header for a user name and a password."""
    return f"Basic {base64.b64encode(':'.join(login).encode()).decode('ascii')}"


async def _ask_socks(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: Proxy, upstream: Upstream
) -> None:
    """Ask a SOCKS 5 proxy (RFC 1928, login RFC 1929) for a connection; it resolves the name."""
    method = b"\x00" if proxy.login is None else b"\x02"
    writer.write(b"\x05\x01" + method)
    if await reader.readexactly(2) != b"\x05" + method:
        raise DialError(f"The proxy {proxy.name} accepts no login of this kind.")
    if proxy.login is not None:
        name, password = (text.encode()[:255] for text in proxy.login)
        writer.write(b"\x01" + bytes([len(name)]) + name + bytes([len(password)]) + password)
        if (await reader.readexactly(2))[1]:
            raise DialError(f"The proxy {proxy.name} rejects its user name or password.")
    host = upstream.host.encode("idna")[:255]
    writer.write(b"\x05\x01\x00\x03" + bytes([len(host)]) + host + struct.pack(">H", upstream.port))
    _, reply, _, kind = await reader.readexactly(4)
    if reply:
        raise DialError(f"The proxy {proxy.name} can't reach {upstream.host} (SOCKS {reply}).")
    size = {1: 4, 4: 16}.get(kind)
    await reader.readexactly((size or (await reader.readexactly(1))[0]) + 2)


def _words(error: Exception) -> str:
    """The system's words for an error, without its number."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said or type(error).__name__).rstrip(".")[:_MOST_SAID]

"""The head of a forwarded request: the client's, with the upstream's host and credentials.

Order and spelling of the headers are kept. Headers that belong to the connection with the client
alone are removed.
"""

from collections.abc import Iterator
from dataclasses import replace

from replyscope.domain.proxies import login_of
from replyscope.serving.connection import Head
from replyscope.serving.watch.dialing import basic, proxy_headers
from replyscope.serving.watch.upstream import UpstreamPath

_CREDENTIALS = {"authorization", "x-api-key", "api-key"}
_OF_PROXIES = {"proxy-connection", "proxy-authorization"}
_KEPT = {"close", "keep-alive", "te", "upgrade", "host", "content-length", "transfer-encoding"}


def is_web_socket(head: Head) -> bool:
    """Whether a request asks for a WebSocket."""
    asks = "upgrade" in _connection_options(head)
    return asks and head.headers.get("upgrade", "").lower() == "websocket"


def without_expectation(head: Head) -> Head:
    """The head of a request whose body is here already: no `Expect: 100-continue`."""
    kept = tuple(one for one in head.raw_headers if one[0].lower() != b"expect")
    return replace(head, raw_headers=kept)


def forwarded_head(head: Head, destination: UpstreamPath) -> bytes:
    """The bytes of the head to send. A proxy that forwards plain HTTP gets the whole URL as the
    target, and its login.
    """
    upstream = destination.upstream
    proxy = upstream.plain_proxy
    through = "" if proxy is None else f"http://{upstream.host_header}"
    lines = [f"{head.method} {through}{destination.target} HTTP/{head.version}".encode("latin-1")]
    lines += [name + b": " + value for name, value in _headers(head, destination)]
    lines += [] if proxy is None else [line.encode() for line in proxy_headers(proxy)]
    return b"\r\n".join([*lines, b"", b""])


def _headers(head: Head, destination: UpstreamPath) -> Iterator[tuple[bytes, bytes]]:
    own = _own_headers(destination)
    dropped = _dropped(head) | {name.lower() for name, _ in own}
    if destination.upstream.access is not None:
        dropped |= _CREDENTIALS
    has_host = False
    for name, value in head.raw_headers:
        lower = name.lower().decode("latin-1")
        if lower == "host":
            has_host = True
            yield name, destination.upstream.host_header.encode()
        elif lower == "connection":
            kept = [one for one in value.split(b",") if _option(one) not in dropped]
            if kept:
                yield name, b",".join(kept).strip()
        elif lower not in dropped:
            yield name, value
    if not has_host:
        yield b"Host", destination.upstream.host_header.encode()
    for added, text in own:
        yield added.encode("latin-1"), text.encode("latin-1", "replace")


def _own_headers(destination: UpstreamPath) -> list[tuple[str, str]]:
    """The headers with our own key, which replace the client's access headers."""
    upstream = destination.upstream
    access = upstream.access
    if access is None:
        return []
    login = login_of(upstream.base_url)
    own = [(name, value) for name, value in access.headers if name.lower() != "host"]
    if access.key is not None and access.is_azure:
        own.append(("api-key", access.key))
    elif access.key is not None and upstream.is_anthropic and _is_native(destination.path):
        own.append(("x-api-key", access.key))
    elif access.key is not None:
        own.append(("Authorization", f"Bearer {access.key}"))
    elif login is not None:
        own.append(("Authorization", basic(login)))
    return own


def _is_native(path: str) -> bool:
    """Whether a path is of Anthropic's own API, which has another header for the key."""
    return not path.startswith("/chat/completions")


def _dropped(head: Head) -> set[str]:
    """The headers that are not forwarded, in lower case."""
    dropped = _OF_PROXIES | (_connection_options(head) - _KEPT)
    if not is_web_socket(head):
        dropped |= {"upgrade", "http2-settings"}
    if "transfer-encoding" in head.headers:
        dropped |= {"content-length"}  # its value does not count, and may differ
    return dropped


def _connection_options(head: Head) -> set[str]:
    values = [value for name, value in head.raw_headers if name.lower() == b"connection"]
    return {_option(one) for value in values for one in value.split(b",")} - {""}


def _option(text: bytes) -> str:
    return text.strip().lower().decode("latin-1")

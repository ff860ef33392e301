"""The upstreams of a relay, and which of them a request is for. Only these can be reached."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from replyscope.domain.address import without_login
from replyscope.serving.access import Refusal

if TYPE_CHECKING:  # the process of the relay loads few modules
    from replyscope.domain.proxies import Proxy
    from replyscope.domain.route import Route

_PORTS = {"http": 80, "https": 443}
_VERSION = "/v1"
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"
_DOTS = re.compile(r"(?:^|[/\\])\.\.?(?:$|[/\\])")


@dataclass(frozen=True, slots=True)
class Access:
    """Our own access to a server: its key, None if it needs none, and the headers of the settings.

    With `is_azure` the key is sent as Azure wants it.
    """

    key: str | None
    headers: tuple[tuple[str, str], ...] = ()
    is_azure: bool = False


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server that calls are forwarded to, such as https://api.openai.com/v1.

    `name` is also its first path segment at the relay. `secrets` are masked in what is recorded.
    `access` replaces the credentials of the program; None forwards the program's.
    """

    name: str
    base_url: str
    route: "Route"
    secrets: tuple[str, ...] = ()
    access: Access | None = None

    @property
    def shown_url(self) -> str:
        """The base URL without a login and a query."""
        return without_login(self.base_url)

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def plain_proxy(self) -> "Proxy | None":
        """The proxy that forwards requests instead of connections: an HTTP proxy, without TLS."""
        proxy = self.route.proxy
        return None if self.is_tls or proxy is None or proxy.url.startswith("socks") else proxy

    @property
    def host(self) -> str:
        """The host name or the address, without brackets."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def port(self) -> int:
        """The port, the scheme's without one."""
        parts = urlsplit(self.base_url)
        return parts.port or _PORTS[parts.scheme]

    @property
    def host_header(self) -> str:
        """The value of the Host header: with the port unless it is the scheme's."""
        netloc = urlsplit(self.base_url).netloc.rpartition("@")[2]
        return netloc if netloc.isascii() else netloc.encode("idna").decode("ascii")

    @property
    def segment(self) -> str:
        """The name as a path segment."""
        return quote(self.name, safe=":@")

    @property
    def is_anthropic(self) -> bool:
        """Whether it is Anthropic's own server."""
        return self.host.endswith(".anthropic.com")


@dataclass(frozen=True, slots=True)
class UpstreamPath:
    """The destination of a forwarded request.

    `target` is the request target to send; `path` is the path below the base URL, for the record.
    """

    upstream: Upstream
    target: str
    path: str
    query: str


class Directory:
    """The upstreams by path: `/NAME/v1/…`, and `/v1/…` for the first one.

    With a token every path begins with `/t/TOKEN`, so that a base URL alone gives access.
    """

    def __init__(self, upstreams: Sequence[Upstream], token: str | None = None) -> None:
        self._first = upstreams[0]
        self._by_name = {one.name: one for one in upstreams}
        self._token = token

    def find(self, target: str) -> UpstreamPath | Refusal:
        """The destination of a request target."""
        path, _, query = target.partition("?")
        if not path.startswith("/"):
            reason = "This server forwards to its own upstreams only; use it as a base URL."
            return Refusal(400, f"{reason} It is not a proxy.")
        if self._token is not None:
            inner = self._without_token(path, self._token)
            if inner is None:
                return Refusal(401, "The path must begin with /t/ and the token of this server.")
            path = inner
        if _DOTS.search(unquote(path)):
            return Refusal(400, "The path has a . or .. segment, which is not forwarded.")
        name, slash, rest = path[1:].partition("/")
        named = self._by_name.get(unquote(name))
        return _at(named or self._first, slash + rest if named else path, query)

    def _without_token(self, path: str, token: str) -> str | None:
        start, given, *rest = (*path[1:].split("/", 2), "")
        is_right = hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
        return f"/{rest[0]}" if start == "t" and is_right else None


def _at(upstream: Upstream, path: str, query: str) -> UpstreamPath:
    """The destination of a path at an upstream. `/v1` is replaced by the path of its base URL."""
    base = urlsplit(upstream.base_url)
    root = quote(base.path.rstrip("/"), safe=_PATH_CHARACTERS)
    if path == _VERSION or path.startswith(f"{_VERSION}/"):
        path = path.removeprefix(_VERSION)
    else:
        root = root.removesuffix(_VERSION)
    both = "&".join(filter(None, (base.query, query)))
    sent = f"{root}{path}" or "/"
    return UpstreamPath(upstream, f"{sent}?{both}" if both else sent, path, query)


def with_names(wanted: Sequence[tuple[str, str]]) -> list[str]:
    """A distinct name for each (name, base URL): the name, or else the host and port of the URL.

    `v1` and `t` are reserved by the paths.
    """
    names: list[str] = []
    for given, base_url in wanted:
        name = given or urlsplit(base_url).netloc.rpartition("@")[2]
        number, free = 2, name
        while free in names or free in ("v1", "t"):
            free, number = f"{name}-{number}", number + 1
        names.append(free)
    return names

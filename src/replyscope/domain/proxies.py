"""Selects the proxy of a request: the endpoint's, or one of the environment. Pure functions.

As in curl: `https_proxy` or `http_proxy` by the URL's scheme, else
`all_proxy`; lower-case names have priority; `no_proxy` lists exceptions. A proxy of the
environment is never used for this machine. A fault names the variable or the setting, never
a password.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from replyscope.domain.address import without_login
from replyscope.domain.web_address import is_loopback_host

if TYPE_CHECKING:  # the process of the relay loads few modules
    from replyscope.domain.endpoint import Endpoint

VARIABLES = ("http_proxy", "https_proxy", "all_proxy")
_SCHEMES = {
    "http": "http",
    "https": "https",
    "socks": "socks5",  # the form of GNOME and KDE
    "socks5": "socks5",
    "socks5h": "socks5h",
}
_PORTS = {"http": 80, "https": 443}
_AROUND = " \t\r\n\"'"


class RouteFault(Exception):
    """A fault of a variable or a setting, as a sentence. `source` is its name."""

    def __init__(self, source: str, why: str) -> None:
        self.source = source
        super().__init__(f"{source} {why}.")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's URL for the HTTP client, and the variable or setting that names it."""

    url: str
    source: str

    @property
    def name(self) -> str:
        """The proxy to show, without user name and password."""
        return f"{without_login(self.url)} ({self.source.removeprefix('The ')})"

    @property
    def login(self) -> tuple[str, str] | None:
        """User name and password."""
        return login_of(self.url)

    @property
    def address(self) -> str:
        """The URL without user name and password."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def login_of(url: str) -> tuple[str, str] | None:
    """The user name and the password in a URL."""
    parts = urlsplit(url)
    if parts.username is None and parts.password is None:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def find_proxy(endpoint: "Endpoint", environment: Mapping[str, str]) -> Proxy | None:
    """The proxy of an endpoint's requests; None for a direct connection. Raises RouteFault."""
    if endpoint.proxy is not None and endpoint.proxy.strip(_AROUND):
        return read_proxy(endpoint.proxy, f"The proxy of the provider {endpoint.name}")
    parts = urlsplit(endpoint.base_url)
    host = parts.hostname or ""
    port = parts.port or _PORTS.get(parts.scheme, 0)
    if is_loopback_host(host) or _is_excepted(host, port, environment):
        return None
    found = _first_of((f"{parts.scheme}_proxy", "all_proxy"), environment)
    return None if found is None else read_proxy(found[1], found[0])


def read_proxy(text: str, source: str) -> Proxy:
    """Parse the value of a variable or a setting. Raises RouteFault."""
    value = text.strip(_AROUND)
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "http", value
    host = rest.rpartition("@")[2]
    shown = f"is {(scheme + separator + host if separator else host)!r}"
    known = _SCHEMES.get(scheme.lower())
    if known is None:
        kinds = "http://, https://, socks5:// and socks5h:// proxies are supported"
        raise RouteFault(source, f"{shown}: {kinds}")
    try:
        parts = urlsplit(f"{known}://{rest}")
        port = parts.port
    except ValueError:
        raise RouteFault(source, f"{shown}: its host or port is wrong") from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise RouteFault(source, f"{shown}: percent-encode /, ? and # in its password")
    host = parts.hostname or ""
    if port == 0 or not re.fullmatch(r"[\w.-]+|[0-9a-f:.]+(%\w+)?", host):
        raise RouteFault(source, f"{shown}: its host can't be a proxy")
    if known.startswith("socks") and port is None:
        parts = parts._replace(netloc=f"{parts.netloc.removesuffix(':')}:1080")
    return Proxy(f"{known}://{parts.netloc}", source)


def proxy_faults(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each invalid proxy variable, whether it is used or not."""
    faults = []
    for variable in VARIABLES:
        found = _first_of((variable,), environment)
        try:
            if found is not None:
                read_proxy(found[1], found[0])
        except RouteFault as fault:
            faults.append(str(fault))
    return faults


def _first_of(names: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, str] | None:
    """The name and the value of the first variable that is not empty."""
    for name in names:
        for spelling in (name, name.upper()):
            if environment.get(spelling, "").strip(_AROUND):
                return spelling, environment[spelling]
    return None


def _is_excepted(host: str, port: int, environment: Mapping[str, str]) -> bool:
    found = _first_of(("no_proxy",), environment)
    entries = re.split(r"[\s,;]+", found[1].strip(_AROUND)) if found is not None else []
    return any(_fits(entry.strip(_AROUND).lower(), host, port) for entry in entries)


def _fits(entry: str, host: str, port: int) -> bool:
    """Whether an entry of `no_proxy` matches a host. An entry is a name with its subdomains, an
    address, a network or a pattern, each with or without a port.
    """
    entry = entry.rpartition("://")[2]
    if entry == "<local>":  # the form of Windows
        return "." not in host and ":" not in host
    name, entry_port = _with_port(entry)
    if entry_port is not None and entry_port != port:
        return False
    address = _address(host)
    if address is not None and (network := _network(name)) is not None:
        return address in network
    if name.startswith("[") or not name:
        return False
    name, host = name.removesuffix("."), host.lower().removesuffix(".")
    if "*" in name.removeprefix("*."):
        pattern = ".*".join(re.escape(piece) for piece in name.split("*"))
        return re.fullmatch(pattern, host) is not None
    name = name.removeprefix("*").removeprefix(".")
    return host == name or host.endswith(f".{name}")


def _with_port(entry: str) -> tuple[str, int | None]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](/\d+)?(?::(\d+))?", entry)
    if bracketed is not None:
        port = bracketed[3]
        return bracketed[1] + (bracketed[2] or ""), int(port) if port else None
    plain = re.fullmatch(r"([^:]*):(\d+)", entry)
    return (plain[1], int(plain[2])) if plain is not None else (entry, None)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network of an entry: an address, or a short form such as `10.` or `10.*`."""
    short = re.fullmatch(r"((?:\d{1,3}\.){1,3})\*?", name)
    if short is not None:
        octets = short[1].rstrip(".").split(".")
        name = f"{'.'.join(octets + ['0'] * (4 - len(octets)))}/{8 * len(octets)}"
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        return None

"""Which requests a server answers: by their Host and Origin headers.

A page in a browser can reach loopback. It has an Origin header, and a page whose host name was
rebound to loopback has that name as its Host; neither may read what the servers have.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from replyscope.domain.web_address import is_ip_address, is_loopback_host

_LOCAL = (".internal", ".local")
_OF_A_PAGE = ("cross-site", "same-site", "same-origin")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The HTTP status of a request that is refused, and the reason as a sentence."""

    status: int
    reason: str


def find_refusal(
    headers: Mapping[str, str], own_names: Collection[str] | None = None
) -> Refusal | None:
    """The refusal of a request; None if it is allowed. Header names are in lower case.

    `own_names` are the machine's names for a server that also listens on other addresses than
    loopback. Then a Host may also be any IP address, or a name that no page can have: one without
    a dot, or of the local network.
    """
    if "origin" in headers or headers.get("sec-fetch-site", "").lower() in _OF_A_PAGE:
        return Refusal(403, "This server does not answer pages in a browser (Origin header).")
    given = headers.get("host")
    host = _host_in(given)
    if given is None or (host is not None and _is_allowed(host, own_names)):
        return None
    return Refusal(421, "The Host header does not name this server.")


def _host_in(header: str | None) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname if header else None
    except ValueError:
        return None


def _is_allowed(host: str, own_names: Collection[str] | None) -> bool:
    if is_loopback_host(host):
        return True
    if own_names is None:
        return False
    is_local_name = host in own_names or "." not in host or host.endswith(_LOCAL)
    return is_ip_address(host) or is_local_name

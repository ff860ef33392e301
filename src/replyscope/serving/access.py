"""Which requests a server answers: by their Host and Origin headers.

A page in a browser can reach loopback. It has an Origin header, and a page whose host name was
rebound to loopback has that name as its Host; neither may read what the servers have.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from replyscope.domain.endpoint import is_loopback_host

_OF_A_PAGE = ("cross-site", "same-site", "same-origin")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The HTTP status of a request that is refused, and the reason as a sentence."""

    status: int
    reason: str


def find_refusal(headers: Mapping[str, str], *, is_open: bool = False) -> Refusal | None:
    """Why a request is refused; None if it is allowed. Header names are in lower case.

    With `is_open` the server also listens on other addresses than loopback: then a Host may be
    any IP address, or a name without a dot, as of containers. Neither can be rebound.
    """
    if "origin" in headers or headers.get("sec-fetch-site", "").lower() in _OF_A_PAGE:
        return Refusal(403, "This server does not answer pages in a browser (Origin header).")
    given = headers.get("host")
    host = _host_in(given)
    if given is None or (host is not None and _is_allowed(host, is_open=is_open)):
        return None
    return Refusal(421, "This server answers on loopback only, and the Host header names another.")


def error_object(message: str, code: str) -> dict[str, Any]:
    """An error in OpenAI's form."""
    return {"error": {"message": message, "type": code, "param": None, "code": code}}


def _host_in(header: str | None) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname if header else None
    except ValueError:
        return None


def _is_allowed(host: str, *, is_open: bool) -> bool:
    if is_loopback_host(host):
        return True
    if not is_open:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(".internal")
    return True

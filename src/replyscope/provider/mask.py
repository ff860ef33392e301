"""Secrets leave this room only as dots.

Whatever is recorded or shown of a request or an answer passes through a mask that
knows the key in use, so a server that echoes it can't put it in the database.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from replyscope.domain.endpoint import Endpoint

_DOTS = "•••"
_SECRET_HEADER = re.compile(
    r"^(?!x-ratelimit).*(auth|key|token|secret|cookie|password|credential)", re.IGNORECASE
)
_SHORTEST = 6
_LONG = 12


class Mask:
    """Replaces known secrets in text, bytes and headers."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(s for s in dict.fromkeys(secrets) if len(s) >= _SHORTEST)

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, _DOTS)
        return text

    def body(self, body: bytes) -> bytes:
        """The bytes without the secrets; the same object when there are none."""
        for secret in self._secrets:
            encoded = secret.encode()
            if encoded in body:
                body = body.replace(encoded, _DOTS.encode())
        return body

    def headers(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Headers with the values of those that carry secrets masked."""
        return tuple(
            (name, _DOTS if _SECRET_HEADER.search(name) else self.text(value))
            for name, value in headers
        )


def secrets_of(endpoint: Endpoint) -> list[str]:
    """What an endpoint's own settings hold of secrets: in headers and in URLs."""
    found = [value for name, value in endpoint.headers if _SECRET_HEADER.search(name)]
    found += [word for value in found for word in value.split() if len(word) >= _LONG]
    for url in (endpoint.base_url, endpoint.proxy or ""):
        try:
            password = urlsplit(url).password
        except ValueError:
            password = None
        if password:
            found.append(password)
    return found

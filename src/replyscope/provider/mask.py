"""Secrets leave this room only as dots.

Whatever is recorded or shown of a request or an answer passes through a mask that
knows the key in use, so a server that echoes it can't put it in the database.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from replyscope.domain.endpoint import Endpoint

_DOTS = "•••"
_SECRET_HEADER = re.compile(
    r"^(?!x-ratelimit).*(auth|key|token|secret|cookie|password|credential)", re.IGNORECASE
)
_SECRET_PARAMETER = re.compile("auth|key|token|secret|password|code|sig", re.IGNORECASE)
_SHORTEST = 6
_LONG = 12


class Mask:
    """Replaces known secrets in text, bytes and headers, however they are spelt there."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = [secret for secret in secrets if len(secret) >= _SHORTEST]
        spelt = {spelling for secret in known for spelling in _spellings(secret)}
        self._secrets = tuple(sorted(spelt, key=lambda s: (-len(s), s)))

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, _DOTS)
        return text

    def known(self, text: str | None) -> str | None:
        """The text without the secrets, where there is one."""
        return None if text is None else self.text(text)

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


def _spellings(secret: str) -> Iterator[str]:
    """As it is, within JSON, within JSON in JSON (arguments), in a URL, in base64.

    Of a key of letters and digits all but the last are one.
    """
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode("ascii").rstrip("=")
    texts = {secret}
    for _ in range(4):
        yield from texts
        within = {json.dumps(text)[1:-1] for text in texts}
        texts = within | {re.sub(r"(?<!\\)/", r"\/", text) for text in within}


def secrets_of(endpoint: Endpoint) -> list[str]:
    """What an endpoint's own settings hold of secrets: in headers and in URLs."""
    found = [value for name, value in endpoint.headers if _SECRET_HEADER.search(name)]
    found += [word for value in found for word in value.split() if len(word) >= _LONG]
    for url in (endpoint.base_url, endpoint.proxy or ""):
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.password:
            found += [parts.password, unquote(parts.password)]
            login = f"{unquote(parts.username or '')}:{unquote(parts.password)}"
            found.append(base64.b64encode(login.encode()).decode("ascii"))
        for name, value in parse_qsl(parts.query):
            if _SECRET_PARAMETER.search(name):
                found.append(value)
    return found

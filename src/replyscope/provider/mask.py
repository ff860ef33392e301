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
from replyscope.domain.proxies import Proxy
from replyscope.domain.secret_shapes import is_secret

_DOTS = "•••"
_SECRET_HEADER = re.compile(
    r"^(?!x-ratelimit).*(auth|(?:^|[-_]|api|access|auth|secret)key|token|secret|cookie|password"
    r"|credential)",
    re.IGNORECASE,
)
_SECRET_PARAMETER = re.compile("auth|key|token|secret|password|code|sig", re.IGNORECASE)
_DISTINCT, _LONG = 6, 12


class Mask:
    """Replaces known secrets in text, bytes and headers, however they are spelt there."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = filter(is_secret, secrets)
        spelt = {spelling for secret in known for spelling in _spellings(secret)}
        distinct = [spelling for spelling in spelt if len(spelling) >= _DISTINCT]
        self._secrets = tuple(sorted(distinct, key=lambda s: (-len(s), s)))
        # A short one may be a piece of any word: it counts where it stands alone.
        short = "|".join(re.escape(s) for s in sorted(spelt) if len(s) < _DISTINCT)
        alone = rf"(?<![A-Za-z0-9])(?:{short})(?![A-Za-z0-9])"
        self._short = re.compile(alone) if short else None
        self._short_bytes = re.compile(alone.encode()) if short else None

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, _DOTS)
        return text if self._short is None else self._short.sub(_DOTS, text)

    def known(self, text: str | None) -> str | None:
        """The text without the secrets, where there is one."""
        return None if text is None else self.text(text)

    def body(self, body: bytes) -> bytes:
        """The bytes without the secrets; the same object when there are none."""
        for secret in self._secrets:
            encoded = secret.encode()
            if encoded in body:
                body = body.replace(encoded, _DOTS.encode())
        return body if self._short_bytes is None else self._short_bytes.sub(_DOTS.encode(), body)

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


def secrets_of(endpoint: Endpoint, proxy: Proxy | None = None) -> list[str]:
    """What an endpoint's own settings hold of secrets: in headers and in URLs."""
    found = [value for name, value in endpoint.headers if _SECRET_HEADER.search(name)]
    found += [word for value in found for word in value.split() if len(word) >= _LONG]
    urls = (endpoint.base_url, endpoint.proxy or "", proxy.url if proxy is not None else "")
    for url in urls:
        found += _secrets_in(url)
    return found


def _secrets_in(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.password:
        yield from (parts.password, unquote(parts.password))
        login = f"{unquote(parts.username or '')}:{unquote(parts.password)}"
        yield base64.b64encode(login.encode()).decode("ascii")
    for name, value in parse_qsl(parts.query):
        if _SECRET_PARAMETER.search(name):
            yield value

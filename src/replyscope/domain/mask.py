"""Masks secrets in requests and responses before they are recorded or shown.

The mask has the API key in use, so a server that echoes the key cannot put it into the
database.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from replyscope.domain.secret_shapes import DISTINCT, alone_pattern, is_secret

if TYPE_CHECKING:  # the process of the relay loads few modules
    from replyscope.domain.endpoint import Endpoint
    from replyscope.domain.proxies import Proxy

_DOTS = "•••"
_SECRET_HEADER = re.compile(
    r"^(?!x-ratelimit).*(auth|(?:^|[-_]|api|access|auth|secret)key|token|secret|cookie|password"
    r"|credential)",
    re.IGNORECASE,
)
_SECRET_PARAMETER = re.compile("auth|key|token|secret|password|code|sig", re.IGNORECASE)
_LONG = 12


class Mask:
    """A filter that replaces known secrets in text, bytes and headers, in every encoding."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = filter(is_secret, secrets)
        spelt = {spelling for secret in known for spelling in _spellings(secret)}
        distinct = [spelling for spelling in spelt if len(spelling) >= DISTINCT]
        self._secrets = tuple(sorted(distinct, key=lambda s: (-len(s), s)))
        self._encoded = tuple(spelling.encode() for spelling in sorted(spelt))
        short = sorted(spelling for spelling in spelt if len(spelling) < DISTINCT)
        alone = alone_pattern(short)
        self._short = re.compile(alone) if short else None
        self._short_bytes = re.compile(alone.encode()) if short else None

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, _DOTS)
        return text if self._short is None else self._short.sub(_DOTS, text)

    def known(self, text: str | None) -> str | None:
        """The text without the secrets; None for None."""
        return None if text is None else self.text(text)

    def body(self, body: bytes) -> bytes:
        """The bytes without the secrets; the same object when there are none."""
        for secret in self._secrets:
            encoded = secret.encode()
            if encoded in body:
                body = body.replace(encoded, _DOTS.encode())
        return body if self._short_bytes is None else self._short_bytes.sub(_DOTS.encode(), body)

    def masked_in(self, body: bytes) -> list[bytes]:
        """The parts that `body` masks in some bytes, in order, and dots that the bytes have."""
        known = [re.escape(secret.encode()) for secret in self._secrets]
        short = [] if self._short_bytes is None else [self._short_bytes.pattern]
        dots = [re.escape(_DOTS.encode()), rb"(?:\\u2022){3}"]
        return [found[0] for found in re.finditer(b"|".join([*known, *short, *dots]), body)]

    def unmasked(self, original: bytes, edited: bytes) -> bytes | None:
        """Edited bytes with what was masked put back. They are of `body(original)`, in which a
        person may have changed anything. None if it is not clear which secret belongs where.
        """
        masked, (first, *others) = self.masked_in(original), edited.split(_DOTS.encode())
        if not masked:
            return edited
        if len(others) != len(masked):
            if others and len(set(masked)) > 1:
                return None
            masked = masked[:1] * len(others)
        return first + b"".join(map(bytes.__add__, masked, others))

    def unfinished(self, body: bytes) -> int:
        """The number of bytes at the end of `body` that may be the beginning of a secret."""
        longest = 0
        for secret in self._encoded:
            most = min(len(secret) - 1, len(body))
            start = body.find(secret[:1], len(body) - most) if most else -1
            while start >= 0:
                if secret.startswith(body[start:]):
                    longest = max(longest, len(body) - start)
                    break
                start = body.find(secret[:1], start + 1)
        return longest

    def headers(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """The headers with secret values masked."""
        return tuple(
            (name, _DOTS if is_secret_header(name) else self.text(value)) for name, value in headers
        )


@lru_cache(maxsize=64)
def mask_of(secrets: tuple[str, ...]) -> Mask:
    """The mask of some secrets. A program has few keys, and building a mask takes a while."""
    return Mask(secrets)


class StreamMask:
    """Masks a body that comes in parts, also secrets that are split between two parts."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The masked data, without an end that may be the beginning of a secret."""
        whole = self._mask.body(self._held + data)
        passed = len(whole) - self._mask.unfinished(whole)
        self._held = whole[passed:]
        return whole[:passed]

    def finish(self) -> bytes:
        """The rest."""
        rest, self._held = self._held, b""
        return rest


def _spellings(secret: str) -> Iterator[str]:
    """The encodings of a secret: plain, in JSON, in nested JSON (arguments), in a URL, in base64.

    For a key of letters and digits only base64 differs from the plain text.
    """
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode("ascii").rstrip("=")
    texts = {secret}
    for _ in range(4):
        yield from texts
        within = {json.dumps(text)[1:-1] for text in texts}
        texts = within | {re.sub(r"(?<!\\)/", r"\/", text) for text in within}


def is_secret_header(name: str) -> bool:
    """Whether the value of a header is a key, by its name."""
    return _SECRET_HEADER.search(name) is not None


def public_query(query: str) -> str:
    """The query of a URL with the values of secret parameters masked."""
    return re.sub(
        r"([^&=]+)=([^&]*)",
        lambda m: f"{m[1]}={_DOTS}" if _SECRET_PARAMETER.search(m[1]) else m[0],
        query,
    )


def secrets_of(endpoint: "Endpoint", proxy: "Proxy | None" = None) -> list[str]:
    """The secrets in an endpoint's settings: in its headers and URLs."""
    found = secrets_in_headers(endpoint.headers)
    urls = (endpoint.base_url, endpoint.proxy or "", proxy.url if proxy is not None else "")
    for url in urls:
        found += secrets_in_url(url)
    return found


def secrets_in_headers(headers: Iterable[tuple[str, str]]) -> list[str]:
    """The values of headers that have a key, and the long words in them."""
    found = [value for name, value in headers if is_secret_header(name)]
    return found + [word for value in found for word in value.split() if len(word) >= _LONG]


def secrets_in_url(url: str) -> Iterator[str]:
    """The passwords and keys in a URL: in its login and its query."""
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

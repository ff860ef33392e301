"""The patterns of API keys, and the search for keys in a text. Pure functions.

Each pattern is bounded in length, and has lower-case words: only a text with one of them is
searched.
"""

import re
from collections.abc import Iterable

from replyscope.domain.late_pattern import LatePattern

SHORTEST = 4
PLACEHOLDERS = ("none", "null", "empty", "test", "token", "local", "dummy", "fake", "ollama",
                "lm-studio", "no-key", "not-needed", "sk-no-key-required")  # fmt: skip
"""Placeholders for servers without keys; masking them would remove words from replies."""

_START = r"(?:\b|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{4}))"
"""The start of a word, also after an escape sequence of JSON: bodies of requests are searched in
their encoded form.
"""
KEY_SHAPES: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("private key-----",),
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,8000}?"
        r"-----END [A-Z ]{0,40}PRIVATE KEY-----",
    ),
    (("sk-", "rk-", "pk-"), _START + r"(?:sk|rk|pk)-(?=[A-Za-z0-9_-]{0,200}\d)[A-Za-z0-9_-]{12,}"),
    (("_live_", "_test_"), _START + r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}"),
    (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "hf_", "gsk_"),
        _START + r"(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|hf_|gsk_)[A-Za-z0-9_-]{12,}",
    ),
    (
        ("xai-", "nvapi-", "pplx-", "csk-", "r8_", "npm_", "xapp-"),
        _START + r"(?:xai-|nvapi-|pplx-|csk-|r8_|npm_|xapp-)(?=[A-Za-z0-9_-]{0,200}\d)"
        r"[A-Za-z0-9_-]{20,}",
    ),
    (("aiza",), _START + r"AIza[A-Za-z0-9_-]{12,}"),
    (("akia", "asia"), _START + r"A[KS]IA[A-Z0-9]{16}\b"),
    (("eyj",), _START + r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"),
)
_COMPILED = tuple((needs, LatePattern(pattern)) for needs, pattern in KEY_SHAPES)
DISTINCT = 6
"""A shorter key is found only as a whole name."""


def find_keys(text: str, known: Iterable[str] = ()) -> list[str]:
    """The distinct keys in a text: known keys, and texts with the shape of a key."""
    found = [key for key in known if is_secret(key) and re.search(_pattern_of(key), text)]
    small = text.lower()
    for needs, pattern in _COMPILED:
        if any(need in small for need in needs):
            found += [match[0] for match in pattern.compiled.finditer(text)]
    return list(dict.fromkeys(found))


def is_secret(key: str) -> bool:
    """Whether a configured key is secret: not a placeholder or a single letter."""
    return len(key) >= SHORTEST and key.lower() not in PLACEHOLDERS


def without_keys(text: str, known: Iterable[str] = ()) -> str:
    """The text with dots in place of keys."""
    for key in sorted(find_keys(text, known), key=len, reverse=True):
        text = re.sub(_pattern_of(key), "•••", text)
    return text


def masked_key(key: str) -> str:
    """The first characters of a key: enough to recognise it, too few to use it."""
    shown = min(4, len(key) // 4)
    return f"{key[:shown]}… ({len(key)} characters)".replace("\n", " ")


def alone_pattern(keys: Iterable[str]) -> str:
    """A regular expression for short keys, each as a whole name.

    A short key may be a part of a word or of a name: `mini` is in `gpt-4o-mini`.
    """
    either = "|".join(map(re.escape, keys))
    return rf"(?<![A-Za-z0-9])(?<![A-Za-z0-9][-._/])(?:{either})(?![A-Za-z0-9]|[-._/][A-Za-z0-9])"


def _pattern_of(key: str) -> str:
    return re.escape(key) if len(key) >= DISTINCT else alone_pattern([key])

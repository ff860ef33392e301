"""Splits a text into words, for the search index and for rules.

Words are letters and digits, in lower case and without accents. Scripts that are written
without spaces have a word for each character, so that any part of them is found.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

Wanted = tuple[tuple[str, ...], bool]
"""A phrase: its words, and whether the last one may be the beginning of a word."""
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_ASCII_WORDS = "".join(chr(c).lower() if chr(c).isalnum() else " " for c in range(128))
"""The table of `translate` for ASCII: this is four times as fast as the pattern."""


@cache
def _word() -> "re.Pattern[str]":
    """The pattern of a word. It takes milliseconds to compile."""
    return re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")


@cache
def _character() -> "re.Pattern[str]":
    return re.compile(f"[{_UNSPACED}]")


def words_of(text: str) -> list[str]:
    """The words, in order."""
    if text.isascii():
        return text.translate(_ASCII_WORDS).split()
    composed = unicodedata.normalize("NFKC", text)
    bare = unicodedata.normalize("NFD", composed.lower()).translate(_BARE)
    return _word().findall(unicodedata.normalize("NFC", bare))


def folded(text: str) -> str:
    """The text in lower case without accents; positions of characters do not change."""
    return text.lower() if text.isascii() else text.translate(_FOLDS)


class _Bare(dict[int, int | None]):
    """A table that removes combining characters, filled on first use."""

    def __missing__(self, code: int) -> int | None:
        self[code] = None if unicodedata.combining(chr(code)) else code
        return self[code]


class _Folds(dict[int, str]):
    """A table of folded characters, filled on first use."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        lower = char.lower()
        bare = unicodedata.normalize("NFKD", lower)
        if bare and all(unicodedata.combining(more) for more in bare[1:]):
            lower = bare[0]
        self[code] = lower if len(lower) == 1 else char
        return self[code]


_BARE = _Bare()
_FOLDS = _Folds()


def pattern_of(wanted: Sequence[Wanted]) -> "re.Pattern[str] | None":
    """A pattern that finds phrases in a folded text; None without phrases."""
    pieces = []
    for phrase, is_open in wanted:
        body = re.escape(phrase[0]) + "".join(
            f"[\\W_]{'*' if is_unspaced(before) or is_unspaced(word) else '+'}{re.escape(word)}"
            for before, word in pairwise(phrase)
        )
        edge = r"(?:\b|(?<=_))" if phrase[0].isascii() else ""
        end = r"(?![^\W_])" if phrase[-1].isascii() else ""
        pieces.append(edge + body + (r"[^\W_]*" if end and is_open else end))
    return re.compile("|".join(pieces)) if pieces else None


def is_unspaced(word: str) -> bool:
    """Whether a word is a character of a script that is written without spaces."""
    return _character().match(word) is not None


def has_phrase(words: list[str], phrase: list[str], *, is_open: bool) -> bool:
    """Whether a text has a phrase. An open phrase may end inside a word."""
    if not phrase:
        return True
    *firm, last = phrase
    size = len(phrase)
    for start in range(len(words) - size + 1):
        end = words[start + size - 1]
        is_last = end.startswith(last) if is_open else end == last
        if is_last and words[start : start + size - 1] == firm:
            return True
    return False

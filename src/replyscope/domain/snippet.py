"""Search snippets: the part of a text around the words that matched."""

import re
from collections.abc import Sequence

from replyscope.domain.words import Wanted, folded, has_phrase, pattern_of, words_of

Marks = tuple[tuple[int, int], ...]
_BEFORE = 20


def cut_snippet(
    texts: Sequence[str], words: Sequence[Wanted], width: int = 160
) -> tuple[str, Marks]:
    """A snippet on one line of the first text that has one of the words, with the positions of
    the words in it. If no text has one, the beginning of the first text that is not empty.
    """
    pattern = pattern_of(words)
    if pattern is not None:
        for text in texts:
            match = pattern.search(folded(text))
            if match is not None:
                return _around(text, match.start(), pattern, width)
    first = next((text for text in texts if text.strip()), "")
    line = " ".join(first[: width * 2].split())
    return (line if len(line) <= width else line[: width - 1] + "…"), ()


def _around(text: str, at: int, pattern: "re.Pattern[str]", width: int) -> tuple[str, Marks]:
    start = max(0, at - _BEFORE)
    if start:
        space = text.find(" ", start, at)
        start = space + 1 if space >= 0 else start
    piece = " ".join(text[start : start + width].split())
    lead = "…" if start else ""
    tail = "…" if start + width < len(text) else ""
    marks = tuple(
        (match.start() + len(lead), match.end() + len(lead))
        for match in pattern.finditer(folded(piece))
    )
    return f"{lead}{piece}{tail}", marks


def says(text: str | None, words: str, is_open: int) -> int:
    """A SQL function: whether a text has these words, one after another."""
    return int(has_phrase(words_of(text or ""), words.split(), is_open=bool(is_open)))

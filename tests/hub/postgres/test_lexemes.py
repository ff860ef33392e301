"""The index of long texts on a hub: the same as that of the whole text, in little memory."""

import random
import re
import tracemalloc
from itertools import pairwise

from replyscope.domain.words import is_unspaced, words_of
from replyscope.hub.postgres.lexemes import index_texts

_LONG = 1_700_000


def long_text(*words: str) -> str:
    dice = random.Random(4)
    found: list[str] = []
    size = 0
    while size < _LONG:
        word = dice.choice(words)
        found.append(word)
        size += len(word)
    return "".join(found)


def test_a_long_text_has_the_index_of_its_words() -> None:
    mixed = long_text("plain ", "caf\u00e9, ", "\u6771\u4eac\u3001", "\u90fd\u5e81", "x_1; ", "\n")
    for text in (mixed, long_text("one ", "two ", f"{'long' * 80} "), "x" * _LONG):
        words = words_of(text)
        indexed = index_texts("", text, "", "")
        assert indexed.texts[0] == f" {' '.join(words)} "
        pairs = {a + b for a, b in pairwise(words) if is_unspaced(a) and is_unspaced(b)}
        lexemes = set(re.findall(r"'([^']+)':1A", indexed.lexemes))
        assert lexemes == {word[:200] for word in words} | pairs


def test_the_words_of_a_long_text_are_not_in_memory_at_once() -> None:
    text = long_text("alpha ", "beta ", "gamma\n") * 3
    tracemalloc.start()
    try:
        index_texts("", text, "", "")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(text)

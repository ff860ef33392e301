"""What counts as a word of a text, for the index and for the rules alike.

Words are letters and digits, in lower case and without accents. Scripts that are written
without spaces have a word for each character, so that any part of them is found.
"""

import re
import unicodedata

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")


def words_of(text: str) -> list[str]:
    """The words, in order."""
    if text.isascii():
        return _WORD.findall(text.lower())
    composed = unicodedata.normalize("NFKC", text)
    bare = "".join(
        char
        for char in unicodedata.normalize("NFD", composed.lower())
        if not unicodedata.combining(char)
    )
    return _WORD.findall(unicodedata.normalize("NFC", bare))


def has_phrase(words: list[str], phrase: list[str], *, is_open: bool) -> bool:
    """Whether the words of a phrase follow each other. An open one may go on at its end."""
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

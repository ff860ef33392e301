"""Lines, characters and columns of a text, by offset. Lines are separated by line feeds.

A character is what a person sees as one: a grapheme cluster, which may be several code points.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

BLANKS = " \t"


def places_of(text: str, at: int) -> Sequence[int]:
    """The offsets of the characters of the line at an offset, and the offset of its end."""
    start = line_start(text, at)
    line = text[start : line_end(text, at)]
    if line.isascii():
        return range(start, start + len(line) + 1)
    return [start + place for place in _places(line)]


@lru_cache(maxsize=8)
def _places(line: str) -> Sequence[int]:
    import regex  # only for other texts than ASCII: the start does not need it

    return (0, *(found.end() for found in regex.finditer(r"\X", line)))


def number_in(places: Sequence[int], at: int) -> int:
    """The number of the character at an offset, among the places of its line."""
    return bisect_right(places, at) - 1


def moved(text: str, at: int, count: int) -> int:
    """The offset of a character by its distance in the line, at most the end of the line."""
    places = places_of(text, at)
    return places[min(max(number_in(places, at) + count, 0), len(places) - 1)]


def behind(text: str, at: int) -> int:
    """The offset behind the character at an offset; behind the line feed at the end of a line."""
    places = places_of(text, at)
    number = number_in(places, at)
    return places[number + 1] if number + 1 < len(places) else at + 1


def previous(text: str, at: int) -> int:
    """The offset of the character before an offset, or of the line feed before the line."""
    return moved(text, at, -1) if at > line_start(text, at) else at - 1


def column_of(text: str, at: int) -> int:
    """The number of characters before an offset in its line."""
    return number_in(places_of(text, at), at)


def line_start(text: str, at: int) -> int:
    """The offset of the first character of the line at an offset."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """The offset behind the last character of the line at an offset."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def first_word(text: str, at: int) -> int:
    """The offset of the first non-blank character of the line at an offset, else its end."""
    start, end = line_start(text, at), line_end(text, at)
    while start < end and text[start] in BLANKS:
        start += 1
    return start


def on_character(text: str, at: int) -> int:
    """The nearest offset on a character of the line; the start of an empty line."""
    places = places_of(text, at)
    return places[max(0, min(number_in(places, at), len(places) - 2))]


def number_of(text: str, at: int) -> int:
    """The number of the line at an offset, from 0."""
    return text.count("\n", 0, at)


def start_of(text: str, number: int) -> int:
    """The offset of the first character of a line by its number; the last line if it is greater."""
    at = 0
    for _ in range(number):
        end = text.find("\n", at)
        if end < 0:
            return at
        at = end + 1
    return at


def at_column(text: str, start: int, column: int) -> int:
    """The offset of a column in the line that starts at an offset, on a character."""
    return on_character(text, moved(text, start, column))


def is_blank(text: str, at: int) -> bool:
    """Whether the line at an offset has only blanks."""
    return not text[line_start(text, at) : line_end(text, at)].strip(BLANKS)


def is_in_indent(text: str, at: int) -> bool:
    """Whether an offset is at or before the first non-blank character of its line."""
    return at <= first_word(text, at)

"""Moves by words, with vim's rules for blanks, empty lines and the ends of lines.

Each move follows the function of vim's `textobject.c` that it names.
"""

from collections.abc import Sequence

from replyscope.ui.vim.lines import BLANKS, line_end, line_start, number_in, places_of

_LINE_END, _FILE_END = 2, -1


class Walk:
    """A cursor that moves over characters and over the ends of lines."""

    def __init__(self, text: str, at: int, *, is_big: bool = False) -> None:
        self.text = text
        self.at = at
        self._is_big = is_big
        self._places: Sequence[int] = (0, -1)
        """The places of the characters of the present line."""

    @property
    def kind(self) -> int:
        """The class of the character: 0 blank or end of line, 1 punctuation, 2 word."""
        character = self.text[self.at] if self.at < len(self.text) else "\n"
        if character in BLANKS or character == "\n":
            return 0
        if self._is_big or character.isalnum() or character == "_":
            return 2
        return 1 if character.isascii() else 3

    @property
    def is_on_empty_line(self) -> bool:
        """Whether the line has no characters."""
        return line_start(self.text, self.at) == line_end(self.text, self.at)

    def forward(self) -> int:
        """Move by a character. Returns 0 within a line, 1 or 2 at its end, -1 at the end of the
        text.
        """
        if self.at >= len(self.text):
            return _FILE_END
        is_end = self.text[self.at] == "\n"
        self.at = self.at + 1 if is_end else self._neighbour(1)
        if is_end:
            return 1
        return _LINE_END if self.at == line_end(self.text, self.at) else 0

    def back(self) -> bool:
        """Move back by a character. Returns false at the start of the text."""
        if not self.at:
            return False
        is_start = self.text[self.at - 1] == "\n"
        self.at = self.at - 1 if is_start else self._neighbour(-1)
        return True

    def _neighbour(self, step: int) -> int:
        """The offset of the next or previous character of the line."""
        if not self._places[0] <= self.at <= self._places[-1]:
            self._places = places_of(self.text, self.at)
        return self._places[number_in(self._places, self.at) + step]

    def skip(self, kind: int) -> bool:
        """Move forward over characters of a class. Returns false at the end of the text."""
        while self.kind == kind:
            if self.forward() == _FILE_END:
                return False
        return True

    def skip_back(self, kind: int) -> bool:
        """Move back over characters of a class. Returns false at the start of the text."""
        while self.kind == kind:
            if not self.back():
                return False
        return True


def next_word(walk: Walk, count: int, *, stops_at_line_end: bool) -> bool:
    """`fwd_word`: to the start of a later word. Returns false at the end of the text."""
    while count:
        count -= 1
        kind = walk.kind
        is_last_line = line_end(walk.text, walk.at) == len(walk.text)
        step = walk.forward()
        if step == _FILE_END or (step and is_last_line):
            return False
        stops = stops_at_line_end and not count
        if step and stops:
            return True
        while kind and walk.kind == kind:
            step = walk.forward()
            if step == _FILE_END or (step and stops):
                return True
        while walk.kind == 0 and not walk.is_on_empty_line:
            is_last_line = line_end(walk.text, walk.at) == len(walk.text)
            step = walk.forward()
            if step == _FILE_END or (step and is_last_line):
                return True
    return True


def word_end(walk: Walk, count: int, *, may_stay: bool, stops_at_empty: bool = False) -> bool:
    """`end_word`: to the end of a later word; with `may_stay` of this one, even at its end.
    Returns false at the end of the text.
    """
    for number in range(count):
        kind = walk.kind
        if walk.forward() == _FILE_END:
            return False
        if kind and walk.kind == kind:
            if not walk.skip(kind):
                return False
        elif not (may_stay and not number) or not kind:
            while walk.kind == 0:
                if stops_at_empty and walk.is_on_empty_line:
                    break
                if walk.forward() == _FILE_END:
                    return False
            if walk.kind == 0:
                continue
            if not walk.skip(walk.kind):
                return False
        walk.back()
    return True


def earlier_word(walk: Walk, count: int) -> bool:
    """`bck_word`: to the start of an earlier word. Returns false at the start of the text."""
    for _ in range(count):
        if not walk.back():
            return False
        while walk.kind == 0 and not walk.is_on_empty_line:
            if not walk.back():
                return True
        if walk.kind == 0:
            continue
        if not walk.skip_back(walk.kind):
            return True
        walk.forward()
    return True


def earlier_end(walk: Walk, count: int) -> bool:
    """`bckend_word`: to the end of an earlier word. Returns false at the start of the text."""
    for _ in range(count):
        kind = walk.kind
        if not walk.back():
            return False
        while kind and walk.kind == kind:
            if not walk.back():
                return True
        while walk.kind == 0 and not walk.is_on_empty_line:
            if not walk.back():
                return True
    return True

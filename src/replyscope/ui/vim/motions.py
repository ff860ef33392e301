"""Motions: where a key moves the cursor, and what an operator before it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from replyscope.ui.vim.lines import (
    at_column,
    column_of,
    first_word,
    line_end,
    line_start,
    moved,
    number_in,
    number_of,
    on_character,
    places_of,
    start_of,
)
from replyscope.ui.vim.state import END, Vim, VimMode
from replyscope.ui.vim.words import Walk, earlier_end, earlier_word, next_word, word_end


@dataclass(frozen=True, slots=True)
class Reach:
    """The result of a motion. An operator takes the text between the cursor, or `start`, and
    `target`; with `is_inclusive` also the character there; with `is_line` whole lines.

    `wanted` is the column to keep in later moves by lines.
    """

    target: int
    is_inclusive: bool = False
    is_line: bool = False
    start: int | None = None
    wanted: int | None = None
    found: tuple[str, str] | None = None


Motion = Callable[[Vim, int | None, str], Reach | None]
"""The reach of a motion, from the state, its count and the operator before it, "" without one.
None when there is nowhere to move.
"""


def _left(vim: Vim, count: int | None, _operator: str) -> Reach | None:
    target = moved(vim.text, vim.cursor, -(count or 1))
    return Reach(target) if target < vim.cursor else None


def _right(vim: Vim, count: int | None, operator: str) -> Reach | None:
    target = moved(vim.text, vim.cursor, count or 1)
    if not operator and vim.mode is not VimMode.VISUAL:
        target = on_character(vim.text, target)
    return Reach(target) if target > vim.cursor else None


def _rows(step: int) -> Motion:
    def move(vim: Vim, count: int | None, _operator: str) -> Reach | None:
        wanted = column_of(vim.text, vim.cursor) if vim.wanted is None else vim.wanted
        row = number_of(vim.text, vim.cursor)
        last = vim.text.count("\n")
        target = min(max(row + step * (count or 1), 0), last)
        if target == row:
            return None
        at = at_column(vim.text, start_of(vim.text, target), wanted)
        return Reach(at, is_line=True, wanted=wanted)

    return move


def _word(is_big: bool) -> Motion:
    def move(vim: Vim, count: int | None, operator: str) -> Reach | None:
        walk = Walk(vim.text, vim.cursor, is_big=is_big)
        if operator == "c" and walk.kind:  # as `ce`, but it may stay at the end of a word
            word_end(walk, count or 1, may_stay=True)
            return _adjusted(vim, walk.at, is_inclusive=True)
        is_moved = next_word(walk, count or 1, stops_at_line_end=bool(operator))
        if not is_moved and not operator and on_character(vim.text, walk.at) == vim.cursor:
            return None
        return _adjusted(vim, walk.at, is_inclusive=False)

    return move


def _adjusted(vim: Vim, at: int, *, is_inclusive: bool) -> Reach:
    """A reach that does not end behind the last character of a line, unless it did not move."""
    is_behind = at == line_end(vim.text, at) and at > line_start(vim.text, at)
    if at > vim.cursor and is_behind:
        return Reach(on_character(vim.text, at), is_inclusive=True)
    return Reach(at, is_inclusive=is_inclusive)


def _end(is_big: bool) -> Motion:
    def move(vim: Vim, count: int | None, operator: str) -> Reach | None:
        walk = Walk(vim.text, vim.cursor, is_big=is_big)
        is_moved = word_end(walk, count or 1, may_stay=False)
        if not is_moved and not operator and on_character(vim.text, walk.at) == vim.cursor:
            return None
        return _adjusted(vim, walk.at, is_inclusive=True)

    return move


def _back(is_big: bool) -> Motion:
    def move(vim: Vim, count: int | None, _operator: str) -> Reach | None:
        walk = Walk(vim.text, vim.cursor, is_big=is_big)
        return Reach(walk.at) if earlier_word(walk, count or 1) or walk.at < vim.cursor else None

    return move


def _back_end(is_big: bool) -> Motion:
    def move(vim: Vim, count: int | None, _operator: str) -> Reach | None:
        walk = Walk(vim.text, vim.cursor, is_big=is_big)
        is_moved = earlier_end(walk, count or 1)
        return Reach(walk.at, is_inclusive=True) if is_moved or walk.at < vim.cursor else None

    return move


def _line_start(vim: Vim, _count: int | None, _operator: str) -> Reach:
    return Reach(line_start(vim.text, vim.cursor))


def _first_word(vim: Vim, _count: int | None, operator: str) -> Reach:
    at = first_word(vim.text, vim.cursor)
    return Reach(at if operator else on_character(vim.text, at))


def _line_end(vim: Vim, count: int | None, _operator: str) -> Reach | None:
    row = number_of(vim.text, vim.cursor) + (count or 1) - 1
    if row > vim.text.count("\n"):
        return None
    start = start_of(vim.text, row) if count and count > 1 else vim.cursor
    end = line_end(vim.text, start)
    is_empty = end == line_start(vim.text, start)
    return Reach(on_character(vim.text, end), is_inclusive=not is_empty, wanted=END)


def _line(default_is_last: bool) -> Motion:
    def move(vim: Vim, count: int | None, _operator: str) -> Reach:
        last = vim.text.count("\n")
        row = (last if default_is_last else 0) if count is None else min(count - 1, last)
        at = first_word(vim.text, start_of(vim.text, row))
        return Reach(on_character(vim.text, at), is_line=True)

    return move


def _paragraph(step: int) -> Motion:
    def move(vim: Vim, count: int | None, _operator: str) -> Reach | None:
        rows = vim.text.split("\n")
        row = number_of(vim.text, vim.cursor)
        for _ in range(count or 1):
            edge = len(rows) - 1 if step > 0 else 0
            if row == edge:
                break
            seen_text = bool(rows[row])
            while row != edge:
                row += step
                seen_text |= bool(rows[row])
                if seen_text and not rows[row]:
                    break
        at = start_of(vim.text, row)
        if step > 0 and rows[row]:
            last = on_character(vim.text, line_end(vim.text, at))
            return Reach(last, is_inclusive=True) if last > vim.cursor else None
        return Reach(at) if at != vim.cursor else None

    return move


def find(vim: Vim, count: int | None, kind: str, character: str) -> Reach | None:
    """The reach of `f t F T` with a character."""
    return _find(vim, count, kind, character, skips=False)


def _find(vim: Vim, count: int | None, kind: str, character: str, *, skips: bool) -> Reach | None:
    """`skips`: it repeats `t` or `T`, and the character next to the cursor does not count."""
    text, forward = vim.text, kind in "ft"
    places = places_of(text, vim.cursor)
    step = 1 if forward else -1
    at, left = number_in(places, vim.cursor), count or 1
    if skips and kind in "tT" and left == 1:
        at += step
    while left:
        at += step
        if not 0 <= at < len(places) - 1:
            return None
        left -= text[places[at] : places[at + 1]] == character
    if kind in "tT":
        at -= step
    return Reach(places[at], is_inclusive=forward)


_OPPOSITE = {"f": "F", "F": "f", "t": "T", "T": "t"}


def _find_again(is_opposite: bool) -> Motion:
    def move(vim: Vim, count: int | None, _operator: str) -> Reach | None:
        if vim.found is None:
            return None
        kind, character = vim.found
        kind = _OPPOSITE[kind] if is_opposite else kind
        return _find(vim, count, kind, character, skips=True)

    return move


MOTIONS: Mapping[str, Motion] = {
    "h": _left,
    "left": _left,
    "backspace": _left,
    "l": _right,
    "right": _right,
    " ": _right,
    "j": _rows(1),
    "down": _rows(1),
    "k": _rows(-1),
    "up": _rows(-1),
    "w": _word(is_big=False),
    "W": _word(is_big=True),
    "e": _end(is_big=False),
    "E": _end(is_big=True),
    "b": _back(is_big=False),
    "B": _back(is_big=True),
    "ge": _back_end(is_big=False),
    "gE": _back_end(is_big=True),
    "0": _line_start,
    "home": _line_start,
    "^": _first_word,
    "$": _line_end,
    "end": _line_end,
    "G": _line(default_is_last=True),
    "gg": _line(default_is_last=False),
    "{": _paragraph(-1),
    "}": _paragraph(1),
    ";": _find_again(is_opposite=False),
    ",": _find_again(is_opposite=True),
}
"""The motions by their keys, without `f t F T`, which have a character."""

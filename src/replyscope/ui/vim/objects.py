"""Text objects: words, quoted texts, brackets and paragraphs, with or without what is around."""

from collections.abc import Mapping

from replyscope.ui.vim.lines import (
    BLANKS,
    line_end,
    line_start,
    moved,
    number_of,
    start_of,
)
from replyscope.ui.vim.motions import Reach
from replyscope.ui.vim.state import Vim
from replyscope.ui.vim.words import Walk

_PAIRS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys("()b", ("(", ")")),
    **dict.fromkeys("[]", ("[", "]")),
    **dict.fromkeys("{}B", ("{", "}")),
    **dict.fromkeys("<>", ("<", ">")),
}
_QUOTES = "\"'`"
OBJECTS = frozenset("wWp") | frozenset(_QUOTES) | frozenset(_PAIRS)
"""The keys after `i` or `a`."""


def find_object(vim: Vim, count: int, is_around: bool, key: str) -> Reach | None:
    """The text object at the cursor; None when there is none."""
    if key in "wW":
        return _word(vim, count, is_around, is_big=key == "W")
    if key in _QUOTES:
        return _quoted(vim, is_around, key)
    if key == "p":
        return _paragraph(vim, count, is_around)
    return _bracket(vim, count, is_around, *_PAIRS[key])


def _runs(text: str, at: int, *, is_big: bool) -> tuple[list[tuple[int, int, bool]], int]:
    """The words and blanks of a line, as (start, end, is blank), and the number of the one at an
    offset.
    """
    start, end = line_start(text, at), line_end(text, at)
    runs: list[tuple[int, int, bool]] = []
    walk = Walk(text, start, is_big=is_big)
    while walk.at < end:
        begun, kind = walk.at, walk.kind
        while walk.at < end and walk.kind == kind:
            walk.forward()
        runs.append((begun, walk.at, not kind))
    here = next((number for number, run in enumerate(runs) if run[0] <= at < run[1]), 0)
    return runs, here


def _word(vim: Vim, count: int, is_around: bool, *, is_big: bool) -> Reach | None:
    runs, first = _runs(vim.text, vim.cursor, is_big=is_big)
    if not runs:
        return Reach(vim.cursor, start=vim.cursor)
    last = first + count - 1
    if is_around:
        last = first
        begins_blank = runs[first][2]
        for number in range(count):
            last += 1 if number else 0
            if last >= len(runs):
                return None
            behind = last if begins_blank else last + 1
            last += behind < len(runs) and runs[behind][2]
        if last >= len(runs):
            return None
        ends_blank = runs[last][2]
        if not begins_blank and not ends_blank and first > 1 and runs[first - 1][2]:
            first -= 1  # no blanks behind it: those before it, unless they are the indent
    if last >= len(runs):
        return None
    end = moved(vim.text, runs[last][1], -1)
    return Reach(end, is_inclusive=True, start=runs[first][0])


def _next_quote(line: str, at: int, quote: str, *, escapes: bool) -> int:
    """The column of the next quote; -1 without one."""
    while at < len(line):
        if escapes and line[at] == "\\":
            at += 1
        elif line[at] == quote:
            return at
        at += 1
    return -1


def _quote_pair(line: str, at: int, quote: str) -> tuple[int, int] | None:
    """The columns of the quotes around a column, or of the first ones behind it."""
    if at < len(line) and line[at] == quote:
        begin = 0
        while True:
            begin = _next_quote(line, begin, quote, escapes=False)
            if begin < 0 or begin > at:
                return None
            end = _next_quote(line, begin + 1, quote, escapes=True)
            if end < 0:
                return None
            if begin <= at <= end:
                return begin, end
            begin = end + 1
    begin = next((n for n in range(at - 1, -1, -1) if _is_quote(line, n, quote)), -1)
    if begin < 0:
        begin = _next_quote(line, at, quote, escapes=False)
    end = _next_quote(line, begin + 1, quote, escapes=True) if begin >= 0 else -1
    return (begin, end) if end >= 0 else None


def _is_quote(line: str, at: int, quote: str) -> bool:
    escapes = len(line[:at]) - len(line[:at].rstrip("\\"))
    return line[at] == quote and escapes % 2 == 0


def _quoted(vim: Vim, is_around: bool, quote: str) -> Reach | None:
    start = line_start(vim.text, vim.cursor)
    line = vim.text[start : line_end(vim.text, vim.cursor)]
    pair = _quote_pair(line, vim.cursor - start, quote)
    if pair is None:
        return None
    begin, end = pair
    if not is_around:
        return Reach(start + end, start=start + begin + 1)
    if line[end + 1 : end + 2] in (*BLANKS,):
        while line[end + 1 : end + 2] in (*BLANKS,):
            end += 1
    else:
        while begin > 0 and line[begin - 1] in BLANKS:
            begin -= 1
    return Reach(start + end, is_inclusive=True, start=start + begin)


def _bracket(vim: Vim, count: int, is_around: bool, left: str, right: str) -> Reach | None:
    text = vim.text
    begin = _unmatched(text, vim.cursor, left, right, count)
    if begin is None and count == 1:  # outside of a block: the next one
        marks = (at for at in range(vim.cursor, len(text)) if text[at] in (left, right))
        begin = next(marks, None)
    if begin is None or text[begin] == right:
        return None
    end = _closing(text, begin, left, right)
    if end is None:
        return None
    if is_around:
        return Reach(end, is_inclusive=True, start=begin)
    start = begin + 1
    if text[start : start + 1] == "\n":
        start += 1
    is_at_start = end == line_start(text, end)
    if left == "{" and not text[line_start(text, end) : end].strip(BLANKS):
        end, is_at_start = line_start(text, end), True
    if is_at_start and end > start and begin < line_start(text, end) - 1:
        return Reach(end, start=start)
    return Reach(max(start, end), start=start)


def _unmatched(text: str, at: int, left: str, right: str, count: int) -> int | None:
    """The offset of the bracket that opens the `count`th block around an offset."""
    depth, at = count, min(at, len(text) - 1)
    if at >= 0 and text[at] == right:
        at -= 1
    while at >= 0:
        depth += text[at] == right
        depth -= text[at] == left
        if not depth:
            return at
        at -= 1
    return None


def _closing(text: str, begin: int, left: str, right: str) -> int | None:
    depth = 0
    for at in range(begin, len(text)):
        depth += text[at] == left
        depth -= text[at] == right
        if not depth:
            return at
    return None


def _paragraph(vim: Vim, count: int, is_around: bool) -> Reach | None:
    text = vim.text
    blank = [not row.strip(BLANKS) for row in text.split("\n")]
    first = last = number_of(text, vim.cursor)
    while first and blank[first - 1] == blank[last]:
        first -= 1
    begins_blank, last = blank[first], first - 1
    parts = count * 2 if is_around else count
    for number in range(parts):
        if last + 1 >= len(blank):
            is_short = is_around and number == parts - 1 and not begins_blank
            if not is_short:
                return None
            while first and blank[first - 1]:  # no blank lines behind it: those before it
                first -= 1
            break
        kind = blank[last + 1]
        while last + 1 < len(blank) and blank[last + 1] == kind:
            last += 1
    return Reach(start_of(text, last), is_line=True, start=start_of(text, first))

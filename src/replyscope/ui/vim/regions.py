"""The text that an operator takes: from a motion, a text object, whole lines or a selection."""

from dataclasses import dataclass, replace

from replyscope.ui.vim.lines import (
    BLANKS,
    behind,
    column_of,
    is_in_indent,
    line_end,
    line_start,
    moved,
    number_of,
    on_character,
    start_of,
)
from replyscope.ui.vim.motions import Reach
from replyscope.ui.vim.state import END, Vim, VimMode


@dataclass(frozen=True, slots=True)
class Region:
    """A text from `start` to before `end`. With `is_line` it is whole lines, without the line
    feed at their end. `cursor` is where the cursor is after a yank.
    """

    start: int
    end: int
    is_line: bool = False
    cursor: int = 0


def lines_between(text: str, first: int, last: int, cursor: int) -> Region:
    """The whole lines of two offsets."""
    return Region(line_start(text, first), line_end(text, last), True, cursor)


def region_of(vim: Vim, reach: Reach, operator: str) -> Region:
    """The region of a motion, by vim's rules for exclusive motions over several lines."""
    text = vim.text
    begin = vim.cursor if reach.start is None else reach.start
    low, high = min(begin, reach.target), max(begin, reach.target)
    if reach.is_line:
        return lines_between(text, low, high, low)
    end = high
    if reach.is_inclusive:
        end = min(behind(text, high), line_end(text, high))
    elif "\n" in text[low:high] and high == line_start(text, high):
        if is_in_indent(text, low):
            return lines_between(text, low, high - 1, low)
        end = high - 1
    rest = text[end : line_end(text, end)].strip(BLANKS)
    if operator == "d" and "\n" in text[low:end] and is_in_indent(text, low) and not rest:
        return lines_between(text, low, end, low)
    return Region(low, end, cursor=low)


def selected(vim: Vim) -> Region:
    """The region of the selection."""
    low, high = min(vim.anchor, vim.cursor), max(vim.anchor, vim.cursor)
    if vim.mode is VimMode.LINES:
        return lines_between(vim.text, low, high, line_start(vim.text, low))
    if vim.wanted == END and vim.cursor >= vim.anchor:
        high = line_end(vim.text, high)  # `$` selects the line feed too
    return Region(low, min(behind(vim.text, high), len(vim.text)), cursor=low)


def size_of(vim: Vim) -> tuple[VimMode, int, int]:
    """The size of the selection: its mode, its lines, and the characters of its last line."""
    low, high = min(vim.anchor, vim.cursor), max(vim.anchor, vim.cursor)
    rows = number_of(vim.text, high) - number_of(vim.text, low)
    first = column_of(vim.text, low) if not rows else 0
    return vim.mode, rows, column_of(vim.text, high) - first + 1


def selecting(vim: Vim, size: tuple[VimMode, int, int]) -> Vim:
    """The state with a selection of a size, from the cursor."""
    mode, rows, columns = size
    row = min(number_of(vim.text, vim.cursor) + rows, vim.text.count("\n"))
    begin = start_of(vim.text, row) if rows else vim.cursor
    last = on_character(vim.text, moved(vim.text, begin, columns - 1))
    return replace(vim, mode=mode, anchor=vim.cursor, cursor=last, wanted=None)

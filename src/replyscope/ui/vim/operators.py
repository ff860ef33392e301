"""Changes of a text: delete, change, yank, shift, put, join, replace and toggle case.

Each returns the new state in normal mode, or in insert mode without an `Insertion`, which the
engine adds.
"""

from dataclasses import replace

from replyscope.ui.vim.lines import (
    BLANKS,
    behind,
    first_word,
    line_end,
    line_start,
    on_character,
    places_of,
)
from replyscope.ui.vim.regions import Region
from replyscope.ui.vim.state import Register, Vim, VimMode

_SHIFT, _TAB = 4, 8
_MOST_SHIFTED = 100
_MOST_REPEATED = 1_000_000


def bounded(count: int, size: int) -> int:
    """A count, limited so that a text of this size repeats to at most a million characters."""
    return max(1, min(count, _MOST_REPEATED // max(1, size)))


def yank(vim: Vim, region: Region) -> Vim:
    """Copy a region into the register."""
    register = Register(vim.text[region.start : region.end], region.is_line)
    return _at(replace(vim, register=register), region.cursor)


def delete(vim: Vim, region: Region) -> Vim:
    """Delete a region into the register."""
    text, start, end = vim.text, region.start, region.end
    register = Register(text[start:end], region.is_line)
    if not region.is_line:
        return _at(replace(vim, text=text[:start] + text[end:], register=register), start)
    if end < len(text):
        text = text[:start] + text[end + 1 :]
    else:
        text, start = text[: max(0, start - 1)], max(0, start - 1)
    vim = replace(vim, text=text, register=register)
    return _at(vim, first_word(text, start))


def change(vim: Vim, region: Region) -> Vim:
    """Delete a region into the register, and insert there. Lines become an empty line."""
    text, start, end = vim.text, region.start, region.end
    register = Register(text[start:end], region.is_line)
    text = text[:start] + text[end:]
    return replace(vim, text=text, cursor=start, register=register, mode=VimMode.INSERT)


def shift(vim: Vim, region: Region, step: int) -> Vim:
    """Indent the lines of a region by four spaces, or remove as many."""
    step = max(-_MOST_SHIFTED, min(step, _MOST_SHIFTED))
    start, end = line_start(vim.text, region.start), line_end(vim.text, region.end)
    if not region.is_line and region.end > region.start and vim.text[region.end - 1] == "\n":
        end = region.end - 1
    rows = [_shifted(row, step) for row in vim.text[start:end].split("\n")]
    text = vim.text[:start] + "\n".join(rows) + vim.text[end:]
    return _at(replace(vim, text=text), first_word(text, start))


def _shifted(row: str, step: int) -> str:
    rest = row.lstrip(BLANKS)
    if not row:
        return row
    width = 0
    for character in row[: len(row) - len(rest)]:
        width += _TAB - width % _TAB if character == "\t" else 1
    return " " * max(0, width + step * _SHIFT) + rest


def put(vim: Vim, count: int, *, is_before: bool) -> Vim:
    """Insert the register before or behind the cursor, or above or below its line."""
    text, register = vim.text, vim.register
    count = bounded(count, len(register.text))
    if register.is_line:
        rows = "\n".join([register.text] * count)
        at = line_start(text, vim.cursor) if is_before else line_end(text, vim.cursor)
        text = text[:at] + (f"{rows}\n" if is_before else f"\n{rows}") + text[at:]
        begin = at if is_before else at + 1
        return _at(replace(vim, text=text), first_word(text, begin))
    is_empty = line_start(text, vim.cursor) == line_end(text, vim.cursor)
    at = vim.cursor if is_before or is_empty else behind(text, vim.cursor)
    inserted = register.text * count
    text = text[:at] + inserted + text[at:]
    return _at(replace(vim, text=text), at if "\n" in inserted else at + len(inserted) - 1)


def put_over(vim: Vim, region: Region, count: int) -> Vim:
    """Replace a selection by the register; the selected text goes into the register."""
    register, text = vim.register, vim.text
    taken = Register(text[region.start : region.end], region.is_line)
    count = bounded(count, len(register.text))
    inserted = register.text * count
    if register.is_line:
        inserted = "\n".join([register.text] * count)
        if not region.is_line:
            inserted = f"\n{inserted}\n"
    text = text[: region.start] + inserted + text[region.end :]
    begin = region.start + (register.is_line and not region.is_line)
    at = begin + len(inserted) - 1
    if register.is_line or region.is_line:
        at = first_word(text, begin)
    elif "\n" in inserted:
        at = begin
    return _at(replace(vim, text=text, register=taken), at)


def join(vim: Vim, lines: int) -> Vim | None:
    """Join lines, with a space between them. None on the last line."""
    text = vim.text
    end = line_end(text, vim.cursor)
    if end == len(text):
        return None
    at = end
    for _ in range(max(1, lines - 1)):
        end = line_end(text, at)
        if end == len(text):
            break
        rest = text[end + 1 :].lstrip(BLANKS)
        before = text[:end]
        is_tight = rest[:1] in ("", "\n", ")") or not before or before[-1] in " \t\n"
        at = end
        text = before + ("" if is_tight else " ") + rest
    return _at(replace(vim, text=text), at)


def replace_characters(vim: Vim, region: Region, character: str) -> Vim:
    """Replace each character of a region, but not the line feeds."""
    rows = vim.text[region.start : region.end].split("\n")
    new = "\n".join(character * (len(places_of(row, 0)) - 1) for row in rows)
    text = vim.text[: region.start] + new + vim.text[region.end :]
    return _at(replace(vim, text=text), region.start)


def with_case(vim: Vim, region: Region, key: str) -> Vim:
    """Toggle the case of a region (`~`), or make it lower (`u`) or upper case (`U`)."""
    new = vim.text[region.start : region.end]
    new = {"~": new.swapcase(), "u": new.lower(), "U": new.upper()}[key]
    text = vim.text[: region.start] + new + vim.text[region.end :]
    return _at(replace(vim, text=text), region.start)


def _at(vim: Vim, cursor: int) -> Vim:
    """The state in normal mode with the cursor at an offset."""
    at = on_character(vim.text, cursor)
    return replace(vim, cursor=at, mode=VimMode.NORMAL)

"""Reads the page of My Activity, one cell at a time."""

import re
from collections.abc import Iterator
from typing import IO

from replyscope.domain.foreign import ForeignConversation, Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.domain.import_format import ImportedFile, Item
from replyscope.readers.html_text import text_of_html
from replyscope.readers.takeout.activity import session_of
from replyscope.readers.written_times import CLOCK, written_time

_CELL = b'<div class="outer-cell'
_BODY = re.compile(
    r'<div class="content-cell[^"]*mdl-typography--body-1">(.*?)</div>\s*(?:<div|\Z)', re.DOTALL
)
_BREAK = re.compile(r"<br\s*/?>")
_FILE = re.compile(r'<a\s[^>]*href="(?!https?:|mailto:|#)[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
_PICTURE = re.compile(r'<img\s[^>]*src="(?!https?:)([^"]*)"[^>]*>')
_COUNTED = re.compile(r"\d")
_MOST_CELL = 20_000_000
_CHUNK = 1 << 20


def read_page(file: ImportedFile) -> Iterator[Item]:
    """Each activity of the page."""
    with file.open() as opened:
        for number, cell in enumerate(_cells(opened), start=1):
            try:
                made = _of_cell(cell.decode("utf-8", "replace"))
            except DATA_FAULTS as error:
                yield Unreadable(f"activity {number}", fault_in_words(error))
                continue
            if made is not None:
                yield made


def is_page(file: ImportedFile, head: bytes) -> bool:
    """Whether a file is a page of My Activity, in any language."""
    is_named = re.sub(r"\W", "", file.name).lower() == "myactivityhtml"
    is_html = head[:1] == b"<" and b"<html" in head
    return is_html and file.name.endswith(".html") and (is_named or b"mdl-" in head)


def _cells(opened: IO[bytes]) -> Iterator[bytes]:
    """The bytes of each cell. A cell above the bound is cut."""
    held = b""
    while data := opened.read(_CHUNK):
        *cells, held = (held + data).split(_CELL)
        yield from cells
        held = held[:_MOST_CELL]
    yield held


def _of_cell(cell: str) -> ForeignConversation | None:
    """The activity of a cell: the prompt, its files, the time, and the answer, with breaks
    between them.
    """
    found = _BODY.search(cell)
    if found is None:
        return None
    lines = _BREAK.split(found[1])
    when = _line_of_time(lines)
    if when is None:
        return None
    line, answer = _split_at_tag(lines[when])
    files = [n for n in range(1, when) if _FILE.search(lines[n])]
    counted = {n - 1 for n in files[:1] if n > 1 and _COUNTED.search(lines[n - 1])}
    title = [text_of_html(lines[n]) for n in range(when) if n not in (*files, *counted)]
    names = [text_of_html(name) for n in files for name in _FILE.findall(lines[n])]
    reply = _PICTURE.sub(r"[image \1]", "<br>".join([answer, *lines[when + 1 :]]))
    return session_of("\n".join(title), text_of_html(reply), written_time(line), names)


def _line_of_time(lines: list[str]) -> int | None:
    """The number of the line with the time: the first that is one, else the first with a clock."""
    clocks = [n for n, line in enumerate(lines) if n and CLOCK.search(line)]
    sure = (n for n in clocks if written_time(_split_at_tag(lines[n])[0]) is not None)
    return next(sure, clocks[0] if clocks else None)


def _split_at_tag(line: str) -> tuple[str, str]:
    """The text of a time, and the answer that may follow it without a break."""
    clock = CLOCK.search(line)
    end = line.find("<", clock.end()) if clock is not None else -1
    return (text_of_html(line[:end]), line[end:]) if end >= 0 else (text_of_html(line), "")

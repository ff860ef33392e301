"""Wraps styled text to a width in terminal cells."""

import io

from rich.console import Console
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from replyscope.ui.markdown.copy_marks import (
    JOINED,
    LAYOUT,
    SPACED,
    LineStrip,
    mark,
    marks_in,
)

# Rich needs a console to look up styles by name. Our styles are objects: it has no effect.
CONSOLE = Console(file=io.StringIO(), width=80, color_system="truecolor", legacy_windows=False)


def wrap(text: Text, width: int) -> list[Text]:
    """Wrap a text to lines of at most `width` cells; longer words are broken."""
    lines: list[Text] = []
    for row in text.split("\n", allow_blank=True):
        row.expand_tabs(4)
        lines += _wrap_row(row, max(1, width))
    return lines or [Text(end="")]


def _wrap_row(row: Text, width: int) -> list[Text]:
    """Wrap one line of the source; the added breaks are marked."""
    lines = list(row.wrap(CONSOLE, width, overflow="fold"))
    plain, at = row.plain, 0
    for number, line in enumerate(lines):
        line.rstrip()
        start = at
        while number and start < len(plain) and plain[start].isspace():
            start += 1
        if number:
            mark(line, SPACED if start > at else JOINED, 0, 1)
        at = start + len(line.plain)
    return lines


def fold(text: Text, width: int) -> list[Text]:
    """Break a text at exactly `width` cells and keep the spaces: for code."""
    if len(text) <= width and text.cell_len <= width:
        return [text]
    lines: list[Text] = []
    offsets: list[int] = []
    used = 0
    for position, char in enumerate(text.plain):
        cells = 1 if char.isascii() else Text(char).cell_len
        if used + cells > width and used:
            offsets.append(position)
            used = 0
        used += cells
    lines.extend(text.divide(offsets))
    for line in lines[1:]:
        mark(line, JOINED, 0, 1)
    return lines


def to_strip(line: Text) -> Strip:
    """Convert a line to a strip."""
    line.end = ""
    strip = LineStrip(list(line.render(CONSOLE)), line.cell_len)
    strip.marks = marks_in(line)
    return strip


def filled(line: Text, width: int, style: Style) -> Text:
    """Pad a line to the width, so that its background fills the row."""
    room = width - line.cell_len
    if room > 0:
        line.append(" " * room, style)
        mark(line, LAYOUT, len(line) - room)
    return line

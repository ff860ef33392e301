"""Wraps styled text to a width in terminal cells."""

import io

from rich.console import Console
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

# Rich needs a console to look up styles by name. Our styles are objects: it has no effect.
CONSOLE = Console(file=io.StringIO(), width=80, color_system="truecolor", legacy_windows=False)


def wrap(text: Text, width: int) -> list[Text]:
    """Wrap a text to lines of at most `width` cells; longer words are broken."""
    lines = text.wrap(CONSOLE, max(1, width), overflow="fold", tab_size=4)
    for line in lines:
        line.rstrip()
    return list(lines) or [Text(end="")]


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
    return lines


def to_strip(line: Text) -> Strip:
    """Convert a line to a strip."""
    line.end = ""
    return Strip(list(line.render(CONSOLE)), line.cell_len)


def filled(line: Text, width: int, style: Style) -> Text:
    """Pad a line to the width, so that its background fills the row."""
    room = width - line.cell_len
    return line.append(" " * room, style) if room > 0 else line

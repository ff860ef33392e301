"""A line filter against control sequences: no line of the screen can control the terminal.

Widgets escape foreign text themselves, where they know its width. This filter removes the
control characters that a widget missed; a line keeps its width.
"""

import re

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from replyscope.domain.printable import PLACEHOLDER, is_printable_line
from replyscope.ui.pictures.placeholders import NUMBERS, OWN

_CELL = re.compile(f"(?:{PLACEHOLDER}[{''.join(NUMBERS)}]{{2}})+")


class PrintableOnly(LineFilter):
    """A line filter that replaces control characters, and removes terminal hyperlinks,
    because their target would be invisible.

    The cells of a picture pass only if this program drew them: the meta of their style says so,
    and a text from outside has no way to it.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(_is_safe(text, style) for text, style, _ in segments):
            return segments
        return [_made_safe(text, style) for text, style, _ in segments]


def _is_safe(text: str, style: Style | None) -> bool:
    if style is not None and style.link is not None:
        return False
    return is_printable_line(text) or _is_picture(text, style)


def _is_picture(text: str, style: Style | None) -> bool:
    """Whether a segment is cells of a picture of ours, and nothing else."""
    return (
        text.startswith(PLACEHOLDER)
        and style is not None
        and style.meta.get(OWN) is True
        and _CELL.fullmatch(text) is not None
    )


def _made_safe(text: str, style: Style | None) -> Segment:
    if not is_printable_line(text):
        text = "".join(c if is_printable_line(c) else "\ufffd" * cell_len(c) for c in text)
    return Segment(text, style.update_link(None) if style is not None and style.link else style)

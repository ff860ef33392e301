"""A line filter against control sequences: no line of the screen can control the terminal.

Widgets escape foreign text themselves, where they know its width. This filter removes the
control characters that a widget missed; a line keeps its width.
"""

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from replyscope.domain.printable import is_printable_line


class PrintableOnly(LineFilter):
    """A line filter that replaces control characters, and removes terminal hyperlinks,
    because their target would be invisible.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(_is_safe(text, style) for text, style, _ in segments):
            return segments
        return [_made_safe(text, style) for text, style, _ in segments]


def _is_safe(text: str, style: Style | None) -> bool:
    return is_printable_line(text) and (style is None or style.link is None)


def _made_safe(text: str, style: Style | None) -> Segment:
    if not is_printable_line(text):
        text = "".join(c if is_printable_line(c) else "\ufffd" * cell_len(c) for c in text)
    return Segment(text, style.update_link(None) if style is not None and style.link else style)

"""The gate before the terminal: no line of the screen can do more than be drawn.

Widgets make what others wrote visible themselves, where they know how wide it may be. What
one of them lets by is stopped here, and a line keeps its width.
"""

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from replyscope.domain.printable import is_printable_line


class PrintableOnly(LineFilter):
    """Applied to every line of the screen. No terminal hyperlink passes: its target would
    be invisible.
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

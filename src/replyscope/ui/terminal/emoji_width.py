"""Measures how wide the terminal draws an emoji with a variation selector, and adapts.

Rich gives ⚠ with U+FE0F two cells, as Unicode does. Some terminals draw one, and everything to
its right is then one column off. At the start the program draws one, asks for the position of the
cursor, and erases it. Where the answer is one cell, the line filter sends the emoji without its
selector and with a space: two cells in every terminal.
"""

import re

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.events import CursorPosition
from textual.filter import LineFilter

_SELECTOR = "\ufe0f"
_JOINER = "\u200d"
_ROW = 2  # in the first row, the answer is the same as the code of F3 with a modifier
MEASURE = f"\x1b7\x1b[{_ROW};1H\u26a0{_SELECTOR}\x1b[6n\x1b[{_ROW};1H\x1b[2K\x1b8"
"""Draws an emoji, requests a cursor position report (CSI 6 n), and erases the line."""
_CLUSTER = re.compile(
    f"(.\u20e3?){_SELECTOR}?(\u20e3?)(?:{_JOINER}.{_SELECTOR}?)*", flags=re.DOTALL
)


def is_narrow(report: CursorPosition) -> bool:
    """Whether a report says that the emoji of `MEASURE` has one cell."""
    return (report.x, report.y) == (1, _ROW - 1)


class NarrowEmoji(LineFilter):
    """A line filter that replaces emoji with a selector. A line keeps its width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(_narrow(segment.text), *segment[1:]) if _SELECTOR in segment.text else segment
            for segment in segments
        ]


def _narrow(text: str) -> str:
    """A text without selectors, of the same width."""
    shown = _CLUSTER.sub(_padded, text).replace(_SELECTOR, "")
    return set_cell_size(shown, cell_len(text))


def _padded(cluster: re.Match[str]) -> str:
    """A cluster with a selector: its first character, padded to the width of the whole.

    A terminal that ignores the selector does not join emoji either.
    """
    whole = cluster[0]
    if _SELECTOR not in whole:
        return whole
    first = cluster[1] + cluster[2]
    return first + " " * (cell_len(whole) - cell_len(first))

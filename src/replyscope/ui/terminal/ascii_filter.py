"""A line filter for terminals that draw ASCII only: it replaces every other character.

It is the last step before the terminal, so no widget depends on the terminal's abilities.
"""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter


class AsciiOnly(LineFilter):
    """A line filter that replaces every character outside ASCII by one that looks similar."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        from replyscope.inspection.likeness import in_ascii  # only where the terminal needs it

        return [
            segment if segment.text.isascii() else Segment(in_ascii(segment.text), *segment[1:])
            for segment in segments
        ]

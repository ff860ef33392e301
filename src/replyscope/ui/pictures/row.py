"""Rows of a picture; they are not copied as text."""

from rich.segment import Segment
from textual.strip import Strip

from replyscope.ui.markdown.copy_marks import RULE, CopyMark, LineStrip


def picture_row(segments: list[Segment]) -> Strip:
    """A row of a picture."""
    strip = LineStrip(segments)
    strip.marks = (CopyMark(0, 0, RULE),)
    return strip


def indented(row: Strip, columns: int) -> Strip:
    """A row of a picture, further right."""
    return picture_row([Segment(" " * columns), *row]) if columns else row

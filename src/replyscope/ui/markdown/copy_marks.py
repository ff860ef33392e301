"""Marks in rendered lines that say how the text is copied.

Wrapping and layout add line breaks, borders and padding that the source does not have. A mark is
a span of a `Text` whose style is one of the styles below, compared by identity: it changes
nothing on the screen, and Rich keeps it when it divides and joins texts. `to_strip` moves the
marks to a `LineStrip`.
"""

from rich.style import Style
from rich.text import Span, Text
from textual.strip import Strip

from replyscope.domain.values import dataclass

LAYOUT = Style()
"""Borders and padding: not copied."""
COLUMN = Style()
"""The border between two columns: copied as a tab."""
RULE = Style()
"""A line that is only a border: not copied."""
START = Style()
"""The padding before a line of code: neither it nor what is left of it is copied."""
JOINED = Style()
"""The first character after a break within a word: copied without the line break."""
SPACED = Style()
"""The first character after a break between words: copied with a space for the line break."""
ROW = Style()
"""The first character of a line that continues a table row: its cells are joined."""
_MARKS = (LAYOUT, COLUMN, RULE, START, JOINED, SPACED, ROW)


@dataclass(frozen=True, slots=True)
class CopyMark:
    """A mark on characters of a line; `kind` is one of the styles above."""

    start: int
    end: int
    kind: Style

    def is_a(self, *kinds: Style) -> bool:
        """Whether the mark is of one of the kinds."""
        return any(self.kind is kind for kind in kinds)


class LineStrip(Strip):
    """A strip with its marks."""

    __slots__ = ["marks"]
    marks: tuple[CopyMark, ...]


def mark(text: Text, kind: Style, start: int = 0, end: int | None = None) -> Text:
    """Mark characters of a text, by default all. Returns the text."""
    text.spans.append(Span(start, len(text) if end is None else end, kind))
    return text


def marks_in(text: Text) -> tuple[CopyMark, ...]:
    """The marks of a text."""
    return tuple(
        CopyMark(span.start, span.end, span.style)
        for span in text.spans
        if isinstance(span.style, Style) and any(span.style is kind for kind in _MARKS)
    )


def marks_of(strip: Strip) -> tuple[CopyMark, ...]:
    """The marks of a strip."""
    return strip.marks if isinstance(strip, LineStrip) else ()

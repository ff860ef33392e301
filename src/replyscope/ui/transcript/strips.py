"""Operations on strips: restyle a range, and mark matches."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


def restyle(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """The strip with another style from `start` to `end`, in characters; -1 is its end."""
    if end < 0:
        end = len(strip.text)
    segments: list[Segment] = []
    position = 0
    for text, old, control in strip:
        a = min(max(0, start - position), len(text))
        b = min(max(a, end - position), len(text))
        position += len(text)
        if text[:a]:
            segments.append(Segment(text[:a], old, control))
        if text[a:b]:
            segments.append(Segment(text[a:b], (old or Style()) + style, control))
        if text[b:]:
            segments.append(Segment(text[b:], old, control))
    return Strip(segments, strip.cell_length)


def mark_matches(strip: Strip, query: str, style: Style) -> Strip:
    """The strip with every match of the query styled, regardless of case."""
    text = strip.text.lower()
    wanted = query.lower()
    at = text.find(wanted)
    while at >= 0:
        strip = restyle(strip, at, at + len(wanted), style)
        at = text.find(wanted, at + len(wanted))
    return strip

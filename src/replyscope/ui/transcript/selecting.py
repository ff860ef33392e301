"""The selected text of the transcript, without the line breaks and borders of the layout."""

from textual.selection import Selection
from textual.strip import Strip

from replyscope.ui.markdown.copy_marks import (
    COLUMN,
    JOINED,
    LAYOUT,
    ROW,
    RULE,
    SPACED,
    START,
    CopyMark,
    marks_of,
)
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.entry import Entry
from replyscope.ui.transcript.lines import entry_of, place_of

_Cells = list[tuple[str, str]]
"""The cells of a line; a line outside of tables has one. Before each cell, what joins it to the
line above.
"""


def selected_text(entries: list[Entry], selection: Selection, width: int, palette: Palette) -> str:
    """The selected text, also outside the view. Its entries are laid out first."""
    lines: list[list[str]] = []
    first = entry_of(selection.start.y) if selection.start is not None else 0
    last = entry_of(selection.end.y) if selection.end is not None else len(entries)
    for number in range(first, min(last + 1, len(entries))):
        entry = entries[number]
        entry.lay_out(width, palette)
        for cell in range(entry.cell_count):
            is_inside = False
            for line, strip in enumerate(entry.strips(cell)):
                span = selection.get_span(place_of(number, cell, line))
                if span is not None:
                    _add_line(lines, strip, span, can_join=is_inside)
                is_inside = span is not None
    return "\n".join("\t".join(cells).rstrip() for cells in lines)


def _add_line(
    lines: list[list[str]], strip: Strip, span: tuple[int, int], *, can_join: bool
) -> None:
    """Add the selected part of a line, or join it to the line above that it continues."""
    marks = marks_of(strip)
    if any(mark.is_a(RULE) for mark in marks):
        return
    is_row = any(mark.is_a(ROW) for mark in marks)
    is_joined = is_row or any(mark.is_a(JOINED, SPACED) for mark in marks)
    end = len(strip.text) if span[1] < 0 else span[1]
    cells = _cells(strip.text, marks, max(0, span[0]), end, is_row=is_row)
    above = lines[-1] if can_join and is_joined and lines else None
    if above is None or len(above) != len(cells):
        lines.append([text for _, text in cells])
        return
    for number, (glue, text) in enumerate(cells):
        if text:
            above[number] = f"{above[number]}{glue if above[number] else ''}{text}"


def _cells(text: str, marks: tuple[CopyMark, ...], start: int, end: int, *, is_row: bool) -> _Cells:
    """The cells from `start` to `end`, without what is layout."""
    dropped: set[int] = set()
    glue: dict[int, str] = {}
    borders: set[int] = set()
    for mark in marks:
        if mark.is_a(LAYOUT, COLUMN):
            dropped.update(range(mark.start, mark.end))
        elif mark.is_a(START):
            dropped.update(range(mark.end))
        elif mark.is_a(JOINED, SPACED):
            glue[mark.start] = " " if mark.is_a(SPACED) else ""
            if not is_row:
                dropped.update(range(mark.start))
        if mark.is_a(COLUMN):
            borders.add(mark.start)
    cells: _Cells = [(" " if is_row else "", "")]
    for place, char in enumerate(text):
        joint, cell = cells[-1]
        if place in borders:
            cells.append((" ", ""))
        elif place not in dropped:
            cells[-1] = glue.get(place, joint), cell + (char if start <= place < end else "")
        elif place in glue:
            cells[-1] = glue[place], cell
    return cells

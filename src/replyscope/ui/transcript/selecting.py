"""The selected text of the transcript, in the lines of the screen."""

from textual.selection import Selection

from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.entry import Entry
from replyscope.ui.transcript.lines import entry_of, place_of


def selected_text(entries: list[Entry], selection: Selection, width: int, palette: Palette) -> str:
    """The selected lines, also outside the view. Their entries are laid out first."""
    lines: list[str] = []
    first = entry_of(selection.start.y) if selection.start is not None else 0
    last = entry_of(selection.end.y) if selection.end is not None else len(entries)
    for number in range(first, min(last + 1, len(entries))):
        entry = entries[number]
        entry.lay_out(width, palette)
        for cell in range(entry.cell_count):
            for line, strip in enumerate(entry.strips(cell)):
                span = selection.get_span(place_of(number, cell, line))
                if span is not None:
                    end = len(strip.text) if span[1] < 0 else span[1]
                    lines.append(strip.text[max(0, span[0]) : end].rstrip())
    return "\n".join(lines)

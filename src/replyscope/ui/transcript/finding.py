"""Finds text in the entries, whatever its case."""

from collections.abc import Sequence

from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.entry import Entry


def next_match(entries: Sequence[Entry], query: str, start: int, step: int) -> int | None:
    """The next entry that has the query, going round from `start`; None without one."""
    if not query:
        return None
    for distance in range(1, len(entries) + 1):
        number = (start + step * distance) % len(entries)
        if query.lower() in _searchable(entries[number].content):
            return number
    return None


def line_with(entry: Entry, query: str) -> int:
    """The line of a laid out entry where the query first stands; 0 when it is wrapped."""
    wanted = query.lower()
    line = 0
    for cell in range(entry.cell_count):
        for strip in entry.strips(cell):
            if wanted in strip.text.lower():
                return max(0, line - 1)
            line += 1
    return 0


def _searchable(content: EntryContent) -> str:
    calls = " ".join(f"{call.name} {call.arguments}" for call in content.calls)
    return f"{content.text}\n{content.reasoning}\n{calls}".lower()

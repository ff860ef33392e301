"""Case-insensitive search in the entries, from match to match."""

from collections.abc import Callable, Sequence

from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.entry import Entry

Place = tuple[int, int]  # the index of an entry, and a line within the entry


class Finder:
    """A search that remembers the last match, so that the next search finds another."""

    def __init__(self) -> None:
        self._query = ""
        self._at: Place | None = None

    def find(
        self,
        entries: Sequence[Entry],
        query: str,
        cursor: int,
        *,
        backwards: bool,
        lay_out: Callable[[Entry], None],
    ) -> Place | None:
        """Find the next line with the query; the search wraps around. None without a match.

        A new query begins with the entry under the cursor.
        """
        step = -1 if backwards else 1
        last = self._at if query == self._query else None
        self._query, self._at = query, None
        start = cursor - step
        if last is not None and last[0] == cursor < len(entries):
            beyond = [n for n in _lines_with(entries[cursor], query) if (n - last[1]) * step > 0]
            if beyond:
                self._at = (cursor, beyond[-1 if backwards else 0])
                return self._at
            start = cursor
        number = _next_entry(entries, query, start, step)
        if number is not None:
            lay_out(entries[number])
            lines = _lines_with(entries[number], query) or [0]  # a wrapped match is not on one line
            self._at = (number, lines[-1 if backwards else 0])
        return self._at


def _next_entry(entries: Sequence[Entry], query: str, start: int, step: int) -> int | None:
    if not query:
        return None
    for distance in range(1, len(entries) + 1):
        number = (start + step * distance) % len(entries)
        if query.lower() in _searchable(entries[number].content):
            return number
    return None


def _lines_with(entry: Entry, query: str) -> list[int]:
    """The lines with the query, in an entry that is laid out."""
    wanted = query.lower()
    strips = (strip for cell in range(entry.cell_count) for strip in entry.strips(cell))
    return [line for line, strip in enumerate(strips) if wanted in strip.text.lower()]


def _searchable(content: EntryContent) -> str:
    calls = " ".join(f"{call.name} {call.arguments} {call.result or ''}" for call in content.calls)
    return f"{content.text}\n{content.reasoning}\n{calls}".lower()

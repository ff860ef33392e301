"""Splits a log into lines, and feeds them to the reader of its format.

Lines have a maximum size in bytes; longer ones are skipped without being held in memory.
"""

from collections.abc import Iterator

from replyscope.domain.import_format import ImportedFile, Item, LogFormat, LogReader
from replyscope.domain.item_bound import MOST_ITEM, too_large

CHUNK = 1 << 20


class LogLines:
    """Feeds the bytes of a log to its reader. The part of an unfinished line is kept."""

    def __init__(self, reader: LogReader, most: int = MOST_ITEM) -> None:
        self._reader = reader
        self._most = most
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Item]:
        """Read the next bytes. Yields items whenever the reader reaches its memory bound."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._hold(data[start:end])
            self._release()
            start = end + 1
            if self._reader.is_full:
                yield from self._reader.take(is_end=False)
        self._hold(data[start:])

    def end(self) -> Iterator[Item]:
        """Read the last line, which may be incomplete. Returns all remaining items."""
        if self._size:
            self._release()
        yield from self._reader.take(is_end=True)

    def newest(self) -> list[Item]:
        """The items of all complete lines so far; more lines may follow."""
        return self._reader.take(is_end=True)

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._most:
            self._held.clear()
        elif piece:
            self._held.append(piece)

    def _release(self) -> None:
        if self._size > self._most:
            self._reader.skip(too_large(self._most))
        elif self._size:
            line = b"".join(self._held)
            self._held.clear()
            self._reader.feed(line)
        self._held.clear()
        self._size = 0


def read_log(file: ImportedFile, known: LogFormat) -> Iterator[Item]:
    """The pieces of the conversations in a log."""
    lines = LogLines(known.begin(file))
    with file.open() as opened:
        while data := opened.read(CHUNK):
            yield from lines.feed(data)
    yield from lines.end()

"""Follows one log: reads what was appended since the last time.

A log that became shorter, was replaced by another file, or was rewritten is read from its
beginning. It is never written to.
"""

import os
from collections.abc import Generator
from functools import partial
from pathlib import Path, PurePosixPath

from replyscope.domain.import_format import ImportedFile, Item, LogFormat
from replyscope.domain.regular_file import open_regular
from replyscope.engine.folder_scan import FileStamp, stamp_of
from replyscope.engine.log_lines import CHUNK, LogLines

_TAIL = 4_096
"""The bytes before the position that have to be the same when the log is read on."""


class FollowedLog:
    """The state of one log: its reader, and the position up to which it was read."""

    def __init__(self, path: Path, name: str, known: LogFormat) -> None:
        self._path = path
        self._name = name
        self.known = known
        self._begin()

    def _begin(self) -> None:
        base = PurePosixPath(self._name).name
        opened = partial(open_regular, self._path)
        self._lines = LogLines(self.known.begin(ImportedFile(base, 0, opened, None, self._name)))
        self._inode: tuple[int, int] | None = None
        self._place = 0
        self._tail = b""

    def read(self, stamp: FileStamp) -> Generator[list[Item], None, None]:
        """The new pieces of conversations, after each chunk of the file. Raises OSError."""
        with open_regular(self._path) as file:
            now = stamp_of(os.fstat(file.fileno()))
            if (now.device, now.inode) != (stamp.device, stamp.inode):
                return  # it was replaced since it was listed: the next round reads it
            if not self._goes_on(now, file.fileno()):
                self._begin()
            self._inode = (now.device, now.inode)
            file.seek(self._place)
            while data := file.read(CHUNK):
                self._place += len(data)
                self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]
                yield [*self._lines.feed(data)]
        yield self._lines.newest()

    def _goes_on(self, now: FileStamp, descriptor: int) -> bool:
        """Whether the file is still the one of the last read, at most with appended data."""
        if self._inode is None:
            return True
        if self._inode != (now.device, now.inode) or now.size < self._place:
            return False
        start = self._place - len(self._tail)
        os.lseek(descriptor, start, os.SEEK_SET)
        return os.read(descriptor, len(self._tail)) == self._tail

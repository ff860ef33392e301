"""The commits of any process, found by a look at the file every two seconds.

A commit writes to the file or to its WAL. So the times and sizes of both say whether SQLite has
to be asked at all: no thread wakes while nothing changes. All who wait share one look.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from replyscope.domain.errors import StoreError
from replyscope.store.database import Database

EVERY_S = 2.0


class ArchiveChanges:
    """Waits for changes. Takes a callable, because a private store replaces its database."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._files: object = None
        self._stamp = -1
        self._pause: asyncio.Future[None] | None = None

    async def next_change(self, seen: int) -> int:
        """See SessionStore. A file that can't be read has not changed."""
        while True:
            with suppress(StoreError):
                stamp = await self._read_stamp()
                if stamp != seen:
                    return stamp
            if self._pause is None or self._pause.done():
                self._pause = asyncio.ensure_future(asyncio.sleep(EVERY_S))
            await asyncio.shield(self._pause)

    async def _read_stamp(self) -> int:
        """SQLite's `data_version`, or its number of changes in memory."""
        database = self._database()
        path = database.path
        if path is None:
            return await database.read(lambda connection: connection.total_changes)
        if not database.is_open:  # the file may be another program's
            return self._stamp
        # SQLite keeps a WAL only on local disks: this does not wait for a network.
        files = (_state(path), _state(path.with_name(f"{path.name}-wal")))
        if files != self._files:
            self._stamp = await database.read(_version)
            self._files = files
        return self._stamp


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:  # there is no WAL, or the disk was removed
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

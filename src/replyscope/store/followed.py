"""Stores which files of other programs were read, so that unchanged files are skipped."""

import json
import sqlite3
from collections.abc import Callable, Mapping

from replyscope.store.database import Database

_NAME = "followed"
_MOST = 200_000


class SqliteFollowed:
    """The stamps of followed files: four numbers for each path."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def load(self) -> dict[str, tuple[int, int, int, int]]:
        """The stamps by path; empty if there are none or they can't be read."""
        row = await self._database().read(
            lambda c: c.execute("SELECT value FROM note WHERE name = ?", (_NAME,)).fetchone()
        )
        try:
            stamps = json.loads(row[0]) if row is not None else {}
            return {str(path): (a, b, c, d) for path, (a, b, c, d) in stamps.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    async def save(self, stamps: Mapping[str, tuple[int, int, int, int]]) -> None:
        """Replace the stamps. Raises StoreError."""
        kept = dict(list(stamps.items())[-_MOST:])
        text = json.dumps(kept, ensure_ascii=True)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (_NAME, text))

        await self._database().write(write)

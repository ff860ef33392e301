"""Connections for reading, also where nothing can be written.

SQLite reads a file in WAL mode through a second file beside it. Where that can't be created, the
file is opened as immutable. SQLite does not notice changes of such a file, so this connection is
replaced when the file has changed: the disk may be writable again for another program.
"""

import sqlite3
from pathlib import Path
from typing import Any

from replyscope.store.connection import TolerantConnection
from replyscope.store.sqlite_errors import is_only_readable

_SEARCH_CACHE_KB = 32_000
"""A search for a rare word reads a few pages of each full-text table."""


class FrozenConnection(TolerantConnection):
    """A connection to a file that is not expected to change."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.path = Path()
        self.state: object = None

    def is_outdated(self) -> bool:
        """Whether the file has changed since it was opened."""
        return self.state != _state(self.path) or has_wal(self.path)


def connect(name: str) -> sqlite3.Connection:
    """A connection that waits for locks, begins no transactions by itself, and overwrites what it
    deletes, which not every build of SQLite does without being told.
    """
    connection = _connect(name, TolerantConnection)
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _connect(
    name: str, factory: type[TolerantConnection], *, uri: bool = False
) -> TolerantConnection:
    return sqlite3.connect(
        name, timeout=10.0, isolation_level=None, check_same_thread=False, factory=factory, uri=uri
    )


def connect_reader(path: Path, *, is_temporary: bool = False) -> sqlite3.Connection:
    """A read-only connection; it works also in a folder that can't be written.

    With `is_temporary` it may create temporary tables in memory.
    """
    connection = connect(str(path))
    try:
        own = "temp_store = MEMORY" if is_temporary else "query_only = ON"
        connection.execute(f"PRAGMA {own}")
        if is_temporary:
            connection.execute(f"PRAGMA cache_size = -{_SEARCH_CACHE_KB}")
        connection.execute("SELECT count(*) FROM sqlite_master")
        return connection
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error) and is_only_readable(error, path):
            return _connect_frozen(path, error)
        raise


def _connect_frozen(path: Path, error: sqlite3.Error) -> FrozenConnection:
    """A connection to a file that can't be written. Raises the error if the newest changes are
    in the WAL: this connection would not see them.
    """
    if has_wal(path):
        raise error
    state = _state(path)
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    connection = _connect(uri, FrozenConnection, uri=True)
    assert isinstance(connection, FrozenConnection)
    connection.path, connection.state = path, state
    return connection


def has_wal(path: Path) -> bool:
    """Whether changes are in the WAL that were not yet written to the file."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:  # a removed disk causes one of many errors
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

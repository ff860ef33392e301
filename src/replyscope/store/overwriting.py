"""Overwrites the copies of removed rows in the file, so that their text can't be found in it.

Every connection that writes deletes with `secure_delete`, which overwrites rows and free pages. A
note in the file says that this was so since it was created or rewritten; then only the copies in
unused space are left (see `page_gaps`). Other files are rewritten once.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from replyscope.store.page_gaps import clear_gaps
from replyscope.store.reading import connect, has_wal
from replyscope.store.shards import has_earlier
from replyscope.store.sqlite_errors import is_busy

FAST_PURGE = """
CREATE INDEX exchange_of_message ON exchange (message_id);
CREATE INDEX remote_by_session ON remote (session_id);
"""
"""SQLite looks for the rows that refer to a removed one: without an index it reads the table."""
OVERWRITING = "SELECT 1;"
"""The migration changes no table. From this version on, every connection overwrites what it
deletes; a file that older programs wrote may have copies in its free pages. See decision 0069.
"""
_PENDING = "purge"
_OVERWRITES = "overwrites"
_MOST_FREE = 4
"""A file is rewritten when more than one page in this many is free, to return the space."""
_WAIT_MS = 1_000
_TRIES = 20


def note_removed(connection: sqlite3.Connection) -> None:
    """Note, in the transaction that removes rows, that copies of them are left."""
    connection.execute("INSERT OR REPLACE INTO note VALUES (?, '1')", (_PENDING,))


def is_pending(connection: sqlite3.Connection) -> bool:
    """Whether copies of removed rows may be left."""
    return _has(connection, _PENDING)


def note_overwrites(connection: sqlite3.Connection) -> None:
    """Note that free pages have no copies of rows: the file is new, or was rewritten."""
    connection.execute("INSERT OR REPLACE INTO note VALUES (?, '1')", (_OVERWRITES,))


def overwrite_removed(connection: sqlite3.Connection, path: Path) -> bool:
    """Overwrite the copies of removed rows, also in the WAL. Returns whether none is left: another
    process may still read them, or a full-text table of an older version have them.
    """
    if not is_pending(connection):
        return True
    try:
        if _has(connection, _OVERWRITES) and not _has_much_room(connection):
            with suppress(OSError):  # for example a file system that can't write this way
                return _clear(path)
        return _rewrite(connection)
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return False


def _has(connection: sqlite3.Connection, name: str) -> bool:
    row = connection.execute("SELECT 1 FROM note WHERE name = ?", (name,)).fetchone()
    return row is not None


def _has_much_room(connection: sqlite3.Connection) -> bool:
    free, pages = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("freelist_count", "page_count")
    )
    return free * _MOST_FREE > pages


def _clear(path: Path) -> bool:
    """Clear the unused space while nobody can write, on a connection of its own. Its commit makes
    all other connections read the pages again: they would write what they had read before.
    """
    with closing(connect(str(path))) as connection:
        connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
        if has_earlier(connection) or not _lock_without_wal(connection, path):
            return False
        try:
            clear_gaps(path)
            _note_done(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        _empty_wal(connection)
    return True


def _lock_without_wal(connection: sqlite3.Connection, path: Path) -> bool:
    """Begin a transaction with all pages in the file. Returns False if others read an older state
    or keep writing.
    """
    for _ in range(_TRIES):
        if not _empty_wal(connection):
            return False
        connection.execute("BEGIN IMMEDIATE")
        if not has_wal(path):
            return True
        connection.execute("ROLLBACK")  # another process was faster
    return False


def _rewrite(connection: sqlite3.Connection) -> bool:
    """Rewrite the file, which returns its free space."""
    try:
        connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
        connection.execute("VACUUM")
        note_overwrites(connection)
        if not _empty_wal(connection) or has_earlier(connection):
            return False
        _note_done(connection)
        _empty_wal(connection)
    finally:
        connection.execute("PRAGMA busy_timeout = 10000")
    return True


def _note_done(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM note WHERE name = ?", (_PENDING,))


def _empty_wal(connection: sqlite3.Connection) -> bool:
    """Write the WAL to the file, and truncate it. Returns whether nobody reads what was there."""
    return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

"""Notes which imported sessions were purged, so that following their files brings none back.

The id of an imported session is a hash of names in its file; nothing else of it is kept.
"""

import sqlite3

from replyscope.store.sql_functions import LISTED

_NAME = "purged "


def note_purged(connection: sqlite3.Connection, removed: str) -> None:
    """Note the sessions that are removed and were imported from another program's file. Their ids
    are a JSON array.
    """
    connection.execute(
        "INSERT OR REPLACE INTO note SELECT ? || id, '1' FROM session "
        f"WHERE id IN {LISTED} AND source NOT IN ('', 'watch')",
        (_NAME, removed),
    )


def is_purged(connection: sqlite3.Connection, session_id: str) -> bool:
    """Whether a session was purged, and not imported again since."""
    name = _NAME + session_id
    row = connection.execute("SELECT 1 FROM note WHERE name = ?", (name,)).fetchone()
    return row is not None


def forget_purged(connection: sqlite3.Connection, session_id: str) -> None:
    """A person imports a session again."""
    connection.execute("DELETE FROM note WHERE name = ?", (_NAME + session_id,))

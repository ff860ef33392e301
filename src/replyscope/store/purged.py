"""Notes which imported sessions were purged, so that following their files brings none back.

The id of an imported session is a hash of names in its file; nothing else of it is kept.
"""

import sqlite3

_NAME = "purged "


def note_purged(connection: sqlite3.Connection, session_id: str) -> None:
    """Note a session before it is removed, if it was imported from another program's file."""
    connection.execute(
        "INSERT OR REPLACE INTO note SELECT ? || id, '1' FROM session "
        "WHERE id = ? AND source NOT IN ('', 'watch')",
        (_NAME, session_id),
    )


def is_purged(connection: sqlite3.Connection, session_id: str) -> bool:
    """Whether a session was purged, and not imported again since."""
    name = _NAME + session_id
    row = connection.execute("SELECT 1 FROM note WHERE name = ?", (name,)).fetchone()
    return row is not None


def forget_purged(connection: sqlite3.Connection, session_id: str) -> None:
    """A person imports a session again."""
    connection.execute("DELETE FROM note WHERE name = ?", (_NAME + session_id,))

"""The stash of a session: drafts that were put aside, the newest last."""

import sqlite3

from replyscope.domain.message import Attachment
from replyscope.domain.session import Draft
from replyscope.domain.unicode_text import sound
from replyscope.store.codec import encode_parts, read_parts


def push_stash(connection: sqlite3.Connection, session_id: str, draft: Draft) -> None:
    """Put a draft on the stash of a session."""
    connection.execute(
        "INSERT INTO stash (session_id, text, attachments, cursor) VALUES (?, ?, ?, ?)",
        (session_id, sound(draft.text), encode_parts(draft.attachments), draft.cursor),
    )


def pop_stash(connection: sqlite3.Connection, session_id: str) -> Draft | None:
    """Remove and return the newest draft; None without one."""
    row = connection.execute(
        "SELECT id, text, attachments, cursor FROM stash WHERE session_id = ? "
        "ORDER BY id DESC LIMIT 1",
        (session_id,),
    ).fetchone()
    if row is None:
        return None
    number, text, attachments, cursor = row
    connection.execute("DELETE FROM stash WHERE id = ?", (number,))
    parts = (part for part in read_parts(attachments) if isinstance(part, Attachment))
    return Draft(text, tuple(parts), cursor)


def count_stash(connection: sqlite3.Connection, session_id: str) -> int:
    """The number of drafts on the stash of a session."""
    row = connection.execute(
        "SELECT count(*) FROM stash WHERE session_id = ?", (session_id,)
    ).fetchone()
    return int(row[0])

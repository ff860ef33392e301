"""The list of damaged rows: found by indexing and repairs, reported by `doctor`."""

import sqlite3
from collections.abc import Callable
from functools import partial

from replyscope.domain.search import UnreadableRow
from replyscope.store.codec import DAMAGE, decode_parts, decode_settings
from replyscope.store.frame_codec import decode_frames
from replyscope.store.index import note_unreadable
from replyscope.store.requests import rebuild_request

_SESSION_OF = {
    "reply": "SELECT session_id FROM exchange WHERE id = ?",
    "frames": "SELECT session_id FROM exchange WHERE id = ?",
    "request": "SELECT session_id FROM exchange WHERE id = ?",
    "message": "SELECT session_id FROM message WHERE id = ?",
    "draft": "SELECT id FROM session WHERE id = ?",
    "settings": "SELECT id FROM session WHERE id = ?",
}
_REQUESTS = "SELECT exchange_id, method, url, headers, separator, pieces FROM request"


def note_damaged_rows(connection: sqlite3.Connection) -> None:
    """Record the damaged rows that indexing does not decode."""
    for kind, name, why in damaged_rows(connection):
        note_unreadable(connection, kind, name, why)


def damaged_rows(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Try to decode every row that is not a reply. Returns the kind, the id and the kind of the
    error of the damaged ones, each row once.
    """
    columns: tuple[tuple[str, str, Callable[..., object]], ...] = (
        ("message", "SELECT id, parts FROM message", decode_parts),
        ("settings", "SELECT id, settings FROM session", decode_settings),
        ("draft", "SELECT session_id, attachments FROM draft", decode_parts),
        ("frames", "SELECT exchange_id, frames FROM segment", decode_frames),
        ("request", _REQUESTS, partial(rebuild_request, connection)),
    )
    found: dict[tuple[str, str], str] = {}
    for kind, sql, decode in columns:
        for name, *values in connection.execute(sql):
            try:
                decode(*values)
            except DAMAGE as error:
                found[kind, name] = type(error).__name__
    return [(kind, name, why) for (kind, name), why in found.items()]


def session_of(connection: sqlite3.Connection, kind: str, name: str) -> str | None:
    """The session of a row; None when the row was deleted."""
    row = connection.execute(_SESSION_OF[kind], (name,)).fetchone()
    return None if row is None else str(row[0])


def list_unreadable(connection: sqlite3.Connection) -> tuple[UnreadableRow, ...]:
    """The recorded rows; deleted rows are left out."""
    notes = connection.execute(
        "SELECT name, value FROM note WHERE name GLOB 'unreadable *' ORDER BY name"
    ).fetchall()
    found = []
    for note, why in notes:
        _, kind, name = note.split(" ", 2)
        session_id = session_of(connection, kind, name)
        if session_id is not None:
            found.append(UnreadableRow(kind, name, session_id, why))
    return tuple(found)

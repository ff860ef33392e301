"""The list of damaged rows: found by indexing and repairs, reported by `doctor`."""

import sqlite3
from collections.abc import Callable

from replyscope.domain.search import UnreadableRow
from replyscope.store.codec import DAMAGE, decode_frames, decode_parts, decode_settings
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


def note_damaged_rows(connection: sqlite3.Connection) -> None:
    """Try to decode every row that indexing does not decode, and record the damaged ones."""
    columns: tuple[tuple[str, str, Callable[..., object]], ...] = (
        ("message", "SELECT id, parts FROM message", decode_parts),
        ("settings", "SELECT id, settings FROM session", decode_settings),
        ("draft", "SELECT session_id, attachments FROM draft", decode_parts),
        ("frames", "SELECT exchange_id, frames FROM segment", decode_frames),
    )
    for kind, sql, decode in columns:
        for name, column in connection.execute(sql):
            try:
                decode(column)
            except DAMAGE as error:
                note_unreadable(connection, kind, name, error)
    sql = "SELECT exchange_id, method, url, headers, separator, pieces FROM request"
    for name, *columns_of_one in connection.execute(sql):
        try:
            rebuild_request(connection, *columns_of_one)
        except DAMAGE as error:
            note_unreadable(connection, "request", name, error)


def list_unreadable(connection: sqlite3.Connection) -> tuple[UnreadableRow, ...]:
    """The recorded rows; deleted rows are left out."""
    notes = connection.execute(
        "SELECT name, value FROM note WHERE name GLOB 'unreadable *' ORDER BY name"
    ).fetchall()
    found = []
    for note, why in notes:
        _, kind, name = note.split(" ", 2)
        row = connection.execute(_SESSION_OF[kind], (name,)).fetchone()
        if row is not None:
            found.append(UnreadableRow(kind, name, row[0], why))
    return tuple(found)

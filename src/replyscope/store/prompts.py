"""The prompts of all sessions, page by page, and the last values of prompts of the library."""

import json
import sqlite3
from collections.abc import Mapping

from replyscope.domain.json_values import from_ms
from replyscope.domain.message import Role, TextPart
from replyscope.domain.stores import SentPrompt
from replyscope.domain.unicode_text import sound
from replyscope.store.codec import read_parts

_LAST = (1 << 63) - 1
_MOST_VALUES = 200
_LONGEST_VALUE = 2_000
_MOST_HISTORY = 1_000


def add_history(connection: sqlite3.Connection, text: str) -> None:
    """Add a prompt to the history; the oldest are deleted."""
    connection.execute("DELETE FROM prompt WHERE text = ?", (text,))
    connection.execute("INSERT INTO prompt (text) VALUES (?)", (text,))
    connection.execute(
        "DELETE FROM prompt WHERE id <= (SELECT max(id) FROM prompt) - ?", (_MOST_HISTORY,)
    )


def load_history(connection: sqlite3.Connection, limit: int) -> tuple[str, ...]:
    """The newest prompts of the history, oldest first."""
    found = connection.execute("SELECT text FROM prompt ORDER BY id DESC LIMIT ?", (limit,))
    return tuple(row[0] for row in found.fetchall()[::-1])


def load_prompts(
    connection: sqlite3.Connection, before: int | None, limit: int
) -> tuple[tuple[SentPrompt, ...], int | None]:
    """The prompts among the next `limit` messages of people, and where the next page begins."""
    rows = connection.execute(
        "SELECT m.rowid, m.parts, m.created_at, m.session_id, s.title, s.deleted_at "
        "FROM message m JOIN session s ON s.id = m.session_id "
        "WHERE m.role = ? AND m.rowid < ? ORDER BY m.rowid DESC LIMIT ?",
        (Role.USER.value, _LAST if before is None else before, limit),
    ).fetchall()
    found = [
        SentPrompt(place, _text(parts), from_ms(created_at), session_id, title)
        for place, parts, created_at, session_id, title, deleted_at in rows
        if deleted_at is None
    ]
    next_page = rows[-1][0] if len(rows) == limit else None
    return tuple(prompt for prompt in found if prompt.text.strip()), next_page


def _text(parts: str) -> str:
    return "".join(part.text for part in read_parts(parts) if isinstance(part, TextPart))


def remember_values(
    connection: sqlite3.Connection, session_id: str, name: str, values: Mapping[str, str]
) -> None:
    """Remember the values of a prompt's variables with their session; the oldest are deleted."""
    short = {key: sound(one) for key, one in values.items() if len(one) <= _LONGEST_VALUE}
    connection.execute(
        "INSERT OR REPLACE INTO prompt_value SELECT id, ?, ? FROM session WHERE id = ?",
        (name, json.dumps(short), session_id),
    )
    connection.execute(
        "DELETE FROM prompt_value WHERE rowid <= (SELECT max(rowid) FROM prompt_value) - ?",
        (_MOST_VALUES,),
    )


def last_values(connection: sqlite3.Connection, name: str) -> Mapping[str, str]:
    """The newest values of a prompt's variables; none of deleted sessions."""
    row = connection.execute(
        "SELECT texts FROM prompt_value v JOIN session s ON s.id = v.session_id "
        "WHERE name = ? AND deleted_at IS NULL ORDER BY v.rowid DESC LIMIT 1",
        (name,),
    ).fetchone()
    found = json.loads(row[0]) if row is not None else {}
    return {str(key): str(one) for key, one in found.items()}

"""Reads the prompts of all sessions, page by page."""

import sqlite3

from replyscope.domain.json_values import from_ms
from replyscope.domain.message import Role, TextPart
from replyscope.domain.stores import SentPrompt
from replyscope.store.codec import read_parts

_LAST = (1 << 63) - 1


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

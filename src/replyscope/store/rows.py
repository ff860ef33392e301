"""Reads and writes sessions and messages, one function per statement."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from replyscope.domain.errors import SessionNotFound
from replyscope.domain.exchange import Exchange
from replyscope.domain.json_values import from_ms, to_ms
from replyscope.domain.message import Attachment, Message, ReplySource, Role
from replyscope.domain.session import Session, SessionSummary, Shelf, StoredSession
from replyscope.domain.stores import SessionStamp
from replyscope.domain.unicode_text import sound
from replyscope.store.codec import (
    encode_exchange,
    encode_parts,
    encode_settings,
    read_parts,
    read_settings,
)
from replyscope.store.folded import load_exchanges
from replyscope.store.stash import count_stash


def insert_session(connection: sqlite3.Connection, session: Session) -> None:
    """Save a new session. Saving it again changes nothing."""
    connection.execute(
        f"INSERT INTO session (id, {', '.join(_COLUMNS)}) VALUES (?{', ?' * len(_COLUMNS)}) "
        f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in _COLUMNS)}",
        (session.id, *_session_values(session)),
    )
    _save_draft(connection, session)


def update_session(connection: sqlite3.Connection, session: Session, before: Session) -> None:
    """Save the changed fields of a session; the changes of another process are kept."""
    old = dict(zip(_COLUMNS, _session_values(before), strict=True))
    new = dict(zip(_COLUMNS, _session_values(session), strict=True))
    changed = {name: value for name, value in new.items() if value != old[name]}
    if session.whole_draft != before.whole_draft:
        _save_draft(connection, session, before)
    if not changed:
        return
    updates = [
        "updated_at = max(updated_at, ?)" if name == "updated_at" else f"{name} = ?"
        for name in changed
    ]
    connection.execute(
        f"UPDATE session SET {', '.join(updates)} WHERE id = ?", (*changed.values(), session.id)
    )


def _save_draft(
    connection: sqlite3.Connection, session: Session, before: Session | None = None
) -> None:
    """Save a draft's attachments and cursor. Unchanged attachments are not written again."""
    draft = session.whole_draft
    if not draft.attachments and draft.cursor is None:
        connection.execute("DELETE FROM draft WHERE session_id = ?", (session.id,))
    elif before is not None and before.draft_attachments == draft.attachments:
        found = connection.execute(
            "UPDATE draft SET cursor = ? WHERE session_id = ?", (draft.cursor, session.id)
        )
        if not found.rowcount:
            _save_draft(connection, session)
    else:
        connection.execute(
            "INSERT OR REPLACE INTO draft SELECT id, ?, ? FROM session WHERE id = ?",
            (encode_parts(draft.attachments), draft.cursor, session.id),
        )


def _load_attachments(
    connection: sqlite3.Connection, session_id: str
) -> tuple[tuple[Attachment, ...], int | None]:
    """The attachments of a session's draft, and the position of its cursor."""
    row = connection.execute(
        "SELECT attachments, cursor FROM draft WHERE session_id = ?", (session_id,)
    ).fetchone()
    if row is None:
        return (), None
    parts = (part for part in read_parts(row[0]) if isinstance(part, Attachment))
    return tuple(parts), row[1]


_COLUMNS = (
    "title",
    "is_title_given",
    "created_at",
    "updated_at",
    "settings",
    "head_id",
    "draft",
    "deleted_at",
    "source",
    "client",
)


def _session_values(session: Session) -> tuple[object, ...]:
    """The values of `_COLUMNS`."""
    return (
        storable(session.title),
        int(session.is_title_given),
        to_ms(session.created_at),
        to_ms(session.updated_at),
        encode_settings(session.settings),
        session.head_id,
        storable(session.draft),
        to_ms(session.deleted_at) if session.deleted_at else None,
        storable(session.source),
        storable(session.client),
    )


def storable(text: str) -> str:
    """The text without lone surrogates, which SQLite can't keep."""
    return sound(text)


def insert_message(connection: sqlite3.Connection, session_id: str, message: Message) -> None:
    """Save a message. Saving it again changes nothing."""
    insert_messages(connection, session_id, (message,))


def insert_messages(
    connection: sqlite3.Connection, session_id: str, messages: Iterable[Message]
) -> None:
    """Save messages, each after its parent. Saving one again changes nothing."""
    connection.executemany(
        "INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                message.id,
                session_id,
                message.parent_id,
                message.role.value,
                encode_parts(() if message.role is Role.ASSISTANT else message.parts),
                to_ms(message.created_at),
            )
            for message in messages
        ),
    )


def update_parts(connection: sqlite3.Connection, message: Message) -> None:
    """Save the changed parts of a message."""
    connection.execute(
        "UPDATE message SET parts = ? WHERE id = ?", (encode_parts(message.parts), message.id)
    )


def set_head(connection: sqlite3.Connection, session_id: str, message: Message) -> None:
    """Make a message the end of its session's current branch."""
    connection.execute(
        "UPDATE session SET head_id = ?, updated_at = max(updated_at, ?) WHERE id = ?",
        (message.id, to_ms(message.created_at), session_id),
    )


def insert_exchange(
    connection: sqlite3.Connection,
    session_id: str,
    messages: Sequence[Message],
    exchange: Exchange,
    writer: str,
) -> None:
    """Save an exchange that starts, as the newest source of its messages."""
    for message in messages:
        insert_message(connection, session_id, message)
    first = messages[0].sources[-1]
    connection.execute(
        "INSERT INTO exchange VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, NULL)",
        (
            exchange.id,
            session_id,
            messages[0].id,
            len(messages[0].sources) - 1,
            first.choice_index,
            exchange.state.value,
            writer,
            storable(exchange.model),
            to_ms(exchange.started_at),
            encode_exchange(exchange),
        ),
    )
    for message in messages:
        insert_sources(connection, message)


def insert_sources(connection: sqlite3.Connection, message: Message) -> None:
    """Save the exchanges of a message, unless they are already saved."""
    insert_sources_of(connection, (message,))


def insert_sources_of(connection: sqlite3.Connection, messages: Iterable[Message]) -> None:
    """Save the exchanges of messages, unless they are already saved."""
    connection.executemany(
        "INSERT OR IGNORE INTO source VALUES (?, ?, ?, ?)",
        [
            (message.id, position, source.exchange_id, source.choice_index)
            for message in messages
            for position, source in enumerate(message.sources)
        ],
    )


def load_session(connection: sqlite3.Connection, session_id: str) -> StoredSession:
    """A session, the messages of its whole tree, oldest first, and their exchanges."""
    row = connection.execute(
        "SELECT id, title, is_title_given, created_at, updated_at, settings, head_id, draft, "
        "deleted_at, source, client FROM session WHERE id = ?",
        (session_id,),
    ).fetchone()
    if row is None:
        raise SessionNotFound(
            f"There is no session {session_id}.", "See `replyscope sessions list`."
        )
    attachments, cursor = _load_attachments(connection, session_id)
    session = Session(
        id=row[0],
        title=row[1],
        is_title_given=bool(row[2]),
        created_at=from_ms(row[3]),
        updated_at=from_ms(row[4]),
        settings=read_settings(row[5]),
        head_id=row[6],
        draft=row[7],
        deleted_at=from_ms(row[8]) if row[8] is not None else None,
        draft_attachments=attachments,
        draft_cursor=cursor,
        stashed=count_stash(connection, session_id),
        source=row[9],
        client=row[10],
    )
    messages = _load_messages(connection, session_id)
    return StoredSession(session, messages, *load_exchanges(connection, session_id))


def session_stamp(connection: sqlite3.Connection, session_id: str) -> SessionStamp:
    """A value that changes when the session changes."""
    row = connection.execute(
        "SELECT head_id, title, "
        "(SELECT count(*) FROM exchange WHERE session_id = session.id), "
        "(SELECT count(*) FROM exchange WHERE session_id = session.id AND writer IS NOT NULL), "
        "deleted_at IS NOT NULL "
        "FROM session WHERE id = ?",
        (session_id,),
    ).fetchone()
    if row is None:
        raise SessionNotFound(
            f"There is no session {session_id} any more.", "See `replyscope sessions list`."
        )
    head_id, title, exchanges, open_exchanges, is_deleted = row
    return SessionStamp(head_id, title, exchanges, open_exchanges, bool(is_deleted))


def _load_messages(connection: sqlite3.Connection, session_id: str) -> tuple[Message, ...]:
    sources: dict[str, list[ReplySource]] = {}
    for message_id, exchange_id, choice_index in connection.execute(
        "SELECT message_id, exchange_id, choice_index FROM source "
        "JOIN message ON message.id = message_id WHERE session_id = ? "
        "ORDER BY message_id, position",
        (session_id,),
    ):
        sources.setdefault(message_id, []).append(ReplySource(exchange_id, choice_index))
    rows = connection.execute(
        "SELECT id, parent_id, role, parts, created_at FROM message WHERE session_id = ? "
        "ORDER BY created_at, rowid",
        (session_id,),
    )
    return tuple(
        Message(
            id=message_id,
            role=Role(role),
            parts=read_parts(parts),
            created_at=from_ms(created_at),
            parent_id=parent_id,
            sources=tuple(sources.get(message_id, ())),
        )
        for message_id, parent_id, role, parts, created_at in rows
    )


_SHELVES = {
    Shelf.LISTED: "deleted_at IS NULL AND archived_at IS NULL",
    Shelf.ARCHIVED: "deleted_at IS NULL AND archived_at IS NOT NULL",
    Shelf.DELETED: "deleted_at IS NOT NULL",
}
_NEWEST = "ORDER BY updated_at DESC, id LIMIT ?"
_CHOSEN = {
    False: f"SELECT id FROM session WHERE {{0}} {_NEWEST}",
    True: (
        f"SELECT * FROM (SELECT id FROM session WHERE pinned_at IS NOT NULL AND {{0}} {_NEWEST}) "
        f"UNION ALL "
        f"SELECT * FROM (SELECT id FROM session WHERE pinned_at IS NULL AND {{0}} {_NEWEST})"
    ),
}
"""The sessions of a shelf, by whether the pinned ones are first. Indexes have them in order."""
_SUMMARY = """
SELECT s.id, s.title, s.created_at, s.updated_at,
       (SELECT count(*) FROM exchange e WHERE e.session_id = s.id),
       newest.model, newest.state, s.pinned_at, s.archived_at,
       (SELECT group_concat(name, char(10)) FROM tag WHERE session_id = s.id),
       s.source, s.client
FROM session s
LEFT JOIN exchange newest ON newest.id = (
    SELECT id FROM exchange WHERE session_id = s.id ORDER BY started_at DESC LIMIT 1)
WHERE s.id = ?
"""


def summarise_sessions(
    connection: sqlite3.Connection,
    *,
    session_id: str | None = None,
    limit: int | None = None,
    pinned_first: bool = False,
    shelf: Shelf = Shelf.LISTED,
) -> tuple[SessionSummary, ...]:
    """The summaries of one session, or of a shelf's sessions, newest first.

    The sessions are chosen before anything else of them is read: a list shows some of thousands.
    """
    most = -1 if limit is None else limit
    if session_id is None:
        sql, values = _CHOSEN[pinned_first].format(_SHELVES[shelf]), (most, most)
        ids = connection.execute(sql, values[: 1 + pinned_first]).fetchall()[:limit]
    else:
        ids = [(session_id,)]
    found = (connection.execute(_SUMMARY, one).fetchone() for one in ids)
    return tuple(_summary(row) for row in found if row is not None)


def _summary(row: tuple[Any, ...]) -> SessionSummary:
    """The summary of a row of `summarise_sessions`."""
    return SessionSummary(
        id=row[0],
        title=row[1],
        model=row[5],
        created_at=from_ms(row[2]),
        updated_at=from_ms(row[3]),
        exchange_count=row[4],
        state=row[6] or "empty",
        is_pinned=row[7] is not None,
        is_archived=row[8] is not None,
        tags=tuple(sorted(row[9].split("\n"))) if row[9] else (),
        source=row[10],
        client=row[11],
    )


def find_session_id(connection: sqlite3.Connection, prefix: str) -> str:
    """The id that equals `prefix`, or the only id with this beginning."""
    rows = connection.execute(
        "SELECT id FROM session WHERE substr(id, 1, ?) = ? ORDER BY length(id) LIMIT 2",
        (len(prefix), prefix),
    ).fetchall()
    if prefix and (len(rows) == 1 or (rows and rows[0][0] == prefix)):
        return str(rows[0][0])
    message = f"Several sessions begin with {prefix!r}." if rows else f"No session {prefix!r}."
    raise SessionNotFound(message, "See `replyscope sessions list`.")


def tags_of(connection: sqlite3.Connection, session_id: str) -> tuple[str, ...]:
    """A session's tags, by name."""
    rows = connection.execute(
        "SELECT name FROM tag WHERE session_id = ? ORDER BY name", (session_id,)
    )
    return tuple(name for (name,) in rows)

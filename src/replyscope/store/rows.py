"""Reads and writes sessions and messages, one function per statement."""

import sqlite3
from collections.abc import Iterable

from replyscope.domain.errors import SessionNotFound
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.session import Session, SessionSummary, StoredSession
from replyscope.store.codec import (
    decode_exchange,
    decode_parts,
    decode_settings,
    encode_exchange,
    encode_parts,
    encode_settings,
    from_ms,
    to_ms,
)


def insert_session(connection: sqlite3.Connection, session: Session) -> None:
    """Save a new session."""
    connection.execute(
        "INSERT INTO session (id, title, is_title_given, created_at, updated_at, settings, "
        "head_id, draft, deleted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (session.id, *_session_values(session)),
    )


def update_session(connection: sqlite3.Connection, session: Session) -> None:
    """Save a session's head."""
    connection.execute(
        "UPDATE session SET title = ?, is_title_given = ?, created_at = ?, "
        "updated_at = max(updated_at, ?), settings = ?, head_id = ?, draft = ?, deleted_at = ? "
        "WHERE id = ?",
        (*_session_values(session), session.id),
    )


def _session_values(session: Session) -> tuple[object, ...]:
    return (
        session.title,
        int(session.is_title_given),
        to_ms(session.created_at),
        to_ms(session.updated_at),
        encode_settings(session.settings),
        session.head_id,
        session.draft,
        to_ms(session.deleted_at) if session.deleted_at else None,
    )


def insert_message(connection: sqlite3.Connection, session_id: str, message: Message) -> None:
    """Save a message and make it its session's head. Saving it twice changes nothing more."""
    connection.execute(
        "INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?)",
        (
            message.id,
            session_id,
            message.parent_id,
            message.role.value,
            encode_parts(() if message.role is Role.ASSISTANT else message.parts),
            to_ms(message.created_at),
        ),
    )
    connection.execute(
        "UPDATE session SET head_id = ?, updated_at = max(updated_at, ?) WHERE id = ?",
        (message.id, to_ms(message.created_at), session_id),
    )


def insert_exchange(
    connection: sqlite3.Connection,
    session_id: str,
    message: Message,
    exchange: Exchange,
    writer: str,
) -> None:
    """Save an exchange that starts, as the newest source of its message."""
    insert_message(connection, session_id, message)
    source = next(s for s in message.sources if s.exchange_id == exchange.id)
    connection.execute(
        "INSERT INTO exchange VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)",
        (
            exchange.id,
            session_id,
            message.id,
            message.sources.index(source),
            source.choice_index,
            exchange.state.value,
            writer,
            exchange.model,
            to_ms(exchange.started_at),
            encode_exchange(exchange),
        ),
    )


def load_session(connection: sqlite3.Connection, session_id: str) -> StoredSession:
    """A session, the messages from its root to its head, and their exchanges."""
    row = connection.execute(
        "SELECT id, title, is_title_given, created_at, updated_at, settings, head_id, draft, "
        "deleted_at FROM session WHERE id = ?",
        (session_id,),
    ).fetchone()
    if row is None:
        raise SessionNotFound(
            f"There is no session {session_id}.", "See `replyscope sessions list`."
        )
    session = Session(
        id=row[0],
        title=row[1],
        is_title_given=bool(row[2]),
        created_at=from_ms(row[3]),
        updated_at=from_ms(row[4]),
        settings=decode_settings(row[5]),
        head_id=row[6],
        draft=row[7],
        deleted_at=from_ms(row[8]) if row[8] is not None else None,
    )
    sources, exchanges = _load_exchanges(connection, session_id)
    messages = _load_branch(connection, session, sources)
    named = {s.exchange_id for message in messages for s in message.sources}
    return StoredSession(session, messages, tuple(e for e in exchanges if e.id in named))


def _load_exchanges(
    connection: sqlite3.Connection, session_id: str
) -> tuple[dict[str, list[ReplySource]], list[Exchange]]:
    rows = connection.execute(
        "SELECT message_id, id, choice_index, folded FROM exchange WHERE session_id = ? "
        "ORDER BY message_id, position",
        (session_id,),
    )
    sources: dict[str, list[ReplySource]] = {}
    exchanges: list[Exchange] = []
    for message_id, exchange_id, choice_index, folded in rows:
        sources.setdefault(message_id, []).append(ReplySource(exchange_id, choice_index))
        exchanges.append(decode_exchange(folded))
    return sources, exchanges


def _load_branch(
    connection: sqlite3.Connection, session: Session, sources: dict[str, list[ReplySource]]
) -> tuple[Message, ...]:
    rows = {
        row[0]: row
        for row in connection.execute(
            "SELECT id, parent_id, role, parts, created_at FROM message WHERE session_id = ?",
            (session.id,),
        )
    }
    branch: list[Message] = []
    message_id = session.head_id
    while message_id is not None and message_id in rows:
        # Popping also ends a walk through a damaged tree that runs in a circle.
        _, parent_id, role, parts, created_at = rows.pop(message_id)
        branch.append(
            Message(
                id=message_id,
                role=Role(role),
                parts=decode_parts(parts),
                created_at=from_ms(created_at),
                parent_id=parent_id,
                sources=tuple(sources.get(message_id, ())),
            )
        )
        message_id = parent_id
    return tuple(reversed(branch))


def summarise_sessions(
    connection: sqlite3.Connection, *, session_id: str | None = None, limit: int | None = None
) -> tuple[SessionSummary, ...]:
    """One session, or those that are not deleted, newest first."""
    rows: Iterable[tuple[str, str, int, int, int, str | None, str | None]] = connection.execute(
        """
        SELECT s.id, s.title, s.created_at, s.updated_at,
               (SELECT count(*) FROM exchange e WHERE e.session_id = s.id),
               newest.model, newest.state
        FROM session s
        LEFT JOIN exchange newest ON newest.id = (
            SELECT id FROM exchange WHERE session_id = s.id ORDER BY started_at DESC LIMIT 1)
        WHERE CASE WHEN ?1 IS NULL THEN s.deleted_at IS NULL ELSE s.id = ?1 END
        ORDER BY s.updated_at DESC, s.id LIMIT ?2
        """,
        (session_id, -1 if limit is None else limit),
    )
    return tuple(
        SessionSummary(
            id=row[0],
            title=row[1],
            model=row[5],
            created_at=from_ms(row[2]),
            updated_at=from_ms(row[3]),
            exchange_count=row[4],
            state=row[6] or "empty",
        )
        for row in rows
    )


def find_session_id(connection: sqlite3.Connection, prefix: str) -> str:
    """The one session whose id begins with the prefix."""
    rows = connection.execute(
        "SELECT id FROM session WHERE substr(id, 1, ?) = ? LIMIT 2", (len(prefix), prefix)
    ).fetchall()
    if len(rows) == 1 and prefix:
        return str(rows[0][0])
    message = f"Several sessions begin with {prefix!r}." if rows else f"No session {prefix!r}."
    raise SessionNotFound(message, "See `replyscope sessions list`.")

"""Saves the calls of watched programs, and finds the conversations that they continue.

Implements WatchStore.
"""

import sqlite3
from collections.abc import Callable, Sequence

from replyscope.domain.json_values import from_ms, to_ms
from replyscope.domain.message import ReplySource, Role
from replyscope.domain.stores import Journal
from replyscope.domain.watched_store import NewCall, Place
from replyscope.store import rows
from replyscope.store.importing import insert_ended
from replyscope.store.index import note_unindexed, note_unindexed_under
from replyscope.store.requests import save_request
from replyscope.store.sqlite_store import SqliteStore

_AT_ONCE = 500
"""The keys of one SELECT; SQLite allows 999 parameters in old versions."""


MOST_ALIKE = 100
"""The number of places kept for one key, newest first. A script that always sends the same
messages adds one with each run, and a lookup reads them all.
"""
_BEGUN = b""
"""The key of a reply that has begun: no request has it, it only marks the message as watched."""


class SqliteWatchStore:
    """The watched sessions of a store.

    `store` is a callable: each call asks whether it is saved on disk or in memory.
    """

    def __init__(self, store: Callable[[], SqliteStore]) -> None:
        self._store = store

    async def find_places(self, keys: Sequence[bytes]) -> tuple[Place, ...]:
        """The known places of sessions that are not deleted, newest first."""
        wanted = tuple(keys)
        return await self._store().database.read(lambda c: _find_places(c, wanted))

    async def begin_call(self, call: NewCall) -> Journal:
        """Save a call that starts, in one transaction."""
        store = self._store()
        journal = await store.begin(call.opening.id, lambda c: _insert_call(c, call, store.writer))
        if call.is_new:
            store.note_session(call.session.id)
        return journal

    async def add_places(self, places: Sequence[Place]) -> None:
        """Save the places of a reply that has ended; places of removed messages are skipped."""
        given = tuple(places)
        await self._store().database.write(lambda c: _insert_places(c, given))


def _find_places(connection: sqlite3.Connection, keys: Sequence[bytes]) -> tuple[Place, ...]:
    found: list[tuple[bytes, str, str, int, int, str, str | None, int | None]] = []
    for first in range(0, len(keys), _AT_ONCE):
        some = keys[first : first + _AT_ONCE]
        found += connection.execute(
            "SELECT p.key, p.session_id, p.message_id, p.at, p.has_reply, s.client, "
            "source.exchange_id, source.choice_index FROM place p "
            "JOIN session s ON s.id = p.session_id "
            "LEFT JOIN source ON source.message_id = p.message_id AND source.position = 0 "
            f"WHERE p.key IN ({', '.join('?' * len(some))}) AND s.deleted_at IS NULL",
            some,
        ).fetchall()
    found.sort(key=lambda row: row[3], reverse=True)
    return tuple(
        Place(
            key,
            session_id,
            message_id,
            from_ms(at_ms),
            bool(has_reply),
            client,
            (ReplySource(exchange_id, index or 0),) if exchange_id is not None else (),
        )
        for key, session_id, message_id, at_ms, has_reply, client, exchange_id, index in found
    )


def _insert_call(connection: sqlite3.Connection, call: NewCall, writer: str) -> None:
    session = call.session
    if call.is_new:
        rows.insert_session(connection, session)
    homes = {s.exchange_id: m for m in call.messages for s in m.sources}
    for message in call.messages:
        rows.insert_message(connection, session.id, message)
        if message.role is Role.TOOL:
            note_unindexed_under(connection, message.parent_id)
    for exchange in call.history:
        if insert_ended(connection, session.id, exchange, homes[exchange.id]):
            note_unindexed(connection, exchange.id)
    for message in call.messages:
        rows.insert_sources(connection, message)
    rows.insert_exchange(connection, session.id, call.replies, call.opening, writer)
    if call.sent is not None:
        save_request(connection, call.opening.id, call.sent)
    _insert_places(connection, call.places)
    _move_head(connection, call)
    begun = [(_BEGUN, m.id, session.id, to_ms(m.created_at)) for m in call.replies]
    connection.executemany("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, 1)", begun)


def _move_head(connection: sqlite3.Connection, call: NewCall) -> None:
    """Show the new reply, unless the person has continued the session by hand."""
    first = call.replies[0]
    is_watched = connection.execute(
        "SELECT s.head_id IS NULL OR EXISTS (SELECT 1 FROM place WHERE message_id = s.head_id) "
        "FROM session s WHERE s.id = ?",
        (call.session.id,),
    ).fetchone()
    if is_watched is not None and is_watched[0]:
        rows.set_head(connection, call.session.id, first)


def _insert_places(connection: sqlite3.Connection, places: Sequence[Place]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO place SELECT ?, id, session_id, ?, ? FROM message WHERE id = ?",
        [(p.key, to_ms(p.at), int(p.has_reply), p.message_id) for p in places],
    )
    connection.executemany(
        "DELETE FROM place WHERE key = ? AND at < (SELECT at FROM place WHERE key = ? "
        "ORDER BY at DESC LIMIT 1 OFFSET ?)",
        {(p.key, p.key, MOST_ALIKE - 1) for p in places},
    )

"""Imports and exports sessions, each in one transaction: a whole session or nothing."""

import sqlite3
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from replyscope.domain.errors import ImportConflict
from replyscope.domain.event import WireFrame, WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.json_values import to_ms
from replyscope.domain.message import Message
from replyscope.domain.shared import Shared, Taken
from replyscope.domain.sound_numbers import with_sound_numbers
from replyscope.store import rows
from replyscope.store.codec import encode_exchange
from replyscope.store.frame_codec import encode_frames
from replyscope.store.growing import has_changed, replace_changed
from replyscope.store.index import note_all_unindexed, note_unindexed_under
from replyscope.store.journal import load_frames
from replyscope.store.purged import forget_purged, is_purged
from replyscope.store.requests import load_request, save_request

Place = tuple[str, int, int]
"""The message of an exchange, the position among its exchanges, and the index of the choice."""
_INSERT_ENDED = "INSERT OR IGNORE INTO exchange VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?)"
_AT_ONCE = 500
"""The ids of one SELECT; SQLite allows 999 parameters in old versions."""


def look_for(connection: sqlite3.Connection, shared: Shared) -> Taken:
    """The result of a dry run of an import. Raises ImportConflict."""
    return _look_for(connection, shared, _known_messages(connection, shared))


def _look_for(connection: sqlite3.Connection, shared: Shared, known: set[str]) -> Taken:
    row = connection.execute("SELECT 1 FROM session WHERE id = ?", (shared.session.id,)).fetchone()
    if row is None:
        return Taken.NEW
    if len(known) < len(shared.messages) or has_changed(connection, shared, known):
        return Taken.GROWN
    return Taken.KNOWN


def _known_messages(connection: sqlite3.Connection, shared: Shared) -> set[str]:
    given = {rows.storable(message.id): message.id for message in shared.messages}
    known = set()
    for message_id, session_id in _found(connection, "SELECT id, session_id FROM message", given):
        if session_id != shared.session.id:
            raise ImportConflict(f"One of its messages is already in session {session_id}.")
        known.add(given[message_id])
    return known


def _found(connection: sqlite3.Connection, select: str, ids: Iterable[str]) -> Iterator[Any]:
    """The rows with some ids, which are asked for many at once."""
    every = list(ids)
    for first in range(0, len(every), _AT_ONCE):
        some = every[first : first + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        yield from connection.execute(f"{select} WHERE id IN ({marks})", some).fetchall()


def insert_shared(
    connection: sqlite3.Connection, shared: Shared, *, restores_purged: bool
) -> Taken:
    """Save a session with its tree, its exchanges and their wires.

    New messages are appended to a known session; the person's changes to it (title, tags,
    current branch) are kept. Known messages do not change, except in a session that grows.
    Without `restores_purged`, a session that was purged counts as known.
    """
    if restores_purged:
        forget_purged(connection, shared.session.id)
    elif is_purged(connection, shared.session.id):
        return Taken.KNOWN
    known = _known_messages(connection, shared)
    taken = _look_for(connection, shared, known)
    session = shared.session
    if taken is Taken.KNOWN:
        return taken
    if taken is Taken.NEW:
        rows.insert_session(connection, session)
        connection.executemany(
            "INSERT OR IGNORE INTO tag VALUES (?, ?)", [(session.id, tag) for tag in shared.tags]
        )
    else:
        replace_changed(connection, shared, known)
    _insert_tree(connection, shared, known)
    if taken is Taken.GROWN:
        _move_head(connection, shared, known)
    return taken


def _insert_tree(connection: sqlite3.Connection, shared: Shared, known: Container[str]) -> None:
    """Save the new messages, and the new exchanges with their wires."""
    ordered = _parents_first(shared.messages, _stored_parents(connection, shared))
    new = [message for message in ordered if message.id not in known]
    rows.insert_messages(connection, shared.session.id, new)
    added = _insert_exchanges(connection, shared, ordered)
    for exchange_id in added:
        _insert_wire(connection, shared, exchange_id)
    note_all_unindexed(connection, added)
    rows.insert_sources_of(
        connection,
        [m for m in ordered if any(s.exchange_id in shared.exchanges for s in m.sources)],
    )
    if shared.grows:
        for message in new:
            note_unindexed_under(connection, message.parent_id)


def _insert_exchanges(
    connection: sqlite3.Connection, shared: Shared, ordered: Sequence[Message]
) -> list[str]:
    """Save the exchanges that the store does not have; a fork may share some. Returns their ids."""
    homes: dict[str, Message] = {}
    for message in ordered:
        for source in message.sources:
            homes.setdefault(source.exchange_id, message)
    placed = {rows.storable(one.id): one for one in shared.exchanges.values() if one.id in homes}
    here = {row[0] for row in _found(connection, "SELECT id FROM exchange", placed)}
    new = [one for stored, one in placed.items() if stored not in here]
    connection.executemany(
        _INSERT_ENDED,
        (_ended_row(shared.session.id, one, _place_of(one, homes[one.id])) for one in new),
    )
    return [one.id for one in new]


def _stored_parents(connection: sqlite3.Connection, shared: Shared) -> set[str]:
    """The parents of a piece's messages that are in the store."""
    if not shared.grows:
        return set()
    here = {message.id for message in shared.messages}
    named = {message.parent_id for message in shared.messages} - here - {None}
    found = (
        connection.execute(
            "SELECT id FROM message WHERE id = ? AND session_id = ?", (parent, shared.session.id)
        ).fetchone()
        for parent in named
    )
    return {row[0] for row in found if row is not None}


def insert_ended(
    connection: sqlite3.Connection, session_id: str, exchange: Exchange, home: Message
) -> bool:
    """Insert an exchange unless it exists (a fork may share it). Returns whether it was new."""
    return insert_ended_at(connection, session_id, exchange, _place_of(exchange, home))


def insert_ended_at(
    connection: sqlite3.Connection, session_id: str, exchange: Exchange, place: Place
) -> bool:
    """Insert an exchange at a place. Returns whether it was new."""
    done = connection.execute(_INSERT_ENDED, _ended_row(session_id, exchange, place))
    return done.rowcount > 0


def _place_of(exchange: Exchange, home: Message) -> Place:
    position = [s.exchange_id for s in home.sources].index(exchange.id)
    return home.id, position, home.sources[position].choice_index


def _ended_row(session_id: str, exchange: Exchange, place: Place) -> tuple[object, ...]:
    exchange = with_sound_numbers(exchange)
    reason = exchange.choices[0].finish_reason if exchange.choices else None
    message_id, position, choice_index = place
    return (
        exchange.id,
        session_id,
        message_id,
        position,
        choice_index,
        exchange.state.value,
        rows.storable(exchange.model),
        reason.value if reason else None,
        to_ms(exchange.started_at),
        encode_exchange(exchange),
        exchange.cost_usd,
    )


def _move_head(connection: sqlite3.Connection, shared: Shared, known: set[str]) -> None:
    """Move the head to the new end, unless the person has continued from the old one."""
    here = connection.execute(
        "SELECT head_id FROM session WHERE id = ?", (shared.session.id,)
    ).fetchone()
    head = next((m for m in shared.messages if m.id == shared.session.head_id), None)
    expected = (*known, None, shared.earlier_head_id)
    if head is not None and head.id not in known and here[0] in expected:
        rows.set_head(connection, shared.session.id, head)


def read_shared(connection: sqlite3.Connection, session_id: str, *, with_wire: bool) -> Shared:
    """A session with its tree, labels and exchanges. Raises SessionNotFound."""
    stored = rows.load_session(connection, session_id)
    records = (
        {
            exchange_id: WireRecord(
                load_request(connection, exchange_id), load_frames(connection, exchange_id)
            )
            for exchange_id in stored.exchanges
        }
        if with_wire
        else {}
    )
    tags = rows.tags_of(connection, session_id)
    return Shared(stored.session, stored.messages, stored.exchanges, tags, records)


def _insert_wire(connection: sqlite3.Connection, shared: Shared, exchange_id: str) -> None:
    record = shared.records.get(exchange_id)
    if record is None:
        return
    if record.request is not None:
        save_request(connection, exchange_id, record.request)
    insert_frames(connection, exchange_id, record.frames)


def insert_frames(
    connection: sqlite3.Connection, exchange_id: str, frames: Sequence[WireFrame]
) -> None:
    """Save the frames of an ended exchange, unless it has some."""
    if frames:
        connection.execute(
            "INSERT OR IGNORE INTO segment VALUES (?, 0, ?)", (exchange_id, encode_frames(frames))
        )


def _parents_first(messages: tuple[Message, ...], stored: set[str]) -> list[Message]:
    """The messages, each after its parent. A message whose parent is neither here nor stored
    becomes a root.
    """
    known = {message.id: message for message in messages}
    order: list[Message] = []
    done: set[str] = set()
    for message in messages:
        path: list[Message] = []
        step: Message | None = message
        while step is not None and step.id not in done:
            done.add(step.id)
            path.append(step)
            step = known.get(step.parent_id or "")
        is_missing = path and step is None and path[-1].parent_id not in stored
        if is_missing or (step is not None and step in path):
            path[-1] = replace(path[-1], parent_id=None)  # the parent is missing, or a cycle
        order += reversed(path)
    return order

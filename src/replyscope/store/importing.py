"""Whole sessions, out of the file and into it: all of one, or nothing."""

import sqlite3

from replyscope.domain.event import WireRecord
from replyscope.domain.json_values import to_ms
from replyscope.domain.message import Message
from replyscope.domain.shared import Shared
from replyscope.store import rows
from replyscope.store.codec import encode_exchange, encode_frames
from replyscope.store.index import note_unindexed
from replyscope.store.journal import load_frames
from replyscope.store.requests import load_request, save_request
from replyscope.store.search import tags_of


def has_session(connection: sqlite3.Connection, session_id: str) -> bool:
    """Whether there is a session of that id, deleted or not."""
    row = connection.execute("SELECT 1 FROM session WHERE id = ?", (session_id,)).fetchone()
    return row is not None


def insert_shared(connection: sqlite3.Connection, shared: Shared) -> None:
    """Save a session with its tree, its exchanges and their wires."""
    session = shared.session
    rows.insert_session(connection, session)
    homes: dict[str, Message] = {}
    for message in _parents_first(shared.messages):
        rows.insert_message(connection, session.id, message)
        for source in message.sources:
            homes.setdefault(source.exchange_id, message)
    for exchange in shared.exchanges.values():
        home = homes.get(exchange.id)
        if home is None:
            continue  # nothing shows it
        position = [s.exchange_id for s in home.sources].index(exchange.id)
        reason = exchange.choices[0].finish_reason if exchange.choices else None
        connection.execute(
            "INSERT OR IGNORE INTO exchange VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?)",
            (
                exchange.id,
                session.id,
                home.id,
                position,
                home.sources[position].choice_index,
                exchange.state.value,
                exchange.model,
                reason.value if reason else None,
                to_ms(exchange.started_at),
                encode_exchange(exchange),
                exchange.cost_usd,
            ),
        )
        _insert_wire(connection, shared, exchange.id)
        note_unindexed(connection, exchange.id)
    for message in shared.messages:
        known = tuple(s for s in message.sources if s.exchange_id in shared.exchanges)
        if known:
            rows.insert_sources(connection, message)
    connection.executemany(
        "INSERT OR IGNORE INTO tag VALUES (?, ?)", [(session.id, tag) for tag in shared.tags]
    )


def read_shared(connection: sqlite3.Connection, session_id: str, *, with_wire: bool) -> Shared:
    """A session with all that belongs to it, in one go. Raises SessionNotFound."""
    stored = rows.load_session(connection, session_id)
    records = (
        {
            exchange.id: WireRecord(
                load_request(connection, exchange.id), load_frames(connection, exchange.id)
            )
            for exchange in stored.exchanges
        }
        if with_wire
        else {}
    )
    exchanges = {exchange.id: exchange for exchange in stored.exchanges}
    tags = tags_of(connection, session_id)
    return Shared(stored.session, stored.messages, exchanges, tags, records)


def _insert_wire(connection: sqlite3.Connection, shared: Shared, exchange_id: str) -> None:
    record = shared.records.get(exchange_id)
    if record is None:
        return
    if record.request is not None:
        save_request(connection, exchange_id, record.request)
    if record.frames:
        connection.execute(
            "INSERT OR IGNORE INTO segment VALUES (?, 0, ?)",
            (exchange_id, encode_frames(record.frames)),
        )


def _parents_first(messages: tuple[Message, ...]) -> list[Message]:
    """Each after the one that it answers; one that answers nothing known begins a branch."""
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
        order += reversed(path)
    return order

"""Replaces the messages and replies of a growing log that have changed since they were imported.

A log of a running agent is imported while it is written: the end of a reply may come later. Ids
are derived from the log's ids, so only messages and replies of the same log are replaced.
"""

import sqlite3
from collections.abc import Iterator

from replyscope.domain.exchange import Exchange
from replyscope.domain.foreign import UNKNOWN_MODEL
from replyscope.domain.message import Message, Role
from replyscope.domain.shared import Shared
from replyscope.domain.sound_numbers import with_sound_numbers
from replyscope.store import rows
from replyscope.store.codec import DAMAGE, decode_exchange, encode_exchange, encode_parts
from replyscope.store.index import note_unindexed, note_unindexed_under


def has_changed(connection: sqlite3.Connection, shared: Shared, known: set[str]) -> bool:
    """Whether a known message, reply or title of a growing session has changed."""
    if not shared.grows:
        return False
    return (
        any(True for _ in _changed_messages(connection, shared, known))
        or any(True for _ in _changed_exchanges(connection, shared))
        or _has_new_title(connection, shared)
    )


def replace_changed(connection: sqlite3.Connection, shared: Shared, known: set[str]) -> None:
    """Save the new form of changed messages and replies of a growing session."""
    if not shared.grows:
        return
    for message in list(_changed_messages(connection, shared, known)):
        replace_message(connection, message)
    for exchange, folded in list(_changed_exchanges(connection, shared)):
        replace_exchange(connection, exchange, folded)
    if _has_new_title(connection, shared):
        connection.execute(
            "UPDATE session SET title = ?, is_title_given = 1 WHERE id = ?",
            (rows.storable(shared.session.title), shared.session.id),
        )


def replace_exchange(connection: sqlite3.Connection, exchange: Exchange, folded: bytes) -> None:
    """Save another form of an exchange that has ended."""
    reason = exchange.choices[0].finish_reason if exchange.choices else None
    connection.execute(
        "UPDATE exchange SET state = ?, model = ?, finish_reason = ?, folded = ?, cost_usd = ? "
        "WHERE id = ?",
        (
            exchange.state.value,
            rows.storable(exchange.model),
            reason.value if reason else None,
            folded,
            exchange.cost_usd,
            exchange.id,
        ),
    )
    note_unindexed(connection, exchange.id)


def replace_message(connection: sqlite3.Connection, message: Message) -> None:
    """Save the new parts of a message, and queue the replies around it for indexing."""
    rows.update_parts(connection, message)
    note_unindexed_under(connection, message.parent_id)
    _note_replies_below(connection, message)


def _has_new_title(connection: sqlite3.Connection, shared: Shared) -> bool:
    """Whether the log has a title now, and neither it nor the person had given one before."""
    row = connection.execute(
        "SELECT is_title_given FROM session WHERE id = ?", (shared.session.id,)
    ).fetchone()
    return shared.session.is_title_given and row is not None and not row[0]


def _changed_messages(
    connection: sqlite3.Connection, shared: Shared, known: set[str]
) -> Iterator[Message]:
    for message in shared.messages:
        if message.id not in known or message.role is Role.ASSISTANT:
            continue
        row = connection.execute("SELECT parts FROM message WHERE id = ?", (message.id,)).fetchone()
        if row is not None and row[0] != encode_parts(message.parts):
            yield message


def _changed_exchanges(
    connection: sqlite3.Connection, shared: Shared
) -> Iterator[tuple[Exchange, bytes]]:
    for exchange in map(with_sound_numbers, shared.exchanges.values()):
        row = connection.execute(
            "SELECT folded FROM exchange WHERE id = ?", (exchange.id,)
        ).fetchone()
        folded = encode_exchange(exchange)
        if row is not None and row[0] != folded and not _is_poorer(exchange, row[0]):
            yield exchange, folded


def _is_poorer(exchange: Exchange, stored: bytes) -> bool:
    """Whether the stored reply has a model or usage, and the new form has not: a copy of a reply
    in the messages of a later request has only its text.
    """
    try:
        before = decode_exchange(stored)
    except DAMAGE:
        return False
    loses_model = exchange.model == UNKNOWN_MODEL != before.model
    return loses_model or (exchange.usage is None and before.usage is not None)


def _note_replies_below(connection: sqlite3.Connection, message: Message) -> None:
    """Queue the replies to a message for indexing: their search data contains its text."""
    connection.execute(
        "INSERT OR IGNORE INTO unindexed SELECT source.exchange_id FROM source "
        "JOIN message ON message.id = source.message_id WHERE message.parent_id = ?",
        (message.id,),
    )

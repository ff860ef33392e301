"""The table of replies that providers may still store."""

import sqlite3

from replyscope.domain.exchange import SENDABLE, Api, Exchange
from replyscope.domain.json_values import from_ms, to_ms
from replyscope.domain.remote import RemoteReply, RemoteState


def note_remote(connection: sqlite3.Connection, exchange: Exchange) -> None:
    """Save the provider's id of an exchange's reply, unless it is already saved."""
    if exchange.response_id is None or exchange.api not in SENDABLE:
        return
    known = {True: RemoteState.KEPT, False: RemoteState.NOT_KEPT, None: RemoteState.UNKNOWN}
    connection.execute(
        "INSERT OR IGNORE INTO remote "
        "SELECT ?, ?, ?, ?, ?, session_id, ?, ? FROM exchange WHERE id = ?",
        (
            exchange.response_id,
            exchange.api.value,
            exchange.endpoint,
            exchange.base_url,
            exchange.answered_model or exchange.model,
            to_ms(exchange.started_at),
            known[exchange.is_stored].value,
            exchange.id,
        ),
    )


def list_remote(connection: sqlite3.Connection) -> tuple[RemoteReply, ...]:
    """Every remote reply, newest first."""
    rows = connection.execute(
        "SELECT response_id, api, endpoint, base_url, model, session_id, seen_at, state "
        "FROM remote ORDER BY seen_at DESC"
    )
    return tuple(
        RemoteReply(
            response_id,
            Api(api),
            endpoint,
            base_url,
            model,
            session_id,
            from_ms(seen_at),
            RemoteState(state),
        )
        for response_id, api, endpoint, base_url, model, session_id, seen_at, state in rows
    )


def set_remote_state(connection: sqlite3.Connection, response_id: str, state: RemoteState) -> None:
    """Update the state of a remote reply."""
    connection.execute(
        "UPDATE remote SET state = ? WHERE response_id = ?", (state.value, response_id)
    )

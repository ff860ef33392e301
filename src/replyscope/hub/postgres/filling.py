"""Fills the tables of the review from the entries of a push, in its transaction."""

from collections.abc import Mapping, Sequence

from replyscope.domain.hub import HubEntry
from replyscope.domain.hub_merge import StampedField
from replyscope.domain.message import Message
from replyscope.hub.postgres.bodies import PlacedExchange, read_body
from replyscope.hub.postgres.connecting import Connection, named
from replyscope.hub.postgres.replies import (
    Describe,
    Sent,
    SentMessage,
    affected_by,
    put_messages,
    put_replies,
)
from replyscope.hub.postgres.sessions import ensure_sessions, put_changes

_REVIEW = (("reply", "session_id"), ("message", "session_id"), ("session_field", "session_id"))
_NO_ENTRIES = """
SELECT id FROM unnest(%s::text[]) AS n (id) WHERE NOT EXISTS (
    SELECT 1 FROM {schema}.entry e WHERE e.owner = session_user AND e.session_id = n.id
)
"""
_ORPHANS = """
DELETE FROM {schema}.reply r WHERE r.owner = session_user AND r.session_id = ANY (%s)
AND NOT EXISTS (
    SELECT 1 FROM {schema}.entry e
    WHERE e.owner = session_user AND e.kind = 'exchange' AND e.id = r.exchange_id
)
"""


def fill(
    connection: Connection,
    schema: str,
    machine: str,
    entries: Sequence[HubEntry],
    describe: Describe,
) -> None:
    """Add entries to the tables of the review. Encrypted and damaged ones are left out."""
    changes: list[tuple[str, Mapping[str, StampedField]]] = []
    messages: list[SentMessage] = []
    sent: dict[str, Sent] = {}
    session_ids: set[str] = set()
    for entry in entries:
        key, session_id = entry.id, entry.session_id
        match read_body(entry):
            case None:
                continue
            case Message() as body:
                messages.append(SentMessage(key, session_id, entry.is_shared, body))
            case PlacedExchange() as body:
                sent[key] = Sent(key, session_id, machine, entry.is_shared, body)
            case body:
                changes.append((session_id, body))
        session_ids.add(session_id)
    if not session_ids:
        return
    ensure_sessions(connection, schema, session_ids)
    put_changes(connection, schema, changes)
    put_messages(connection, schema, messages)
    sent = affected_by(connection, schema, messages, sent) | sent
    put_replies(connection, schema, sent, {one.id: one for one in messages}, describe)


def forget_sessions(connection: Connection, schema: str, session_ids: list[str]) -> None:
    """Remove everything of sessions of this owner, in every machine's log and in the review."""
    delete = "DELETE FROM {schema}.entry WHERE owner = session_user AND session_id = ANY (%s)"
    connection.execute(named(schema, f"{delete} AND kind <> 'purge'"), (session_ids,))
    _forget_review(connection, schema, session_ids)


def forget_withdrawn(connection: Connection, schema: str, session_ids: list[str]) -> None:
    """Remove from the review what no machine's log has any more."""
    rows = connection.execute(named(schema, _NO_ENTRIES), (session_ids,)).fetchall()
    _forget_review(connection, schema, [str(key) for (key,) in rows])
    connection.execute(named(schema, _ORPHANS), (session_ids,))


def _forget_review(connection: Connection, schema: str, session_ids: list[str]) -> None:
    for table, key in (*_REVIEW, ("session", "id")):
        connection.execute(
            named(
                schema,
                f"DELETE FROM {{schema}}.{table} WHERE owner = session_user AND {key} = ANY (%s)",
            ),
            (session_ids,),
        )
    connection.execute(named(schema, "SELECT {schema}.drop_words(%s)"), (session_ids,))

"""Fills the tables of the review from the entries of a push, in its transaction."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from replyscope.domain.hub import HubEntry
from replyscope.domain.hub_merge import StampedField
from replyscope.domain.message import Message
from replyscope.hub.postgres.bodies import PlacedExchange, read_body
from replyscope.hub.postgres.connecting import Connection, named
from replyscope.hub.postgres.replies import (
    Around,
    Describe,
    Sent,
    SentMessage,
    affected_by,
    look_around,
    put_messages,
    put_replies,
)
from replyscope.hub.postgres.sessions import ensure_sessions, mark_sessions, put_changes

_AT_ONCE = 100
"""The replies whose words are made while the server writes those before them."""
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


@dataclass(slots=True)
class Content:
    """What entries have for the review. Encrypted and damaged ones are left out."""

    session_ids: set[str] = field(default_factory=set)
    changes: list[tuple[str, Mapping[str, StampedField]]] = field(default_factory=list)
    messages: list[SentMessage] = field(default_factory=list)
    sent: dict[str, Sent] = field(default_factory=dict)
    around: Mapping[str, Around] = field(default_factory=dict)


@dataclass(slots=True)
class Filling:
    """Fills the tables of the review from the entries of one push, in its transaction.

    `machine` is its name. The steps are `read`, `put_trees` and `put_replies`; the entries are
    written before the last one, which asks the server for nothing.
    """

    connection: Connection
    schema: str
    machine: str
    describe: Describe

    def read(self, entries: Iterable[HubEntry]) -> Content:
        """The content of entries."""
        found = Content()
        for entry in entries:
            key, session_id = entry.id, entry.session_id
            match read_body(entry):
                case None:
                    continue
                case Message() as body:
                    found.messages.append(SentMessage(key, session_id, entry.is_shared, body))
                case PlacedExchange() as body:
                    found.sent[key] = Sent(key, session_id, self.machine, entry.is_shared, body)
                case body:
                    found.changes.append((session_id, body))
            found.session_ids.add(session_id)
        return found

    def put_trees(self, content: Content) -> None:
        """Write sessions and messages, and look up what is around the exchanges."""
        connection, schema = self.connection, self.schema
        ensure_sessions(connection, schema, content.session_ids)
        put_changes(connection, schema, content.changes)
        put_messages(connection, schema, content.messages)
        sent = content.sent
        content.sent = affected_by(connection, schema, content.messages, sent) | sent
        messages = {one.id: one for one in content.messages}
        content.around = look_around(connection, schema, content.sent, messages)

    def put_replies(self, content: Content) -> None:
        """Write replies and their words, and set whether the team reads the sessions."""
        mark_sessions(self.connection, self.schema, content.session_ids)
        sent = deque(content.sent.values())
        content.sent = {}  # each exchange is forgotten when its rows are made: it may have 60 MB
        while sent:
            some = (sent.popleft() for _ in range(min(_AT_ONCE, len(sent))))
            put_replies(self.connection, self.schema, some, content.around, self.describe)


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

"""Reads the state of the change log: the hub of the archive, and what waits to leave."""

import json
import sqlite3
from collections.abc import Collection, Mapping

from replyscope.domain.hub import EntryKind, LogHead
from replyscope.domain.hub_bodies import UNSHARED
from replyscope.domain.hub_log import HubMembership, Waiting

_MOST_TITLES = 200
_SESSIONS_WITH_MESSAGES = (
    "SELECT id, title FROM session WHERE EXISTS "
    "(SELECT 1 FROM message WHERE session_id = session.id)"
)
_QUEUED = f"""
SELECT kind, session_id FROM hub_pending p WHERE kind = '{EntryKind.PURGE.value}' OR (
    EXISTS (SELECT 1 FROM message WHERE session_id = p.session_id)
    AND (kind = '{EntryKind.SESSION.value}' OR NOT EXISTS (SELECT 1 FROM hub_field f
        WHERE f.session_id = p.session_id AND f.name = '{UNSHARED}' AND f.value = 'true')))
"""
"""The queued entries that leave: an empty session and what is new in an unshared one stay."""


def read_membership(connection: sqlite3.Connection) -> HubMembership | None:
    """The hub of the archive; None when it takes part in none."""
    row = connection.execute(
        "SELECT url, machine, name, place, former, head_number, head_digest, intended, synced_at "
        "FROM hub"
    ).fetchone()
    if row is None:
        return None
    intended = json.loads(row[7]) if row[7] is not None else None
    return HubMembership(
        row[0],
        row[1],
        row[2],
        row[3],
        tuple(json.loads(row[4])),
        LogHead(row[5], row[6]),
        LogHead(intended[0], intended[1]) if intended is not None else None,
        row[8],
    )


def count_waiting(connection: sqlite3.Connection, leaving: Collection[str] | None) -> Waiting:
    """Count what would leave: the queued changes, or everything before the archive takes part."""
    if read_membership(connection) is not None:
        counts: dict[str, int] = {kind.value: 0 for kind in EntryKind}
        replies: dict[str, int] = {}
        for kind, session_id in connection.execute(_QUEUED):
            if kind == EntryKind.PURGE or leaving is None or session_id in leaving:
                counts[kind] += 1
                replies.setdefault(session_id, 0)
                replies[session_id] += kind == EntryKind.EXCHANGE
        titles = _titles(connection, replies)
        return Waiting(
            len(replies),
            counts[EntryKind.MESSAGE],
            counts[EntryKind.EXCHANGE],
            counts[EntryKind.PURGE],
            titles,
        )
    replies, messages = {}, 0
    for session_id, _ in connection.execute(_SESSIONS_WITH_MESSAGES).fetchall():
        if leaving is None or session_id in leaving:
            replies[session_id] = _count(connection, "exchange", session_id)
            messages += _count(connection, "message", session_id)
    titles = _titles(connection, replies)
    return Waiting(len(replies), messages, sum(replies.values()), 0, titles)


def _count(connection: sqlite3.Connection, table: str, session_id: str) -> int:
    row = connection.execute(
        f"SELECT count(*) FROM {table} WHERE session_id = ?", (session_id,)
    ).fetchone()
    return int(row[0])


def _titles(
    connection: sqlite3.Connection, replies: Mapping[str, int]
) -> tuple[tuple[str, str, int], ...]:
    found = []
    for session_id in list(replies)[:_MOST_TITLES]:
        row = connection.execute("SELECT title FROM session WHERE id = ?", (session_id,)).fetchone()
        found.append((session_id, row[0] if row is not None else "", replies[session_id]))
    return tuple(found)

"""Groups the matches of a search by their sessions."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from replyscope.domain.json_values import from_ms
from replyscope.domain.search import Search, SessionHit, Sort
from replyscope.store.hits import planned
from replyscope.store.matches import sources
from replyscope.store.query_sql import Plan
from replyscope.store.rows import tags_of

_NEWEST = "s.pinned_at IS NULL, max(f.started_at) DESC, s.id"
_ORDERS = {
    Sort.TOKENS: f"count(f.tokens) = 0, total(f.tokens) DESC, {_NEWEST}",
    Sort.COST: f"count(f.cost) = 0, total(f.cost) DESC, {_NEWEST}",
    Sort.TTFT: f"max(f.ttft) IS NULL, max(f.ttft) DESC, {_NEWEST}",
    Sort.DURATION: f"max(f.duration) IS NULL, max(f.duration) DESC, {_NEWEST}",
}


def find_sessions(connection: sqlite3.Connection, search: Search) -> tuple[SessionHit, ...]:
    """The sessions with matching replies, pinned and newest first, or by their sums."""
    source, values = _source(connection, planned(connection, search))
    rows = connection.execute(
        # SQLite takes a bare column from the row that has the maximum.
        "SELECT s.id, s.title, count(*), max(f.started_at), f.message_id, "
        "s.pinned_at IS NOT NULL, s.archived_at IS NOT NULL, s.deleted_at IS NOT NULL, "
        # `total` returns a REAL: an integer sum could overflow.
        "CASE WHEN count(f.tokens) THEN total(f.tokens) END, sum(f.cost) "
        f"{source} GROUP BY s.id ORDER BY {_ORDERS.get(search.sort, _NEWEST)} "
        "LIMIT ? OFFSET ?",
        (*values, search.limit, search.offset),
    ).fetchall()
    return tuple(_session_hit(connection, row) for row in rows)


def _source(connection: sqlite3.Connection, plan: Plan) -> tuple[str, tuple[object, ...]]:
    """FROM and WHERE for the matches of all shards with their sessions."""
    session = "JOIN session s ON s.id = f.session_id"
    if not plan.has_words:
        return f"FROM fact f {session} WHERE {plan.where.sql}", plan.where.values
    connection.execute("DROP TABLE IF EXISTS temp.found")
    connection.execute("CREATE TEMP TABLE found (id INTEGER PRIMARY KEY)")
    for source, values in sources(connection, plan):
        connection.execute(f"INSERT INTO temp.found SELECT f.id {source}", values)
    return f"FROM temp.found JOIN fact f USING (id) {session}", ()


def _session_hit(connection: sqlite3.Connection, row: Sequence[Any]) -> SessionHit:
    name, title, count, newest, message_id, *states, tokens, cost = row
    is_pinned, is_archived, is_deleted = map(bool, states)
    tags = tags_of(connection, name)
    newest_at = from_ms(newest)
    tokens = None if tokens is None else int(tokens)
    labels = (is_pinned, is_archived, is_deleted)
    return SessionHit(name, title, count, newest_at, message_id, *labels, tokens, cost, tags)

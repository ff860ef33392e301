"""Groups the matches of a search by their sessions.

The first page reads the newest matches downwards until it has enough sessions, and then only the
replies of these: it costs the same in any archive.
"""

import heapq
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from replyscope.domain.json_values import from_ms
from replyscope.domain.search import Search, SessionHit, Sort
from replyscope.store.fact_ids import base_of
from replyscope.store.hits import planned
from replyscope.store.matches import downwards, sources
from replyscope.store.query_sql import Plan
from replyscope.store.rows import tags_of
from replyscope.store.shards import Shard, has_earlier, list_shards

_NEWEST = "s.pinned_at IS NULL, max(f.started_at) DESC, s.id"
_ORDERS = {
    Sort.TOKENS: f"count(f.tokens) = 0, total(f.tokens) DESC, {_NEWEST}",
    Sort.COST: f"count(f.cost) = 0, total(f.cost) DESC, {_NEWEST}",
    Sort.TTFT: f"max(f.ttft) IS NULL, max(f.ttft) DESC, {_NEWEST}",
    Sort.DURATION: f"max(f.duration) IS NULL, max(f.duration) DESC, {_NEWEST}",
}
_FOUND = "FROM temp.found JOIN fact f USING (id) JOIN session s ON s.id = f.session_id"
_FEW = 200
"""The sessions of a page. For more of them all matches are read."""
_FEW_REPLIES = 20_000
_NEAR = 1_000
"""Ids that are not farther apart are looked up together: some ten minutes to an hour of replies."""


def find_sessions(connection: sqlite3.Connection, search: Search) -> tuple[SessionHit, ...]:
    """The sessions with matching replies, pinned and newest first, or by their sums."""
    plan = planned(connection, search)
    source, values = _source_of_page(connection, plan, search) or _source(connection, plan)
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
    if not plan.has_words:
        session = "JOIN session s ON s.id = f.session_id"
        return f"FROM fact f {session} WHERE {plan.where.sql}", plan.where.values
    _renew_found(connection)
    for source, values in sources(connection, plan):
        connection.execute(f"INSERT INTO temp.found SELECT f.id {source}", values)
    return _FOUND, ()


def _renew_found(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE IF EXISTS temp.found")
    connection.execute("CREATE TEMP TABLE found (id INTEGER PRIMARY KEY)")


def _source_of_page(
    connection: sqlite3.Connection, plan: Plan, search: Search
) -> tuple[str, tuple[object, ...]] | None:
    """FROM and WHERE for the matches of the sessions that a page may show; None if all matches are
    needed, or a condition that is no plain text would read a full-text table for each reply.
    """
    most = search.offset + search.limit
    is_by_number = search.sort in _ORDERS
    if is_by_number or most > _FEW or (plan.has_words and not plan.match):
        return None
    if has_earlier(connection):
        return None
    pinned = connection.execute("SELECT id FROM session WHERE pinned_at IS NOT NULL").fetchall()
    wanted = {name for (name,) in pinned} | _newest_sessions(connection, plan, most)
    ids = [
        number
        for (number,) in connection.execute(
            "SELECT f.id FROM json_each(?) AS one CROSS JOIN fact f ON f.session_id = one.value "
            "ORDER BY 1 LIMIT ?",
            (json.dumps(sorted(wanted)), _FEW_REPLIES + 1),
        )
    ]
    if len(ids) > _FEW_REPLIES:
        return None
    _renew_found(connection)
    connection.execute("DROP TABLE IF EXISTS temp.of_page")
    connection.execute("CREATE TEMP TABLE of_page (id INTEGER PRIMARY KEY)")
    connection.executemany("INSERT INTO temp.of_page VALUES (?)", ((one,) for one in ids))
    for source, values in _matches_among(plan, list_shards(connection), ids):
        connection.execute(f"INSERT INTO temp.found SELECT f.id {source}", values)
    return _FOUND, ()


def _newest_sessions(connection: sqlite3.Connection, plan: Plan, most: int) -> set[str]:
    """The sessions with the newest matches: `most`, and those of the same time as the last one.

    No id below the base of a time has a reply of this time or later, so the search may stop there.
    """
    newest: dict[str, int] = {}
    end, seen = -1, 0
    for shard in list_shards(connection):
        for started_ms, number, session_id, _ in downwards(connection, plan, shard, most):
            if number < end:
                return set(newest)
            newest[session_id] = max(started_ms, newest.get(session_id, started_ms))
            if len(newest) >= most and len(newest) > seen:
                seen = len(newest)
                end = base_of(heapq.nlargest(most, newest.values())[-1])
    return set(newest)


def _matches_among(
    plan: Plan, shards: Sequence[Shard], ids: Sequence[int]
) -> Iterator[tuple[str, tuple[object, ...]]]:
    """FROM and WHERE for the matches among some replies, whose ids are in `of_page`. Full-text
    tables are read in runs of near ids.
    """
    if not plan.match:
        source, values = plan.source(None)
        yield f"{source} AND f.id IN temp.of_page", values
        return
    for shard in shards:
        source, values = plan.source(shard)
        here = [one for one in ids if shard.first_id <= one < shard.end_id]
        for first, last in _runs(here):
            yield (
                f"{source} AND {shard.table}.rowid BETWEEN ? AND ? AND f.id IN temp.of_page",
                (*values, first, last),
            )


def _runs(ids: Sequence[int]) -> Iterable[tuple[int, int]]:
    """The first and last ids of runs without large gaps."""
    if not ids:
        return ()
    gaps = [(one, other) for one, other in pairwise(ids) if other - one > _NEAR]
    starts = [ids[0], *(other for _, other in gaps)]
    ends = [*(one for one, _ in gaps), ids[-1]]
    return zip(starts, ends, strict=True)


def _session_hit(connection: sqlite3.Connection, row: Sequence[Any]) -> SessionHit:
    name, title, count, newest, message_id, *states, tokens, cost = row
    is_pinned, is_archived, is_deleted = map(bool, states)
    tags = tags_of(connection, name)
    newest_at = from_ms(newest)
    tokens = None if tokens is None else int(tokens)
    labels = (is_pinned, is_archived, is_deleted)
    return SessionHit(name, title, count, newest_at, message_id, *labels, tokens, cost, tags)

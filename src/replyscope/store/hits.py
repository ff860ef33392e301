"""Reads the replies that a search found: rows of results, and their names."""

import json
import sqlite3
from collections.abc import Sequence

from replyscope.domain.json_values import from_ms
from replyscope.domain.search import Hit, Search
from replyscope.domain.snippet import cut_snippet, says
from replyscope.store.index_entry import texts_of
from replyscope.store.matches import ordered_matches
from replyscope.store.query_sql import Plan, plan_query
from replyscope.store.rows import tags_of
from replyscope.store.shards import list_shards
from replyscope.store.usage_sums import CLIENT

_ROW = (
    "SELECT f.exchange_id, f.session_id, f.message_id, s.title, f.model, f.finish, f.state, "
    "f.started_at, f.tokens, f.input, f.output, f.cost, f.ttft, "
    "s.pinned_at IS NOT NULL, s.archived_at IS NOT NULL, s.deleted_at IS NOT NULL, f.id, "
    f"{CLIENT} FROM fact f JOIN session s ON s.id = f.session_id WHERE "
)


def planned(connection: sqlite3.Connection, search: Search) -> Plan:
    """The plan of a search, after registering the SQL functions that it uses."""
    connection.create_function("says", 3, says, deterministic=True)
    return plan_query(search.query, search.now)


def find_hits(connection: sqlite3.Connection, search: Search) -> tuple[Hit, ...]:
    """The replies that match a query, a page in order."""
    plan = planned(connection, search)
    end = search.offset + search.limit
    page = ordered_matches(connection, plan, search.sort, max(1, end))[search.offset : end]
    rows = (connection.execute(_ROW + "f.id = ?", (match[1],)).fetchone() for match in page)
    return tuple(_hit(connection, row, plan) for row in rows if row is not None)


def find_ids(connection: sqlite3.Connection, search: Search) -> tuple[tuple[str, str], ...]:
    """(session id, exchange id) of every match, in order."""
    plan = planned(connection, search)
    found = ordered_matches(connection, plan, search.sort)
    return tuple((session_id, exchange_id) for _, _, session_id, exchange_id in found)


def find_matching(
    connection: sqlite3.Connection, search: Search, exchange_ids: Sequence[str]
) -> frozenset[str]:
    """The exchanges among these that match."""
    plan = planned(connection, search)
    rows = connection.execute(
        "SELECT id FROM fact WHERE exchange_id IN (SELECT value FROM json_each(?))",
        (json.dumps(exchange_ids),),
    )
    fact_ids = [fact_id for (fact_id,) in rows]
    found: set[str] = set()
    for shard in list_shards(connection) if plan.has_words else (None,):
        some = [one for one in fact_ids if shard is None or shard.first_id <= one < shard.end_id]
        if some:
            found |= _fitting(connection, plan.source(shard), some)
    return frozenset(found.intersection(exchange_ids))


def _fitting(
    connection: sqlite3.Connection, source: tuple[str, tuple[object, ...]], fact_ids: Sequence[int]
) -> frozenset[str]:
    sql, values = source
    rows = connection.execute(
        f"SELECT f.exchange_id {sql} AND f.id IN (SELECT value FROM json_each(?))",
        (*values, json.dumps(fact_ids)),
    )
    return frozenset(exchange_id for (exchange_id,) in rows)


def read_hits(
    connection: sqlite3.Connection, search: Search, exchange_ids: Sequence[str]
) -> tuple[Hit, ...]:
    """The matches of some exchanges; removed ones are left out."""
    plan = plan_query(search.query, search.now)
    found = (
        connection.execute(_ROW + "f.exchange_id = ?", (exchange_id,)).fetchone()
        for exchange_id in exchange_ids
    )
    return tuple(_hit(connection, row, plan) for row in found if row is not None)


def _hit(connection: sqlite3.Connection, row: Sequence[object], plan: Plan) -> Hit:
    *values, fact_id, client = row
    assert isinstance(fact_id, int)
    prompt, text, reasoning, calls = texts_of(connection, fact_id)
    snippet, marks = cut_snippet((text, prompt, calls, reasoning), plan.words)
    when = values[7]
    assert isinstance(when, int)
    values[7] = from_ms(when)
    values[-3:] = [bool(value) for value in values[-3:]]
    tags = tags_of(connection, str(values[1]))
    return Hit(*values, snippet, marks, tags, client)  # type: ignore[arg-type,call-arg]

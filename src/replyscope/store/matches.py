"""The replies that match a query, in the order of a search.

The newest replies come from the newest shard downwards, until there are enough. A reply is looked
at only when no earlier one fills its place: fifty results cost the same in any archive.
"""

import heapq
import math
import sqlite3
from collections.abc import Iterator
from typing import Any

from replyscope.domain.search import MOST_RANKED, Sort
from replyscope.store.fact_ids import base_of
from replyscope.store.query_sql import Plan
from replyscope.store.shards import Shard, list_shards

Match = tuple[Any, int, str, str]
"""What orders the matches, the id in the index, the session, the exchange."""
_NAMES = "f.id, f.session_id, f.exchange_id"
_NUMBERS = {
    Sort.TOKENS: "f.tokens",
    Sort.COST: "f.cost",
    Sort.TTFT: "f.ttft",
    Sort.DURATION: "f.duration",
}


def ordered_matches(
    connection: sqlite3.Connection, plan: Plan, sort: Sort, most: int | None = None
) -> list[Match]:
    """The matches in order, all or the first ones."""
    column = _NUMBERS.get(sort)
    if column is not None:
        return _by_number(connection, plan, column, most)
    if sort is Sort.RANK and is_ranked(connection, plan):
        return _by_rank(connection, plan, most)
    if not plan.has_words:
        return _by_time(connection, plan, most)
    found = _all(connection, plan) if most is None else _newest(connection, plan, most)
    return sorted(found, reverse=True)


def is_ranked(connection: sqlite3.Connection, plan: Plan) -> bool:
    """Whether relevance orders the matches: the query has words that at most MOST_RANKED have."""
    if not plan.match:
        return False
    left = MOST_RANKED
    for shard in list_shards(connection):
        some = f"SELECT 1 FROM {_words_of(shard)} MATCH ? LIMIT ?"
        count = connection.execute(f"SELECT count(*) FROM ({some})", (plan.match, left + 1))
        left -= count.fetchone()[0]
        if left < 0:
            return False
    return True


def _words_of(shard: Shard) -> str:
    """The full-text table, up to MATCH. That of older versions has words of removed replies."""
    table = shard.table
    join = "" if shard.is_ordered else f"CROSS JOIN fact ON fact.id = {table}.rowid"
    return f"{table} {join} WHERE {table}"


def sources(connection: sqlite3.Connection, plan: Plan) -> Iterator[tuple[str, tuple[object, ...]]]:
    """FROM and WHERE for all matches: of each shard when the query has words, else of all."""
    for shard in list_shards(connection) if plan.has_words else (None,):
        yield plan.source(shard)


def _by_time(connection: sqlite3.Connection, plan: Plan, most: int | None) -> list[Match]:
    source, values = plan.source(None)
    rows = connection.execute(
        f"SELECT NULL, {_NAMES} {source} ORDER BY f.started_at DESC, f.id DESC LIMIT ?",
        (*values, -1 if most is None else most),
    )
    return rows.fetchall()


def _by_number(
    connection: sqlite3.Connection, plan: Plan, column: str, most: int | None
) -> list[Match]:
    """The largest numbers first, unknown ones last."""
    found: list[Match] = []
    for source, values in sources(connection, plan):
        rows = connection.execute(
            f"SELECT {column}, {_NAMES} {source} "
            f"ORDER BY {column} IS NULL, {column} DESC, f.id DESC LIMIT ?",
            (*values, -1 if most is None else most),
        )
        found += (
            ((number is None, -(number or 0), -row), row, *names) for number, row, *names in rows
        )
    return sorted(found)[:most]


def _by_rank(connection: sqlite3.Connection, plan: Plan, most: int | None) -> list[Match]:
    """The most relevant first. There are at most MOST_RANKED."""
    found: list[Match] = []
    for shard in list_shards(connection):
        source, values = plan.source(shard)
        rows = connection.execute(
            f"SELECT bm25({shard.table}, 1.0, 2.0, 0.5, 1.0), f.started_at, {_NAMES} {source}",
            values,
        ).fetchall()
        weight = _weight(connection, plan, shard) if rows else 1.0
        found += (
            ((rank / weight, -time, -number), number, *names) for rank, time, number, *names in rows
        )
    return sorted(found)[:most]


def _weight(connection: sqlite3.Connection, plan: Plan, shard: Shard) -> float:
    """What FTS5 multiplies the rank of a single word with: more in a shard where it is rarer.

    With several words each has a weight, of which only the sum is known.
    """
    if not plan.is_one_phrase:
        return 1.0
    sql = f"SELECT count(*) FROM {_words_of(shard)} MATCH ?"
    having = connection.execute(sql, (plan.match,)).fetchone()[0]
    weight = math.log((shard.replies - having + 0.5) / (having + 0.5))
    return weight if weight > 0 else 1e-6


def _all(connection: sqlite3.Connection, plan: Plan) -> list[Match]:
    """All matches with their times, in any order."""
    return [
        row
        for source, values in sources(connection, plan)
        for row in connection.execute(f"SELECT f.started_at, {_NAMES} {source}", values)
    ]


def _newest(connection: sqlite3.Connection, plan: Plan, most: int) -> list[Match]:
    """The newest matches with their times, in any order.

    A reply of a time has at least the base of this time as its id, so none of the ids below the
    base of the oldest match that is needed can be newer.
    """
    found: list[Match] = []
    for shard in sorted(list_shards(connection), key=lambda one: one.is_ordered):
        for row in downwards(connection, plan, shard, most):
            if len(found) < most:
                heapq.heappush(found, row)
            elif shard.is_ordered and row[1] < base_of(found[0][0]):
                return found
            else:
                heapq.heappushpop(found, row)
    return found


def downwards(
    connection: sqlite3.Connection, plan: Plan, shard: Shard, most: int
) -> sqlite3.Cursor:
    """The matches of a shard with their times, by their ids downwards; of older versions only the
    newest ones, by their times.
    """
    source, values = plan.source(shard)
    order, limit = "f.started_at DESC, f.id DESC", most
    if shard.is_ordered:
        order, limit = f"{shard.table}.rowid DESC" if plan.match else "f.id DESC", -1
    return connection.execute(
        f"SELECT f.started_at, {_NAMES} {source} ORDER BY {order} LIMIT ?", (*values, limit)
    )

"""Counts the matches of a search by their fields.

The words are read once, shard by shard. What the replies have in common is counted by session and
by set of names (`cells`), of which there are few.
"""

import sqlite3
from collections import Counter

from replyscope.domain.fact_columns import ASKED
from replyscope.domain.query_fields import OWN
from replyscope.domain.query_sql import Condition
from replyscope.domain.search import Facets, Search
from replyscope.store.fact_ids import end_of
from replyscope.store.hits import planned
from replyscope.store.local_days import DAY
from replyscope.store.matches import is_ranked, sources
from replyscope.store.query_sql import EVERY, Plan, cells_for
from replyscope.store.shards import has_earlier, list_shards
from replyscope.store.usage_sums import CLIENT, are_complete

Counts = list[tuple[str, int]]
_TABLES = {
    "found": "session_id TEXT, cell INTEGER, id INTEGER",
    "by_cell": "cell INTEGER, number INTEGER",
    "by_session": "session_id TEXT, number INTEGER",
    "by_origin": "source TEXT, client TEXT, replies INTEGER, sessions INTEGER",
    "earlier": "id INTEGER PRIMARY KEY",
}
"""`earlier` are replies that an older version indexed: they have no set of names yet."""
_MOST = 12
_MOST_DAYS = 31


def count_facets(connection: sqlite3.Connection, search: Search) -> Facets:
    """The number of matches by ending, model, tool, source, client and day."""
    plan = planned(connection, search)
    for name, columns in _TABLES.items():
        connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
        connection.execute(f"CREATE TEMP TABLE {name} ({columns})")
    cells = cells_for(search.query, search.now) if are_complete(connection) else None
    if cells is not None:
        _count_kept(connection, plan, cells)
    elif plan.has_words or has_earlier(connection):
        for source, values in sources(connection, plan):
            _count(connection, source, values)
        _count_origins(connection)
    else:
        _count_fields(connection, plan)
    total, sessions = connection.execute(
        "SELECT total(replies), total(sessions) FROM temp.by_origin"
    ).fetchone()
    by_field = (
        ("finish", _named(connection, "finish")),
        ("model", _named(connection, ASKED)),
        ("tool", _named(connection, "tool")),
        *_origins(connection),
        ("on", _kept_days(connection) if cells == EVERY else _days(connection, plan)),
    )
    for name in _TABLES:
        connection.execute(f"DROP TABLE temp.{name}")
    shown = tuple((name, tuple(rows)) for name, rows in by_field if rows)
    return Facets(int(total), int(sessions), shown, is_ranked(connection, plan))


def _count_kept(connection: sqlite3.Connection, plan: Plan, cells: Condition) -> None:
    """Count the matches of a query that asks for names only, from the kept sums. The sessions of
    some of the names are counted from an index.
    """
    connection.execute(
        "INSERT INTO temp.by_cell SELECT name, replies FROM usage_sum "
        f"WHERE kind = 'cell' AND replies > 0 AND {cells.sql}",
        cells.values,
    )
    kept = "FROM origin_sum WHERE replies > 0"
    if cells == EVERY:
        connection.execute(
            f"INSERT INTO temp.by_origin SELECT source, client, replies, sessions {kept}"
        )
    elif len(origins := connection.execute(f"SELECT source, client {kept} LIMIT 2").fetchall()) < 2:
        source, values = plan.source(None)
        connection.execute(
            "INSERT INTO temp.by_origin SELECT * FROM (SELECT ?, ?, total(number), "
            f"count(*) AS sessions FROM (SELECT count(*) AS number {source} "
            "GROUP BY f.session_id)) WHERE sessions > 0",
            (*(origins[0] if origins else ("", "")), *values),
        )
    else:
        _count_sessions(connection, plan)


def _count(connection: sqlite3.Connection, source: str, values: tuple[object, ...]) -> None:
    """Count the matches of a shard, which are read once: finding words is the larger part."""
    connection.execute("DELETE FROM temp.found")
    connection.execute(
        "INSERT INTO temp.found SELECT f.session_id, f.cell, iif(f.cell IS NULL, f.id, NULL) "
        f"{source}",
        values,
    )
    connection.execute("INSERT INTO temp.by_cell SELECT cell, count(*) FROM found GROUP BY 1")
    connection.execute(
        "INSERT INTO temp.by_session SELECT session_id, count(*) FROM found GROUP BY 1"
    )
    connection.execute("INSERT INTO temp.earlier SELECT id FROM found WHERE id IS NOT NULL")


def _count_fields(connection: sqlite3.Connection, plan: Plan) -> None:
    """Count the matches of a query without words, from the indexes of `fact` where they suffice.

    The plus keeps SQLite from the index of sets, which has no sessions.
    """
    source, values = plan.source(None)
    connection.execute(
        f"INSERT INTO temp.by_cell SELECT f.cell, count(*) {source} GROUP BY +f.cell", values
    )
    _count_sessions(connection, plan)


def _count_sessions(connection: sqlite3.Connection, plan: Plan) -> None:
    """Count the matches of a query without words by session, and these by where they come from."""
    source, values = plan.source(None)
    connection.execute(
        f"INSERT INTO temp.by_session SELECT f.session_id, count(*) {source} GROUP BY f.session_id",
        values,
    )
    _count_origins(connection)


def _count_origins(connection: sqlite3.Connection) -> None:
    connection.execute(
        f"INSERT INTO temp.by_origin SELECT source, {CLIENT}, sum(number), "
        "count(DISTINCT session_id) FROM temp.by_session JOIN session ON session.id = session_id "
        "GROUP BY 1, 2"
    )


def _named(connection: sqlite3.Connection, field: str) -> Counts:
    """The names of a field with their numbers of matches, the largest first."""
    own = "SELECT value, 1 FROM temp.earlier JOIN fact_name ON fact_id = earlier.id WHERE field = ?"
    if field == ASKED:
        own = "SELECT model, 1 FROM temp.earlier JOIN fact USING (id) WHERE ? <> ''"
    return connection.execute(
        "SELECT value, sum(number) FROM (SELECT value, number FROM temp.by_cell "
        f"JOIN cell_name USING (cell) WHERE field = ? UNION ALL {own}) "
        "GROUP BY value ORDER BY 2 DESC, 1 LIMIT ?",
        (field, field, _MOST),
    ).fetchall()


def _origins(connection: sqlite3.Connection) -> tuple[tuple[str, Counts], ...]:
    """The sources and clients of the sessions; no source when all are the program's own."""
    sources, clients = (
        connection.execute(
            f"SELECT {name}, sum(replies) FROM temp.by_origin {where} "
            "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
            (_MOST,),
        ).fetchall()
        for name, where in (
            (f"coalesce(nullif(source, ''), '{OWN}')", "WHERE replies > 0"),
            ("client", "WHERE client <> ''"),
        )
    )
    is_own = [name for name, _ in sources] == [OWN]
    return ("source", [] if is_own else sources), ("client", clients)


def _kept_days(connection: sqlite3.Connection) -> Counts:
    """The newest days of all replies."""
    return connection.execute(
        "SELECT name, replies FROM usage_sum WHERE kind = 'day' AND replies > 0 "
        "ORDER BY name DESC LIMIT ?",
        (_MOST_DAYS,),
    ).fetchall()


def _days(connection: sqlite3.Connection, plan: Plan) -> Counts:
    """The newest days that have matches. A day may be in two shards: only those after the last
    time that an earlier shard can have are complete.
    """
    days: Counter[str] = Counter()
    for shard in sorted(list_shards(connection), key=lambda one: one.is_ordered):
        source, values = plan.source(shard)
        found = connection.execute(
            f"SELECT {DAY.format('f.started_at')}, count(*) {source} GROUP BY 1", values
        )
        days.update(dict(found.fetchall()))
        end = connection.execute(f"SELECT {DAY.format('?')}", (end_of(shard.first_id),)).fetchone()[
            0
        ]
        if shard.is_ordered and sum(day > end for day in days) >= _MOST_DAYS:
            break
    return sorted(days.items(), reverse=True)[:_MOST_DAYS]

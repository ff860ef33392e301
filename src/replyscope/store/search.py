"""The search index in SQLite (FTS5). Implements the SearchIndex protocol."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from replyscope.domain.json_values import from_ms
from replyscope.domain.query_fields import OWN, PART
from replyscope.domain.search import (
    MOST_RANKED,
    Facets,
    Hit,
    ReplyFigures,
    Search,
    SessionHit,
    Sort,
    UnreadableRow,
    names_of_figures,
)
from replyscope.domain.snippet import cut_snippet, says
from replyscope.store.database import Database
from replyscope.store.index import (
    Describe,
    index_these,
    list_unindexed,
    newest_unindexed,
    start_anew,
    texts_of,
)
from replyscope.store.query_sql import Plan, plan_query
from replyscope.store.unreadable import list_unreadable, note_damaged_rows

T = TypeVar("T")
_STEP = 50
_MOST_AT_ONCE = 1_000_000
_NO_TEXTS = ("", "", "", "")
_CLIENT = f"substr(client, 1, instr(client || '{PART}', '{PART}') - 1)"
"""The name of a watched program, without its command."""
_COLUMNS = (
    "f.exchange_id, f.session_id, f.message_id, s.title, f.model, f.finish, f.state, "
    "f.started_at, f.tokens, f.input, f.output, f.cost, f.ttft, "
    "s.pinned_at IS NOT NULL, s.archived_at IS NOT NULL, s.deleted_at IS NOT NULL, f.id, "
    f"{_CLIENT}"
)
_KNOWN = "SELECT DISTINCT {} FROM session WHERE {} <> '' ORDER BY 1"
_DAY = "date(max(0, min({}, 253370764800000)) / 1000, 'unixepoch', 'localtime')"
"""The local day of a time in milliseconds, limited to the years 1970 to 9999."""
_JOIN = "JOIN session s ON s.id = f.session_id"
_ORDERS = {
    Sort.TIME: "f.started_at DESC, f.id DESC",
    Sort.TOKENS: "f.tokens IS NULL, f.tokens DESC, f.id DESC",
    Sort.COST: "f.cost IS NULL, f.cost DESC, f.id DESC",
    Sort.TTFT: "f.ttft IS NULL, f.ttft DESC, f.id DESC",
    Sort.DURATION: "f.duration IS NULL, f.duration DESC, f.id DESC",
}
_NEWEST_SESSION = "s.pinned_at IS NULL, max(f.started_at) DESC, s.id"
_SESSION_ORDERS = {
    Sort.TOKENS: f"count(f.tokens) = 0, total(f.tokens) DESC, {_NEWEST_SESSION}",
    Sort.COST: f"count(f.cost) = 0, total(f.cost) DESC, {_NEWEST_SESSION}",
    Sort.TTFT: f"max(f.ttft) IS NULL, max(f.ttft) DESC, {_NEWEST_SESSION}",
    Sort.DURATION: f"max(f.duration) IS NULL, max(f.duration) DESC, {_NEWEST_SESSION}",
}


class SqliteSearchIndex:
    """Queries and updates of the index.

    `database` is a callable because a store that stops saving replaces its database.
    """

    def __init__(self, database: Callable[[], Database], describe: Describe) -> None:
        self._database = database
        self._describe = describe
        self._indexing = asyncio.Lock()
        self._large: set[str] = set()
        """Queued replies that only a search indexes."""
        self._told: list[Callable[[int], None]] = []

    async def update(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """Index new replies in small steps, so that replies can be saved between them.

        `progress` gets the number of replies left, also when another call does the work.
        Raises StoreError.
        """
        self._told.append(progress)
        try:
            async with self._indexing:
                await self._update()
        finally:
            self._told.remove(progress)

    async def _update(self) -> None:
        waiting = await self._database().write(list_unindexed)
        for first in range(0, len(waiting), _STEP):
            some = waiting[first : first + _STEP]
            await self._database().write(
                lambda c, some=some: index_these(c, self._describe, some)  # type: ignore[misc]
            )
            for tell in tuple(self._told):
                tell(max(0, len(waiting) - first - _STEP))

    async def index_newest(self, most: int) -> None:
        """Index up to `most` new replies, the newest ones, in one step. Raises StoreError.

        Left to the next search are an index of an older version, which is built again, and texts
        that would take the processor for long.
        """
        database = self._database()
        if not database.is_open:  # nothing ended here, and the file may be another program's
            return
        sizes = await database.read(lambda c: newest_unindexed(c, most, self._large))
        self._large.update(name for name, size in sizes if size > _MOST_AT_ONCE)
        waiting = [name for name, size in sizes if size <= _MOST_AT_ONCE]
        if waiting:
            async with self._indexing:
                await database.write(lambda c: index_these(c, self._describe, waiting))

    async def rebuild(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """Empty the index and index every reply again. Raises StoreError."""
        await self._database().write(start_anew)
        await self._database().write(note_damaged_rows)
        await self.update(progress)

    async def unreadable(self) -> tuple[UnreadableRow, ...]:
        """The rows that could not be read when they were last indexed. Raises StoreError."""
        return await self._database().read(list_unreadable)

    async def find(self, search: Search) -> tuple[Hit, ...]:
        """The replies that match a query. Raises StoreError."""
        return await self._look(lambda c: find_hits(c, search))

    async def find_sessions(self, search: Search) -> tuple[SessionHit, ...]:
        """The sessions with matching replies, pinned and newest first, or by their sums.

        Raises StoreError.
        """
        return await self._look(lambda c: _find_sessions(c, search))

    async def facets(self, search: Search) -> Facets:
        """The number of matches by ending, model, tool, source, client and day.

        Raises StoreError.
        """
        return await self._look(lambda c: _facets(c, search))

    async def figures(self, search: Search) -> tuple[ReplyFigures, ...]:
        """The figures of every matching reply, oldest first. Raises StoreError."""
        return await self._look(lambda c: find_figures(c, search))

    async def stamp(self) -> tuple[int, ...]:
        """A value that changes with the results: new replies, labels, titles. Raises StoreError."""
        return await self._database().read(_stamp)

    async def names(self) -> Mapping[str, tuple[str, ...]]:
        """The known values by query field: models, tools, prompts, tags, sources, clients.

        Raises StoreError.
        """
        return await self._database().search(_names)

    async def find_ids(self, search: Search) -> tuple[tuple[str, str], ...]:
        """(session id, exchange id) of every match, in order. Raises StoreError."""
        return await self._look(lambda c: find_ids(c, search))

    async def matching(self, search: Search, exchange_ids: Sequence[str]) -> frozenset[str]:
        """The exchanges among these that match. Raises StoreError."""
        return await self._look(lambda c: _matching(c, search, exchange_ids))

    async def read_hits(self, search: Search, exchange_ids: Sequence[str]) -> tuple[Hit, ...]:
        """The matches of some exchanges; removed ones are left out. Raises StoreError."""
        return await self._look(lambda c: _read_hits(c, search, exchange_ids))

    def interrupt(self) -> None:
        """Cancel the running query."""
        self._database().interrupt_search()

    async def _look(self, job: Callable[[sqlite3.Connection], T]) -> T:
        return await self._database().look(job)


def prepare(connection: sqlite3.Connection) -> None:
    """Register the SQL functions that the queries use."""
    connection.create_function("says", 3, says, deterministic=True)


def find_hits(connection: sqlite3.Connection, search: Search) -> tuple[Hit, ...]:
    """The replies that match a query, a page in order."""
    prepare(connection)
    plan = plan_query(search.query, search.now)
    source, values = _in_order(connection, plan, search.sort)
    rows = connection.execute(
        f"SELECT {_COLUMNS} {source} LIMIT ? OFFSET ?", (*values, search.limit, search.offset)
    ).fetchall()
    return tuple(_hit(connection, row, plan) for row in rows)


def find_ids(connection: sqlite3.Connection, search: Search) -> tuple[tuple[str, str], ...]:
    """(session id, exchange id) of every match, in order."""
    prepare(connection)
    plan = plan_query(search.query, search.now)
    source, values = _in_order(connection, plan, search.sort)
    return tuple(connection.execute(f"SELECT f.session_id, f.exchange_id {source}", values))


def _matching(
    connection: sqlite3.Connection, search: Search, exchange_ids: Sequence[str]
) -> frozenset[str]:
    prepare(connection)
    source, values = _source(plan_query(search.query, search.now))
    sql = f"SELECT 1 {source} AND f.exchange_id = ?"
    return frozenset(
        one for one in exchange_ids if connection.execute(sql, (*values, one)).fetchone()
    )


def _read_hits(
    connection: sqlite3.Connection, search: Search, exchange_ids: Sequence[str]
) -> tuple[Hit, ...]:
    plan = plan_query(search.query, search.now)
    sql = f"SELECT {_COLUMNS} FROM fact f {_JOIN} WHERE f.exchange_id = ?"
    found = (connection.execute(sql, (exchange_id,)).fetchone() for exchange_id in exchange_ids)
    return tuple(_hit(connection, row, plan) for row in found if row is not None)


def _in_order(
    connection: sqlite3.Connection, plan: Plan, sort: Sort
) -> tuple[str, tuple[object, ...]]:
    """FROM, WHERE and ORDER BY for the replies of a plan."""
    where = plan.where
    if not plan.match:
        order = _ORDERS.get(sort, _ORDERS[Sort.TIME])
        return f"FROM fact f {_JOIN} WHERE {where.sql} ORDER BY {order}", where.values
    values = (plan.match, *where.values)
    if not _is_common(connection, plan.match):
        order = _ORDERS.get(sort, "bm25(search, 1.0, 2.0, 0.5, 1.0), f.started_at DESC, f.id DESC")
        return f"{_source(plan)[0]} ORDER BY {order}", values
    # The plus keeps SQLite from starting at the full-text matches: `fact` is indexed by time,
    # so the first few rows need no sorting.
    order = _ORDERS.get(sort, _ORDERS[Sort.TIME])
    found = "+f.id IN (SELECT rowid FROM search WHERE search MATCH ?)"
    return f"FROM fact f {_JOIN} WHERE {found} AND {where.sql} ORDER BY {order}", values


def _is_common(connection: sqlite3.Connection, match: str) -> bool:
    sql = "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)"
    count = connection.execute(sql, (match, MOST_RANKED + 1)).fetchone()[0]
    return bool(count > MOST_RANKED)


def _hit(connection: sqlite3.Connection, row: Sequence[object], plan: Plan) -> Hit:
    *values, fact_id, client = row
    packed = connection.execute("SELECT texts FROM body WHERE id = ?", (fact_id,)).fetchone()
    prompt, text, reasoning, calls = texts_of(packed[0]) if packed else _NO_TEXTS
    snippet, marks = cut_snippet((text, prompt, calls, reasoning), plan.words)
    when = values[7]
    assert isinstance(when, int)
    values[7] = from_ms(when)
    values[-3:] = [bool(value) for value in values[-3:]]
    tags = tags_of(connection, str(values[1]))
    return Hit(*values, snippet, marks, tags, client)  # type: ignore[arg-type,call-arg]


def _stamp(connection: sqlite3.Connection) -> tuple[int, ...]:
    columns = ("pinned_at", "archived_at", "deleted_at")
    counts = ", ".join(f"count({name}), coalesce(max({name}), 0)" for name in columns)
    sessions = connection.execute(
        f"SELECT count(*), total(length(title)), {counts} FROM session"
    ).fetchone()
    others = connection.execute(
        "SELECT (SELECT count(*) FROM tag), (SELECT count(*) FROM unindexed), "
        "(SELECT coalesce(max(id), 0) FROM fact)"
    ).fetchone()
    return tuple(map(int, (*sessions, *others)))


def _names(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    def column(sql: str) -> tuple[str, ...]:
        return tuple(name for (name,) in connection.execute(sql))

    models = "SELECT model AS name FROM fact UNION SELECT answered FROM fact"
    prompts = (
        "SELECT DISTINCT value FROM fact_name WHERE field = 'prompt' AND value NOT LIKE '%@%' "
        "ORDER BY value"
    )
    return {
        "prompt": column(prompts),
        "model": column(f"SELECT name FROM ({models}) WHERE name <> '' ORDER BY name"),
        "tool": column("SELECT DISTINCT value FROM fact_name WHERE field = 'tool' ORDER BY value"),
        "tag": column("SELECT DISTINCT name FROM tag ORDER BY name"),
        "source": column(_KNOWN.format("source", "source")),
        "client": column(_KNOWN.format(_CLIENT, "client")),
    }


def _source(plan: Plan) -> tuple[str, tuple[object, ...]]:
    """FROM and WHERE for the replies of a plan."""
    where = plan.where.sql
    if not plan.match:
        return f"FROM fact f {_JOIN} WHERE {where}", plan.where.values
    sql = f"FROM search JOIN fact f ON f.id = search.rowid {_JOIN} WHERE search MATCH ? AND {where}"
    return sql, (plan.match, *plan.where.values)


def _find_sessions(connection: sqlite3.Connection, search: Search) -> tuple[SessionHit, ...]:
    prepare(connection)
    source, values = _source(plan_query(search.query, search.now))
    rows = connection.execute(
        # SQLite takes a bare column from the row that has the maximum.
        "SELECT s.id, s.title, count(*), max(f.started_at), f.message_id, "
        "s.pinned_at IS NOT NULL, s.archived_at IS NOT NULL, s.deleted_at IS NOT NULL, "
        # `total` returns a REAL: an integer sum could overflow.
        "CASE WHEN count(f.tokens) THEN total(f.tokens) END, sum(f.cost) "
        f"{source} GROUP BY s.id ORDER BY {_SESSION_ORDERS.get(search.sort, _NEWEST_SESSION)} "
        "LIMIT ? OFFSET ?",
        (*values, search.limit, search.offset),
    ).fetchall()
    return tuple(_session_hit(connection, row) for row in rows)


def _session_hit(connection: sqlite3.Connection, row: Sequence[Any]) -> SessionHit:
    name, title, count, newest, message_id, *states, tokens, cost = row
    is_pinned, is_archived, is_deleted = map(bool, states)
    tags = tags_of(connection, name)
    newest_at = from_ms(newest)
    tokens = None if tokens is None else int(tokens)
    labels = (is_pinned, is_archived, is_deleted)
    return SessionHit(name, title, count, newest_at, message_id, *labels, tokens, cost, tags)


def tags_of(connection: sqlite3.Connection, session_id: str) -> tuple[str, ...]:
    """A session's tags, by name."""
    rows = connection.execute(
        "SELECT name FROM tag WHERE session_id = ? ORDER BY name", (session_id,)
    )
    return tuple(name for (name,) in rows)


def find_figures(connection: sqlite3.Connection, search: Search) -> tuple[ReplyFigures, ...]:
    """The figures of every matching reply, oldest first."""
    prepare(connection)
    source, values = _source(plan_query(search.query, search.now))
    rows = connection.execute(
        f"SELECT {_DAY.format('f.started_at')}, f.model, "
        "f.marks LIKE '% error %', f.input, f.output, f.cost, f.is_reported, f.ttft, f.duration, "
        "(SELECT group_concat(field || char(31) || value, char(30)) FROM fact_name "
        f"WHERE fact_id = f.id) {source} ORDER BY f.started_at",
        values,
    )
    return tuple(_figure(row) for row in rows)


def _figure(row: Sequence[Any]) -> ReplyFigures:
    *values, names = row
    values[2], values[6] = bool(values[2]), bool(values[6])
    pairs = (pair.partition("\x1f") for pair in (names.split("\x1e") if names else ()))
    named = names_of_figures((field, name) for field, _, name in pairs)
    return ReplyFigures(*values, *named)  # type: ignore[call-arg]


def _facets(connection: sqlite3.Connection, search: Search) -> Facets:
    prepare(connection)
    plan = plan_query(search.query, search.now)
    source, values = _source(plan)
    connection.execute("DROP TABLE IF EXISTS temp.found")
    connection.execute(
        "CREATE TEMP TABLE found "
        "(id INTEGER PRIMARY KEY, session_id TEXT, model TEXT, started_at INTEGER)"
    )
    connection.execute(
        f"INSERT INTO temp.found SELECT f.id, f.session_id, f.model, f.started_at {source}", values
    )
    total, sessions = connection.execute(
        "SELECT count(*), count(DISTINCT session_id) FROM temp.found"
    ).fetchone()
    by_field = tuple((name, tuple(rows)) for name, rows in _counts(connection) if rows)
    connection.execute("DROP TABLE temp.found")
    is_ranked = bool(plan.match) and not _is_common(connection, plan.match)
    return Facets(total, sessions, by_field, is_ranked)


def _counts(
    connection: sqlite3.Connection,
) -> tuple[tuple[str, list[tuple[str, int]]], ...]:
    """The values in the table `found` with their numbers, by field."""
    models = connection.execute(
        "SELECT model, count(*) FROM temp.found GROUP BY model ORDER BY 2 DESC LIMIT 12"
    ).fetchall()
    days = connection.execute(
        f"SELECT {_DAY.format('started_at')}, count(*) FROM temp.found "
        "GROUP BY 1 ORDER BY 1 DESC LIMIT 31"
    ).fetchall()
    named = {
        field: connection.execute(
            "SELECT value, count(*) FROM fact_name JOIN temp.found ON found.id = fact_id "
            "WHERE field = ? GROUP BY value ORDER BY 2 DESC LIMIT 12",
            (field,),
        ).fetchall()
        for field in ("finish", "tool")
    }
    sources = connection.execute(
        f"SELECT coalesce(nullif(source, ''), '{OWN}'), count(*) FROM temp.found "
        "JOIN session ON session.id = session_id GROUP BY 1 ORDER BY 2 DESC LIMIT 12"
    ).fetchall()
    clients = connection.execute(
        f"SELECT {_CLIENT}, count(*) FROM temp.found JOIN session ON session.id = session_id "
        "WHERE client <> '' GROUP BY 1 ORDER BY 2 DESC LIMIT 12"
    ).fetchall()
    if [name for name, _ in sources] == [OWN]:
        sources = []
    return (
        ("finish", named["finish"]),
        ("model", models),
        ("tool", named["tool"]),
        ("source", sources),
        ("client", clients),
        ("on", days),
    )

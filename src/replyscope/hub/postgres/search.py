"""The search of the replies on a PostgreSQL hub. Implements the SearchIndex protocol."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from replyscope.domain.errors import StoreReadOnly
from replyscope.domain.json_values import from_ms
from replyscope.domain.query_fields import ME, PART
from replyscope.domain.query_sql import Condition, compile_query, condition_of, joined
from replyscope.domain.search import (
    MOST_RANKED,
    Facets,
    Hit,
    ReplyFigures,
    Search,
    SessionHit,
    Sort,
    UnreadableRow,
    UsageSum,
    names_of_figures,
)
from replyscope.domain.snippet import cut_snippet
from replyscope.domain.words import Wanted
from replyscope.hub.postgres.connecting import Connection, named
from replyscope.hub.postgres.facets import MOST_COUNTED, MOST_COUNTED_WITH_WORDS, count_facets
from replyscope.hub.postgres.lexemes import TextQuery, text_query, together
from replyscope.hub.postgres.query_sql import ARGUMENTS, OWNER, PostgresDialect
from replyscope.hub.postgres.reading import HubReader
from replyscope.hub.postgres.replies import SEPARATOR

_GROWTH = 8
_VISIBLE = "(f.owner = session_user OR f.is_shared)"
"""Row-level security says the same, but does not bind a superuser."""
_JOIN = "JOIN {schema}.session s ON s.owner = f.owner AND s.id = f.session_id"
_SAME = "f.owner = m.owner AND f.exchange_id = m.exchange_id AND f.started_at = m.started_at"
_EACH = (
    f"JOIN LATERAL (SELECT * FROM {{schema}}.reply f WHERE {_SAME} AND {_VISIBLE} LIMIT 1) AS f "
    "ON true JOIN LATERAL (SELECT * FROM {schema}.session s "
    "WHERE s.owner = f.owner AND s.id = f.session_id LIMIT 1) AS s ON true"
)
"""Looks each match up. LIMIT keeps the planner from reading all replies for a few matches."""
_ALL = f"JOIN {{schema}}.reply f ON {_SAME} {_JOIN}"
"""Joins many matches with all replies."""
_COLUMNS = (
    "f.exchange_id, f.session_id, f.message_id, s.title, f.model, f.finish, f.state, "
    "f.started_at, f.tokens, f.input, f.output, f.cost, f.ttft, s.pinned_at IS NOT NULL, "
    "s.archived_at IS NOT NULL, s.deleted_at IS NOT NULL, f.texts, s.tags, "
    f"split_part(s.client, '{PART}', 1), split_part({OWNER}, '{PART}', 1), f.machine"
)
_NEWEST = "f.started_at DESC, f.exchange_id DESC"
_ORDERS = {
    Sort.TOKENS: "f.tokens DESC NULLS LAST, f.exchange_id DESC",
    Sort.COST: "f.cost DESC NULLS LAST, f.exchange_id DESC",
    Sort.TTFT: "f.ttft DESC NULLS LAST, f.exchange_id DESC",
    Sort.DURATION: "f.duration DESC NULLS LAST, f.exchange_id DESC",
}
_NEWEST_MATCH = "m.started_at DESC, m.exchange_id DESC"
_PLACED = "m.place"
"""The order of the bounded matches: by relevance, or the newest first when there are too many."""
_NEWEST_SESSION = "s.pinned_at IS NULL, max(f.started_at) DESC, s.id"
_SESSION_ORDERS = {
    Sort.TOKENS: f"sum(f.tokens) DESC NULLS LAST, {_NEWEST_SESSION}",
    Sort.COST: f"sum(f.cost) DESC NULLS LAST, {_NEWEST_SESSION}",
    Sort.TTFT: f"max(f.ttft) DESC NULLS LAST, {_NEWEST_SESSION}",
    Sort.DURATION: f"max(f.duration) DESC NULLS LAST, {_NEWEST_SESSION}",
}
_STAMP = """
SELECT (SELECT coalesce(sum(number), 0) FROM {schema}.change),
    (SELECT coalesce(sum(number), 0) FROM {schema}.machine)
"""
_NAMES = {
    "model": "SELECT model FROM {schema}.reply f WHERE VISIBLE "
    "UNION SELECT answered FROM {schema}.reply f WHERE VISIBLE",
    "tool": "SELECT DISTINCT substr(n, 6) FROM {schema}.reply f, unnest(named) AS n "
    "WHERE VISIBLE AND starts_with(n, 'tool' || chr(31))",
    "prompt": "SELECT DISTINCT substr(n, 8) FROM {schema}.reply f, unnest(named) AS n "
    "WHERE VISIBLE AND starts_with(n, 'prompt' || chr(31)) AND strpos(n, '@') = 0",
    "tag": "SELECT DISTINCT t FROM {schema}.session f, unnest(tags) AS t WHERE VISIBLE",
    "source": "SELECT DISTINCT source FROM {schema}.session f WHERE VISIBLE",
    "client": f"SELECT DISTINCT split_part(client, '{PART}', 1) "
    "FROM {schema}.session f WHERE VISIBLE",
    "by": "SELECT DISTINCT owner FROM {schema}.session f WHERE VISIBLE AND owner <> session_user",
    "machine": "SELECT DISTINCT machine FROM {schema}.reply f WHERE VISIBLE",
}
_MOST_NAMES = 2_000


@dataclass(frozen=True, slots=True)
class _Plan:
    """A compiled query: the texts that all must match, and the condition on the rest."""

    texts: TextQuery | None
    where: Condition
    words: tuple[Wanted, ...]

    def source(
        self, most: int | None = None, *, is_common: bool = False, is_ranked: bool = True
    ) -> tuple[str, tuple[object, ...]]:
        """FROM and WHERE; `most` bounds the newest text matches, which have a place only then.
        Many matches are common: all replies are read for them. Others are looked up in the order
        of their places, so that a page that is full looks at no further ones.
        """
        where = f"WHERE {_VISIBLE} AND {self.where.sql}"
        if self.texts is None:
            return f"FROM {{schema}}.reply f {_JOIN} {where}", self.where.values
        values = (
            *self.texts.values, most, is_ranked and most is not None, *self.where.values
        )  # fmt: skip
        if is_common:
            return f"FROM m {_ALL} {where}", values
        return f"FROM (SELECT * FROM m ORDER BY place) AS m {_EACH} {where}", values

    @property
    def prefix(self) -> str:
        """The part before SELECT: the text matches, once."""
        if self.texts is None:
            return ""
        return f"WITH m AS MATERIALIZED (SELECT * FROM {{schema}}.found({ARGUMENTS}, %s, %s)) "


def _plan(search: Search) -> _Plan:
    dialect = PostgresDialect()
    parts = compile_query(search.query, search.now, dialect)
    terms, rest = together(parts.texts)
    found = [parts.where, *(condition_of(one, search.now, dialect) for one in rest)]
    where = joined(" AND ", found, dialect.always)
    return _Plan(text_query(terms) if terms else None, where, parts.words)


class PostgresSearchIndex:
    """Searches the replies that this role may read. Every method may raise StoreError."""

    def __init__(self, reader: HubReader) -> None:
        self._reader = reader
        self._schema = reader.address.schema

    async def update(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """See SearchIndex. A hub indexes what it gets at once."""

    async def upgrade(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """See SearchIndex. The first machine that opens a hub changes its tables."""

    async def rebuild(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """See SearchIndex. Raises StoreReadOnly: only the machines that sent the replies can."""
        raise StoreReadOnly("The index of a hub can't be rebuilt from here.", "")

    async def unreadable(self) -> tuple[UnreadableRow, ...]:
        """See SearchIndex. A hub stores damaged entries without indexing them."""
        return ()

    async def find(self, search: Search) -> tuple[Hit, ...]:
        """See SearchIndex."""
        plan = _plan(search)
        rows = await self._reader.read(
            lambda c: self._page(c, plan, search, _COLUMNS), is_search=True
        )
        return tuple(_hit(row, plan) for row in rows)

    async def find_ids(
        self, search: Search, most: int | None = None
    ) -> tuple[tuple[str, str], ...]:
        """See SearchIndex."""
        plan = _plan(search)
        columns = "f.session_id, f.exchange_id"
        tail = "" if most is None else f"LIMIT {int(most)}"

        def run(connection: Connection) -> list[Any]:
            return self._all(connection, plan, columns, tail, search.sort)

        return tuple((row[0], row[1]) for row in await self._reader.read(run, is_search=True))

    async def read_hits(self, search: Search, exchange_ids: Sequence[str]) -> tuple[Hit, ...]:
        """See SearchIndex."""
        plan = _plan(search)
        statement = (
            f"SELECT {_COLUMNS} FROM {{schema}}.reply f {_JOIN} "
            f"WHERE {_VISIBLE} AND f.exchange_id = ANY (%s)"
        )
        rows: list[Any] = await self._reader.read(
            lambda c: c.execute(named(self._schema, statement), (list(exchange_ids),)).fetchall()
        )
        found = {row[0]: _hit(row, plan) for row in rows}
        return tuple(found[name] for name in exchange_ids if name in found)

    async def find_sessions(self, search: Search) -> tuple[SessionHit, ...]:
        """See SearchIndex."""
        plan = _plan(search)
        order = _SESSION_ORDERS.get(search.sort, _NEWEST_SESSION)
        columns = (
            "s.id, s.title, count(*), max(f.started_at), "
            "(array_agg(f.message_id ORDER BY f.started_at DESC))[1], s.pinned_at IS NOT NULL, "
            "s.archived_at IS NOT NULL, s.deleted_at IS NOT NULL, sum(f.tokens), sum(f.cost), "
            "s.tags"
        )
        tail = (
            "GROUP BY s.owner, s.id, s.title, s.pinned_at, s.archived_at, s.deleted_at, s.tags "
            f"ORDER BY {order} LIMIT {int(search.limit)} OFFSET {int(search.offset)}"
        )
        rows = await self._reader.read(lambda c: self._all(c, plan, columns, tail), is_search=True)
        return tuple(_session_hit(row) for row in rows)

    async def facets(self, search: Search) -> Facets:
        """See SearchIndex."""
        plan = _plan(search)
        most = MOST_COUNTED if plan.texts is None else MOST_COUNTED_WITH_WORDS
        matching = plan.prefix.replace("WITH ", "", 1).rstrip()
        found = (matching, *plan.source(most, is_ranked=False))

        def run(connection: Connection) -> Facets:
            facets, matches = count_facets(connection, self._schema, found, most)
            is_ranked = plan.texts is not None and matches <= MOST_RANKED
            return replace(facets, is_ranked=is_ranked)

        return await self._reader.read(run, is_search=True)

    async def usage(self) -> tuple[UsageSum, ...] | None:
        """See SearchIndex. A hub keeps no sums."""

    async def figures(self, search: Search) -> tuple[ReplyFigures, ...]:
        """See SearchIndex."""
        plan = _plan(search)
        columns = (
            "f.started_at, f.model, f.marks LIKE '%% error %%', f.input, f.output, f.cost, "
            "f.is_reported, f.ttft, f.duration, f.named"
        )
        rows = await self._reader.read(
            lambda c: self._all(c, plan, columns, "ORDER BY f.started_at"), is_search=True
        )
        return tuple(_figure(row, search.now) for row in rows)

    async def stamp(self) -> tuple[int, ...]:
        """See SearchIndex. Private changes of others do not change it."""
        row: Any = await self._reader.read(
            lambda c: c.execute(named(self._schema, _STAMP)).fetchone()
        )
        return tuple(int(value) for value in row)

    async def names(self) -> Mapping[str, tuple[str, ...]]:
        """See SearchIndex."""

        def run(connection: Connection) -> dict[str, tuple[str, ...]]:
            found = {}
            for field, template in _NAMES.items():
                statement = template.replace("VISIBLE", _VISIBLE)
                rows = connection.execute(
                    named(self._schema, f"{statement} ORDER BY 1 LIMIT {_MOST_NAMES}")
                )
                found[field] = tuple(str(name) for (name,) in rows if name)
            return found

        found = await self._reader.read(run)
        return {**found, "by": (ME, *found["by"])}

    def interrupt(self) -> None:
        """See SearchIndex."""
        self._reader.interrupt()

    def _page(self, connection: Connection, plan: _Plan, search: Search, columns: str) -> list[Any]:
        """One page of replies. Of a common word only the newest matches are looked at, and more
        of them as long as the page is not full.
        """
        limit = "LIMIT %s OFFSET %s"
        bounded = plan.texts is not None and search.sort in (Sort.RANK, Sort.TIME)
        most = MOST_RANKED + 1 if bounded else None
        is_ranked = search.sort is Sort.RANK
        while True:
            order = self._order(plan, search.sort, is_placed=most is not None)
            source, values = plan.source(most, is_common=most is None, is_ranked=is_ranked)
            counted = columns if most is None else f"{columns}, (SELECT count(*) FROM m)"
            statement = f"{plan.prefix}SELECT {counted} {source} ORDER BY {order} {limit}"
            rows: list[Any] = connection.execute(
                named(self._schema, statement), (*values, search.limit, search.offset)
            ).fetchall()
            if most is None:
                return rows
            assert plan.texts is not None, "only texts are bounded"
            matches = rows[0][-1] if rows else self._count(connection, plan.texts, most)
            if len(rows) >= search.limit or matches < most:
                return [row[:-1] for row in rows]
            most = _more(most, search, len(rows))

    def _all(
        self, connection: Connection, plan: _Plan, columns: str, tail: str, sort: Sort | None = None
    ) -> list[Any]:
        """Columns of every match, in an order that `tail` or `sort` gives."""
        is_common = plan.texts is None or self._is_common(connection, plan.texts)
        most = None if is_common else MOST_RANKED
        source, values = plan.source(most, is_common=is_common, is_ranked=sort is Sort.RANK)
        order = (
            "" if sort is None else f"ORDER BY {self._order(plan, sort, is_placed=not is_common)}"
        )
        statement = f"{plan.prefix}SELECT {columns} {source} {order} {tail}"
        return connection.execute(named(self._schema, statement), values).fetchall()

    def _order(self, plan: _Plan, sort: Sort, *, is_placed: bool) -> str:
        if plan.texts is None or sort in _ORDERS:
            return _ORDERS.get(sort, _NEWEST)
        return _PLACED if is_placed else _NEWEST_MATCH

    def _count(self, connection: Connection, texts: TextQuery, most: int) -> int:
        statement = f"SELECT count(*) FROM {{schema}}.found({ARGUMENTS}, %s, false)"
        row: Any = connection.execute(
            named(self._schema, statement), (*texts.values, most)
        ).fetchone()
        return int(row[0])

    def _is_common(self, connection: Connection, texts: TextQuery) -> bool:
        return self._count(connection, texts, MOST_RANKED + 1) > MOST_RANKED


def _more(most: int, search: Search, found: int) -> int | None:
    """The number of matches to look at next, when `most` had too few for a page: half as many
    again as the page needs if they go on like this; None for all.
    """
    if most >= MOST_RANKED * _GROWTH**3:
        return None
    seen = search.offset + found if found else 1
    needed = most * 3 * (search.offset + search.limit) // (2 * seen)
    return min(most * _GROWTH, max(most * 2, needed))


def _texts(packed: bytes) -> Sequence[str]:
    try:
        prompt, text, reasoning, calls = json.loads(zlib.decompress(packed))
    except (ValueError, zlib.error):
        return "", "", "", ""
    return prompt, text, reasoning, calls


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _hit(row: Sequence[Any], plan: _Plan) -> Hit:
    *values, packed, tags, client, by, machine = row
    prompt, text, reasoning, calls = _texts(packed)
    snippet, marks = cut_snippet((text, prompt, calls, reasoning), plan.words)
    values[7] = from_ms(values[7])
    values[8:11] = map(_whole, values[8:11])
    return Hit(*values, snippet, marks, tuple(tags), client, by, machine)  # type: ignore[call-arg]


def _session_hit(row: Sequence[Any]) -> SessionHit:
    key, title, count, newest, message_id, *states, tokens, cost, tags = row
    is_pinned, is_archived, is_deleted = states
    labels = (is_pinned, is_archived, is_deleted)
    newest_at = from_ms(newest)
    return SessionHit(
        key, title, count, newest_at, message_id, *labels, _whole(tokens), cost, tuple(tags)
    )


def _figure(row: Sequence[Any], now: datetime) -> ReplyFigures:
    started, model, is_error, tokens_in, tokens_out, cost, is_reported, ttft, duration, names = row
    pairs = sorted(pair.split(SEPARATOR, 1) for pair in names)
    return ReplyFigures(
        from_ms(max(0, started)).astimezone(now.tzinfo).strftime("%Y-%m-%d"),
        model,
        is_error,
        _whole(tokens_in),
        _whole(tokens_out),
        cost,
        is_reported,
        ttft,
        duration,
        *names_of_figures((field, name) for field, name in pairs),
    )

"""The SQL of SQLite for queries, over `fact f JOIN session s`; see `domain.query_sql`."""

from collections.abc import Sequence
from datetime import datetime

from replyscope.domain.fact_columns import ANSWERED, ASKED, NAMES, NUMBERS
from replyscope.domain.facts import Mark
from replyscope.domain.matching import glob_of
from replyscope.domain.query import All, Either, Query, Term
from replyscope.domain.query_fields import ANYWHERE, ME, PART, OfSession, Text, type_of
from replyscope.domain.query_sql import Condition, compile_query, condition_of
from replyscope.domain.values import dataclass
from replyscope.domain.words import Wanted, words_of
from replyscope.store.cells import in_cells
from replyscope.store.shards import Shard

EVERY = Condition("1")
SHARD = "{shard}"
"""In a condition, the full-text table that it reads."""
_IN_CELLS = {"model": (ASKED, ANSWERED), "asked": (ASKED,)}
"""The fields of a set of names by query field, where they have other names."""
_TRUTHS = {
    "is_cost_reported": "f.is_reported",
    "is_pinned": "s.pinned_at IS NOT NULL",
    "is_archived": "s.archived_at IS NOT NULL",
    "is_deleted": "f.session_id IN (SELECT id FROM session WHERE deleted_at IS NOT NULL)",
}

_TEXTS = {"source": "s.source", "client": "s.client", "owner": f"'{ME}'", "machine": "''"}


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled query.

    `match` is the full-text query, "" when none is needed; `where` is the rest. A snippet shows
    the text around one of `words`, each with whether it matches as a prefix.
    """

    match: str
    where: Condition
    words: tuple[Wanted, ...]

    @property
    def is_one_phrase(self) -> bool:
        """Whether the full-text query is a single phrase."""
        return len(self.words) == 1 and self.match.count('"') == 2

    @property
    def has_words(self) -> bool:
        """Whether the query reads the full-text tables, so that it runs in each shard."""
        return bool(self.match) or SHARD in self.where.sql

    def source(self, shard: Shard | None) -> tuple[str, tuple[object, ...]]:
        """FROM and WHERE for the matching replies of a shard; None for all at once, without words.

        CROSS JOIN keeps the order of the tables: the full-text table is read first, by id.
        """
        where, values = self.where.sql, self.where.values
        if shard is not None:
            where = where.replace(SHARD, shard.table)
        join = "JOIN session s ON s.id = f.session_id" if "s." in where else ""
        if shard is None:
            return f"FROM fact f {join} WHERE {where}", values
        if self.match:
            table = shard.table
            return (
                f"FROM {table} CROSS JOIN fact f ON f.id = {table}.rowid {join} "
                f"WHERE {table} MATCH ? AND {where}"
            ), (self.match, *values)
        bounds = (shard.first_id, shard.end_id)
        return (f"FROM fact f {join} WHERE f.id >= ? AND f.id < ? AND {where}"), (*bounds, *values)


def cells_for(query: Query, now: datetime) -> Condition | None:
    """What a query asks of the set of names `name`; None if it asks for more. `EVERY` is always
    true.
    """
    try:
        return condition_of(query, now, _OfCells())
    except _AsksForMore:
        return None


def plan_query(query: Query, now: datetime) -> Plan:
    """Compile a query. Deleted sessions are included only when the query names them."""
    parts = compile_query(query, now, SqliteDialect())
    return Plan(" AND ".join(map(_match_of, parts.texts)), parts.where, parts.words)


def _match_of(query: Query) -> str:
    """The full-text query of texts."""
    match query:
        case All(queries=inner):
            return f"({' AND '.join(map(_match_of, inner))})"
        case Either(queries=inner):
            return f"({' OR '.join(map(_match_of, inner))})"
        case Term() as term:
            kind = type_of(term.field)
            assert isinstance(kind, Text), "only texts have a full-text query"
            columns = "" if kind == ANYWHERE else f"{{{' '.join(kind.places)}}} : "
            words = " ".join(words_of(term.value))
            return f'({columns}"{words}"{"" if term.is_phrase else "*"})'
    raise AssertionError("only texts have a full-text query")


class SqliteDialect:
    """Implements SqlDialect for SQLite, with GLOB for patterns and FTS5 for texts."""

    always = Condition("1")

    def text(self, term: Term) -> Condition:
        """See SqlDialect."""
        found = f"f.id IN (SELECT rowid FROM {SHARD} WHERE {SHARD} MATCH ?)"
        return Condition(f"({found})", (_match_of(term),))

    def title(self, words: str, *, is_open: bool) -> Condition:
        """See SqlDialect."""
        found = "SELECT id FROM session WHERE says(title, ?, ?)"
        return Condition(f"(f.session_id IN ({found}))", (words, int(is_open)))

    def number(self, field: str, sign: str, bound: float) -> Condition:
        """See SqlDialect."""
        if field in NUMBERS:
            return Condition(f"coalesce(f.{NUMBERS[field]} {sign} ?, 0)", (bound,))
        return _numbered(f"CAST(value AS REAL) {sign} ?", (field, bound))

    def names(self, field: str, pattern: str) -> Condition:
        """See SqlDialect."""
        glob = glob_of(pattern)
        if field in NAMES:
            columns = [f"lower(f.{column}) GLOB ?" for column in NAMES[field]]
            own = Condition(f"({' OR '.join(columns)})", (glob,) * len(columns))
            return own if field not in _IN_CELLS else _of_cells(own, _IN_CELLS[field], glob)
        return Condition(in_cells("field = ? AND lower(value) GLOB ?"), (field, glob) * 2)

    def tag(self, pattern: str) -> Condition:
        """See SqlDialect."""
        found = "SELECT session_id FROM tag WHERE lower(name) GLOB ?"
        return Condition(f"(f.session_id IN ({found}))", (glob_of(pattern),))

    def of_session(self, kind: OfSession, pattern: str) -> Condition:
        """See SqlDialect."""
        column, glob = _TEXTS[kind.fact], glob_of(pattern)
        if kind.has_parts:
            return Condition(f"(lower(? || {column}) GLOB ?)", (PART, glob))
        return Condition(f"(lower(coalesce(nullif({column}, ''), ?)) GLOB ?)", (kind.unnamed, glob))

    def started(self, start_ms: int, end_ms: int) -> Condition:
        """See SqlDialect."""
        return Condition("(f.started_at >= ? AND f.started_at < ?)", (start_ms, end_ms))

    def mark(self, mark: Mark) -> Condition:
        """See SqlDialect."""
        return Condition("(f.marks GLOB ?)", (f"* {mark} *",))

    def is_known(self, field: str) -> Condition:
        """See SqlDialect."""
        if field in NUMBERS:
            return Condition(f"(f.{NUMBERS[field]} IS NOT NULL)")
        return _numbered("1", (field,))

    def is_true(self, fact: str) -> Condition:
        """See SqlDialect."""
        return Condition(f"({_TRUTHS[fact]})")


class _AsksForMore(Exception):
    """A query asks for more than names."""


class _OfCells:
    """Implements SqlDialect for what only the set of names `name` decides."""

    always = EVERY

    def names(self, field: str, pattern: str) -> Condition:
        """See SqlDialect."""
        if field in NAMES and field not in _IN_CELLS:
            raise _AsksForMore
        sql, values = _cells_with(_IN_CELLS.get(field, (field,)), glob_of(pattern))
        return Condition(f"(name IN ({sql}))", values)

    def _refuse(self, *_given: object, **_named: object) -> Condition:
        raise _AsksForMore

    text = title = number = tag = of_session = started = mark = is_known = is_true = _refuse


def _cells_with(fields: Sequence[str], glob: str) -> tuple[str, tuple[object, ...]]:
    """SQL of the sets that have a name of some fields, and its values."""
    marks = ", ".join("?" * len(fields))
    sql = f"SELECT cell FROM cell_name WHERE field IN ({marks}) AND lower(value) GLOB ?"
    return sql, (*fields, glob)


def _of_cells(own: Condition, fields: Sequence[str], glob: str) -> Condition:
    """A condition by the sets of names; by the columns for replies that have none yet."""
    sql, values = _cells_with(fields, glob)
    found = f"(CASE WHEN f.cell IS NULL THEN {own.sql} ELSE f.cell IN ({sql}) END)"
    return Condition(found, (*own.values, *values))


def _numbered(condition: str, values: Sequence[object]) -> Condition:
    """Whether the reply has a row in `fact_name` for a field that fits a condition."""
    found = f"SELECT fact_id FROM fact_name WHERE field = ? AND {condition}"
    return Condition(f"(f.id IN ({found}))", tuple(values))

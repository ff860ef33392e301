"""Compiles a query to the SQL of SQLite over `fact f JOIN session s`.

It finds what `domain.matching` matches. Fields are compiled by their type; their names,
meanings and examples are in `domain.query_fields`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from replyscope.domain.facts import Mark
from replyscope.domain.json_values import to_ms
from replyscope.domain.matching import comparison, fits_name, glob_of, range_of, words_shown
from replyscope.domain.query import All, Either, Not, Query, Term
from replyscope.domain.query_fields import (
    ANYWHERE,
    PART,
    Both,
    Day,
    Flags,
    IsKnown,
    IsTrue,
    Lacks,
    Names,
    Number,
    OfSession,
    Tags,
    Test,
    Text,
    Title,
    type_of,
)
from replyscope.domain.words import Wanted, words_of
from replyscope.store.fact_columns import NAMES, NUMBERS

_TRUTHS = {
    "is_cost_reported": "f.is_reported",
    "is_pinned": "s.pinned_at IS NOT NULL",
    "is_archived": "s.archived_at IS NOT NULL",
    "is_deleted": "s.deleted_at IS NOT NULL",
}

_TEXTS = {"source": "s.source", "client": "s.client"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A SQL expression that is 1 or 0, never NULL, and its parameters."""

    sql: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled query.

    `match` is the full-text query, "" when none is needed; `where` is the rest. A snippet shows
    the text around one of `words`, each with whether it matches as a prefix.
    """

    match: str
    where: Condition
    words: tuple[Wanted, ...]


def plan_query(query: Query, now: datetime) -> Plan:
    """Compile a query. Deleted sessions are included only when the query names them."""
    together = query.queries if isinstance(query, All) else (query,)
    texts = [one for one in together if _match_of(one)]
    rest = [one for one in together if one not in texts]
    where = _joined(" AND ", [condition_of(one, now) for one in rest])
    if not _names_deleted(query):
        where = Condition(f"s.deleted_at IS NULL AND {where.sql}", where.values)
    match = " AND ".join(_match_of(one) for one in texts)
    return Plan(match, where, words_shown(query))


def _match_of(query: Query) -> str:
    """The full-text query of a term; "" when the term is not a text, or has no words."""
    match query:
        case All(queries=inner) | Either(queries=inner) if inner:
            found = [_match_of(one) for one in inner]
            word = " AND " if isinstance(query, All) else " OR "
            return f"({word.join(found)})" if all(found) else ""
        case Term():
            return _match_of_term(query)
    return ""


def _match_of_term(term: Term) -> str:
    kind, words = type_of(term.field), words_of(term.value)
    if not isinstance(kind, Text) or not words:
        return ""
    columns = "" if kind == ANYWHERE else f"{{{' '.join(kind.places)}}} : "
    return f'({columns}"{" ".join(words)}"{"" if term.is_phrase else "*"})'


def condition_of(query: Query, now: datetime) -> Condition:
    """The SQL condition of a query."""
    match query:
        case Not(query=inner):
            found = condition_of(inner, now)
            return Condition(f"NOT {found.sql}", found.values)
        case All(queries=inner):
            return _joined(" AND ", [condition_of(one, now) for one in inner])
        case Either(queries=inner):
            return _joined(" OR ", [condition_of(one, now) for one in inner])
        case Term():
            return _term(query, now)


def _joined(word: str, found: Sequence[Condition]) -> Condition:
    if not found:
        return Condition("1")
    values = tuple(value for one in found for value in one.values)
    return Condition(f"({word.join(one.sql for one in found)})", values)


def _term(term: Term, now: datetime) -> Condition:
    name, value = term.field or "", term.value
    match type_of(term.field):
        case Title():
            words = " ".join(words_of(value))
            found = "SELECT id FROM session WHERE says(title, ?, ?)"
            return Condition(f"(f.session_id IN ({found}))", (words, int(not term.is_phrase)))
        case Text():
            match = _match_of(term)
            found = "f.id IN (SELECT rowid FROM search WHERE search MATCH ?)"
            return Condition(f"({found})", (match,)) if match else Condition("1")
        case Number():
            return _number(name, *comparison(value))
        case Names() as kind:
            return _names(name, glob_of(kind.pattern(value)))
        case Tags():
            found = "SELECT session_id FROM tag WHERE lower(name) GLOB ?"
            return Condition(f"(f.session_id IN ({found}))", (glob_of(value),))
        case OfSession() as kind:
            return _of_session(kind, glob_of(kind.pattern(value)))
        case Day(side=side):
            start, end = range_of(side, value, now)
            return Condition("(f.started_at >= ? AND f.started_at < ?)", (to_ms(start), to_ms(end)))
        case Flags(tests=tests):
            return _joined(
                " OR ", [_test(t) for word, t in tests.items() if fits_name(word, value)]
            )


def _number(field: str, sign: str, bound: float) -> Condition:
    if field in NUMBERS:
        return Condition(f"coalesce(f.{NUMBERS[field]} {sign} ?, 0)", (bound,))
    found = f"SELECT fact_id FROM fact_name WHERE field = ? AND CAST(value AS REAL) {sign} ?"
    return Condition(f"(f.id IN ({found}))", (field, bound))


def _names(field: str, pattern: str) -> Condition:
    if field in NAMES:
        columns = [f"lower(f.{column}) GLOB ?" for column in NAMES[field]]
        return Condition(f"({' OR '.join(columns)})", (pattern,) * len(columns))
    found = "SELECT fact_id FROM fact_name WHERE field = ? AND lower(value) GLOB ?"
    return Condition(f"(f.id IN ({found}))", (field, pattern))


def _of_session(kind: OfSession, pattern: str) -> Condition:
    column = _TEXTS[kind.fact]
    if kind.has_parts:
        return Condition(f"(lower(? || {column}) GLOB ?)", (PART, pattern))
    return Condition(f"(lower(coalesce(nullif({column}, ''), ?)) GLOB ?)", (kind.unnamed, pattern))


def _test(test: Test) -> Condition:
    match test:
        case Mark():
            return Condition("(f.marks GLOB ?)", (f"* {test} *",))
        case IsKnown(field=field) if field in NUMBERS:
            return Condition(f"(f.{NUMBERS[field]} IS NOT NULL)")
        case IsKnown(field=field):
            found = "SELECT fact_id FROM fact_name WHERE field = ?"
            return Condition(f"(f.id IN ({found}))", (field,))
        case IsTrue(fact=fact):
            return Condition(f"({_TRUTHS[fact]})")
        case Lacks(test=inner):
            found_inner = _test(inner)
            return Condition(f"(NOT {found_inner.sql})", found_inner.values)
        case Both(tests=tests):
            return _joined(" AND ", [_test(one) for one in tests])


def _names_deleted(query: Query) -> bool:
    match query:
        case Not(query=inner):
            return _names_deleted(inner)
        case All(queries=inner) | Either(queries=inner):
            return any(_names_deleted(one) for one in inner)
        case Term(field="is", value=value):
            return fits_name("deleted", value)
    return False

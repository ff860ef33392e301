"""A query as SQL over `fact f JOIN session s`. Means what `domain.matching` means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from replyscope.domain.json_values import to_ms
from replyscope.domain.matching import (
    DAYS,
    HAS,
    IS,
    NUMBERS,
    comparison,
    fits_name,
    glob_of,
    range_of,
    words_shown,
)
from replyscope.domain.query import All, Either, Not, Query, Term
from replyscope.domain.words import Wanted, words_of

_COLUMNS = {
    "reported": "(f.cost IS NOT NULL AND f.is_reported)",
    "estimated": "(f.cost IS NOT NULL AND NOT f.is_reported)",
    "unpriced": "(f.cost IS NULL)",
    "unmetered": "(f.output IS NULL)",
    "pinned": "(s.pinned_at IS NOT NULL)",
    "archived": "(s.archived_at IS NOT NULL)",
    "deleted": "(s.deleted_at IS NOT NULL)",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that is 1 or 0, never NULL, and its values."""

    sql: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`match` is what the full-text index is asked for, "" when it is not; `where` the rest.

    `words` are those that a found text should be shown at, each with whether it is open.
    """

    match: str
    where: Condition
    words: tuple[Wanted, ...]


def plan_query(query: Query, now: datetime) -> Plan:
    """How to find what a query asks for. Deleted sessions count only where it names them."""
    together = query.queries if isinstance(query, All) else (query,)
    texts = [one for one in together if _match_of(one)]
    rest = [one for one in together if one not in texts]
    where = _joined(" AND ", [condition_of(one, now) for one in rest])
    if not _names_deleted(query):
        where = Condition(f"s.deleted_at IS NULL AND {where.sql}", where.values)
    match = " AND ".join(_match_of(one) for one in texts)
    return Plan(match, where, words_shown(query))


def _match_of(query: Query) -> str:
    """A query for the full-text index; "" when it is about something else, or has no word."""
    match query:
        case All(queries=inner) | Either(queries=inner) if inner:
            found = [_match_of(one) for one in inner]
            word = " AND " if isinstance(query, All) else " OR "
            return f"({word.join(found)})" if all(found) else ""
        case Term(field=None | "text") if words := words_of(query.value):
            column = "text : " if query.field == "text" else ""
            return f'({column}"{" ".join(words)}"{"" if query.is_phrase else "*"})'
    return ""


def condition_of(query: Query, now: datetime) -> Condition:
    """The condition that a query stands for."""
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
    field, value = term.field, term.value
    if field in (None, "text"):
        match = _match_of(term)
        if not match:
            return Condition("1")
        found = "f.id IN (SELECT rowid FROM search WHERE search MATCH ?)"
        return Condition(f"({found})", (match,))
    if field == "title":
        words = " ".join(words_of(value))
        found = "SELECT id FROM session WHERE says(title, ?, ?)"
        return Condition(f"(f.session_id IN ({found}))", (words, int(not term.is_phrase)))
    if field in NUMBERS:
        sign, bound = comparison(value)
        return Condition(f"coalesce(f.{NUMBERS[field]} {sign} ?, 0)", (bound,))
    if field in DAYS:
        start, end = range_of(term, now)
        return Condition("(f.started_at >= ? AND f.started_at < ?)", (to_ms(start), to_ms(end)))
    return _named(field or "", value)


def _named(field: str, value: str) -> Condition:
    pattern = glob_of(value)
    match field:
        case "model":
            sql = "(lower(f.model) GLOB ? OR lower(f.answered) GLOB ?)"
            return Condition(sql, (pattern, pattern))
        case "api":
            return Condition("(lower(f.api) GLOB ?)", (pattern,))
        case "asked":
            return Condition("(lower(f.model) GLOB ?)", (pattern,))
        case "tag":
            sql = "SELECT session_id FROM tag WHERE lower(name) GLOB ?"
            return Condition(f"(f.session_id IN ({sql}))", (pattern,))
        case "finish" | "tool":
            sql = "SELECT fact_id FROM fact_name WHERE field = ? AND lower(value) GLOB ?"
            return Condition(f"(f.id IN ({sql}))", (field, pattern))
    known = HAS if field == "has" else tuple(IS)
    found = [
        Condition(_COLUMNS[name])
        if name in _COLUMNS
        else Condition("(f.marks GLOB ?)", (f"* {name} *",))
        for name in known
        if fits_name(name, value)
    ]
    return _joined(" OR ", found)


def _names_deleted(query: Query) -> bool:
    match query:
        case Not(query=inner):
            return _names_deleted(inner)
        case All(queries=inner) | Either(queries=inner):
            return any(_names_deleted(one) for one in inner)
        case Term(field="is", value=value):
            return fits_name("deleted", value)
    return False

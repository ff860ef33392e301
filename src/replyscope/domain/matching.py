"""Matches a reply in memory against a query, for rules.

The search compiles the same fields to SQL; a test compares the results.
"""

import re
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import lru_cache

from replyscope.domain.days import day_range
from replyscope.domain.facts import Facts
from replyscope.domain.query import All, Either, Not, Query, QueryError, Term, parse_query
from replyscope.domain.query_fields import (
    FIELDS,
    Day,
    Flags,
    Names,
    Number,
    OfSession,
    Side,
    Tags,
    Text,
    Title,
    holds,
    type_of,
)
from replyscope.domain.words import Wanted, has_phrase, words_of

_COMPARISON = re.compile(r"(>=|<=|>|<|=)?\$?(\d+(?:\.\d+)?)(ms|s|k|m)?", re.IGNORECASE)
_SCALES = {"k": 1_000.0, "m": 1_000_000.0, "ms": 0.001, "s": 1.0}


def read_query(text: str) -> Query:
    """The query of a text. Raises QueryError, also for unknown fields and values."""
    query = parse_query(text)
    check_query(query)
    return query


def check_query(query: Query) -> None:
    """Raises QueryError for an unknown field, or a value that the field cannot have."""
    match query:
        case Not(query=inner):
            check_query(inner)
        case All(queries=inner) | Either(queries=inner):
            for one in inner:
                check_query(one)
        case Term():
            _check_term(query)


def _check_term(term: Term) -> None:
    name, value = term.field, term.value
    if name is None:
        return
    field = FIELDS.get(name)
    if field is None:
        raise QueryError(
            f"there is no field {name}; there are: {', '.join(sorted(FIELDS))}", term.at
        )
    if isinstance(field.type, Number) and _COMPARISON.fullmatch(value) is None:
        raise QueryError(f"{name}: wants a number, such as {name}:>10", term.at)
    if isinstance(field.type, Day) and day_range(value, datetime.now(UTC)) is None:
        raise QueryError(f"{name}: wants a day, such as {name}:2026-11-01 or 7d", term.at)
    if field.choices and not any(fits_name(word, value) for word in field.choices):
        raise QueryError(f"{name}: is one of {', '.join(field.choices)}", term.at)


def matches(query: Query, facts: Facts, now: datetime) -> bool:
    """Whether a reply matches a query. An unknown number matches no comparison.

    `now` gives the current day and the time zone.
    """
    match query:
        case Not(query=inner):
            return not matches(inner, facts, now)
        case All(queries=inner):
            return all(matches(one, facts, now) for one in inner)
        case Either(queries=inner):
            return any(matches(one, facts, now) for one in inner)
        case Term():
            return _fits(query, facts, now)


def _fits(term: Term, facts: Facts, now: datetime) -> bool:
    name, value = term.field or "", term.value
    match type_of(term.field):
        case Text(places=places):
            return any(_says(getattr(facts, place), term) for place in places)
        case Title():
            return _says(facts.title, term)
        case Number():
            number = facts.numbers.get(name)
            return number is not None and _compares(number, value)
        case Names() as kind:
            pattern = kind.pattern(value)
            return any(fits_name(one, pattern) for one in facts.names.get(name, ()))
        case Tags():
            return any(fits_name(tag, value) for tag in facts.tags)
        case OfSession() as kind:
            text = kind.searched(getattr(facts, kind.fact))
            return fits_name(text, kind.pattern(value))
        case Day(side=side):
            start, end = range_of(side, value, now)
            return start <= facts.started_at < end
        case Flags(tests=tests):
            return any(holds(t, facts) for word, t in tests.items() if fits_name(word, value))


def _says(text: str, term: Term) -> bool:
    return has_phrase(words_of(text), _phrase(term.value), is_open=not term.is_phrase)


@lru_cache(maxsize=64)
def _phrase(value: str) -> list[str]:
    """The words of a term. Cached: a term is compared with many texts."""
    return words_of(value)


def words_shown(query: Query) -> tuple[Wanted, ...]:
    """The words of a query to highlight in the results."""
    match query:
        case All(queries=inner) | Either(queries=inner):
            return tuple(words for one in inner for words in words_shown(one))
        case Term() if isinstance(type_of(query.field), Text):
            words = words_of(query.value)
            return ((tuple(words), not query.is_phrase),) if words else ()
    return ()


def fits_name(name: str, pattern: str) -> bool:
    """Whether a name matches a pattern whose only wildcards are * and ?."""
    return fnmatchcase(name.lower(), glob_of(pattern))


def glob_of(pattern: str) -> str:
    """The pattern for `fnmatch` and SQLite's GLOB, with brackets escaped."""
    return pattern.lower().replace("[", "[[]")


_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 30, tzinfo=UTC)


def range_of(side: Side, value: str, now: datetime) -> tuple[datetime, datetime]:
    """The first time that a term such as `before:7d` includes, and the first time after it."""
    start, end = day_range(value, now) or (_FIRST, _LAST)
    match side:
        case Side.BEFORE:
            return _FIRST, start
        case Side.AFTER:
            return start, _LAST
        case Side.ON:
            return start, end


def comparison(value: str) -> tuple[str, float]:
    """The sign and the bound of a comparison, in the unit of the fact."""
    match = _COMPARISON.fullmatch(value)
    assert match is not None, "check_query validates it"
    sign, digits, unit = match.groups()
    return sign or "=", float(digits) * _SCALES.get((unit or "").lower(), 1.0)


def _compares(number: float, wanted: str) -> bool:
    sign, bound = comparison(wanted)
    match sign:
        case ">":
            return number > bound
        case ">=":
            return number >= bound
        case "<":
            return number < bound
        case "<=":
            return number <= bound
    return number == bound

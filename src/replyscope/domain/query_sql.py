"""Compiles a query to SQL conditions over `fact f JOIN session s`, for any SQL dialect.

It finds what `domain.matching` matches. Fields are compiled by their type; their names,
meanings and examples are in `domain.query_fields`. A dialect has one method for each type.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from replyscope.domain.facts import Mark
from replyscope.domain.json_values import to_ms
from replyscope.domain.matching import comparison, fits_name, range_of, words_shown
from replyscope.domain.query import All, Either, Not, Query, Term
from replyscope.domain.query_fields import (
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
from replyscope.domain.values import dataclass
from replyscope.domain.words import Wanted, words_of


@dataclass(frozen=True, slots=True)
class Condition:
    """A SQL expression that is true or false, never NULL, and its parameters."""

    sql: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryParts:
    """A compiled query: the texts that the full-text index finds, and the other conditions.

    A snippet shows the text around one of `words`, each with whether it matches as a prefix.
    """

    texts: tuple[Query, ...]
    where: Condition
    words: tuple[Wanted, ...]


class SqlDialect(Protocol):
    """The SQL of one database for each type of field."""

    @property
    def always(self) -> Condition:
        """The condition that is always true."""
        ...

    def text(self, term: Term) -> Condition:
        """Whether the texts of the reply have the words of a term, which has some."""
        ...

    def title(self, words: str, *, is_open: bool) -> Condition:
        """Whether the title has the words; an open phrase may end inside a word."""
        ...

    def number(self, field: str, sign: str, bound: float) -> Condition:
        """A comparison of a number; an unknown number fits none."""
        ...

    def names(self, field: str, pattern: str) -> Condition:
        """Whether a name of the field matches a pattern with * and ?."""
        ...

    def tag(self, pattern: str) -> Condition:
        """Whether a tag of the session matches a pattern."""
        ...

    def of_session(self, kind: OfSession, pattern: str) -> Condition:
        """Whether a text of the session matches a pattern."""
        ...

    def started(self, start_ms: int, end_ms: int) -> Condition:
        """Whether the reply started at or after a time, and before another."""
        ...

    def mark(self, mark: Mark) -> Condition:
        """Whether the reply has a mark."""
        ...

    def is_known(self, field: str) -> Condition:
        """Whether the number of a field is known."""
        ...

    def is_true(self, fact: str) -> Condition:
        """Whether an attribute of `Facts` is true."""
        ...


def compile_query(query: Query, now: datetime, dialect: SqlDialect) -> QueryParts:
    """Compile a query. Deleted sessions are included only when the query names them."""
    together = query.queries if isinstance(query, All) else (query,)
    texts = tuple(one for one in together if has_only_texts(one))
    rest = [condition_of(one, now, dialect) for one in together if one not in texts]
    if not _names_deleted(query):
        rest.insert(0, opposite(dialect.is_true("is_deleted")))
    return QueryParts(texts, joined(" AND ", rest, dialect.always), words_shown(query))


def has_only_texts(query: Query) -> bool:
    """Whether a query has words to search in the texts of replies, and nothing else."""
    match query:
        case All(queries=inner) | Either(queries=inner):
            return bool(inner) and all(map(has_only_texts, inner))
        case Term(field=field, value=value):
            return isinstance(type_of(field), Text) and bool(words_of(value))
    return False


def condition_of(query: Query, now: datetime, dialect: SqlDialect) -> Condition:
    """The SQL condition of a query."""
    match query:
        case Not(query=inner):
            return opposite(condition_of(inner, now, dialect))
        case All(queries=inner):
            found = [condition_of(one, now, dialect) for one in inner]
            return joined(" AND ", found, dialect.always)
        case Either(queries=inner):
            found = [condition_of(one, now, dialect) for one in inner]
            return joined(" OR ", found, dialect.always)
        case Term():
            return _term(query, now, dialect)


def joined(word: str, found: Sequence[Condition], empty: Condition) -> Condition:
    """Conditions joined with AND or OR; `empty` when there are none."""
    if not found:
        return empty
    values = tuple(value for one in found for value in one.values)
    return Condition(f"({word.join(one.sql for one in found)})", values)


def opposite(condition: Condition) -> Condition:
    """The condition that is true when another is false."""
    return Condition(f"(NOT {condition.sql})", condition.values)


def _term(term: Term, now: datetime, dialect: SqlDialect) -> Condition:
    name, value = term.field or "", term.value
    match type_of(term.field):
        case Title():
            return dialect.title(" ".join(words_of(value)), is_open=not term.is_phrase)
        case Text():
            return dialect.text(term) if words_of(value) else dialect.always
        case Number():
            return dialect.number(name, *comparison(value))
        case Names() as kind:
            return dialect.names(name, kind.pattern(value))
        case Tags():
            return dialect.tag(value)
        case OfSession() as kind:
            return dialect.of_session(kind, kind.pattern(value))
        case Day(side=side):
            start, end = range_of(side, value, now)
            return dialect.started(to_ms(start), to_ms(end))
        case Flags(tests=tests):
            found = [_test(t, dialect) for word, t in tests.items() if fits_name(word, value)]
            return joined(" OR ", found, dialect.always)


def _test(test: Test, dialect: SqlDialect) -> Condition:
    match test:
        case Mark():
            return dialect.mark(test)
        case IsKnown(field=field):
            return dialect.is_known(field)
        case IsTrue(fact=fact):
            return dialect.is_true(fact)
        case Lacks(test=inner):
            return opposite(_test(inner, dialect))
        case Both(tests=tests):
            return joined(" AND ", [_test(one, dialect) for one in tests], dialect.always)


def _names_deleted(query: Query) -> bool:
    match query:
        case Not(query=inner):
            return _names_deleted(inner)
        case All(queries=inner) | Either(queries=inner):
            return any(_names_deleted(one) for one in inner)
        case Term(field="is", value=value):
            return fits_name("deleted", value)
    return False

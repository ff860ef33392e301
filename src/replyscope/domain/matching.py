"""Whether a reply is what a query asks for. Rules decide by this; the search compiles the
same fields to SQL, and a test holds the two together.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from replyscope.domain.days import day_range
from replyscope.domain.facts import Facts, Mark
from replyscope.domain.finish import FinishReason
from replyscope.domain.query import All, Either, Not, Query, QueryError, Term
from replyscope.domain.words import Wanted, has_phrase, words_of

_COMPARISON = re.compile(r"(>=|<=|>|<|=)?\$?(\d+(?:\.\d+)?)(ms|s|k|m)?", re.IGNORECASE)
_SCALES = {"k": 1_000.0, "m": 1_000_000.0, "ms": 0.001, "s": 1.0}
NUMBERS = {
    "tokens": "tokens",
    "in": "input",
    "out": "output",
    "cost": "cost",
    "ttft": "ttft",
    "duration": "duration",
    "tps": "tps",
}
"""Fields that compare, and the fact that each is about."""
NAMES: dict[str, Callable[[Facts], Iterable[str]]] = {
    "finish": lambda facts: facts.finishes,
    "model": lambda facts: (facts.model, facts.answered),
    "asked": lambda facts: (facts.model,),
    "api": lambda facts: (facts.api,),
    "tool": lambda facts: facts.tools,
    "tag": lambda facts: facts.tags,
}
"""Fields whose values are names, with * and ?."""
HAS = (Mark.ERROR, Mark.TOOL, Mark.IMAGE, Mark.REASONING, Mark.FINDING)
IS: dict[str, Callable[[Facts], bool]] = {
    "flagged": lambda facts: Mark.FLAGGED in facts.marks,
    "partial": lambda facts: Mark.PARTIAL in facts.marks,
    "toolfailed": lambda facts: Mark.TOOL_FAILED in facts.marks,
    "reported": lambda facts: facts.cost is not None and facts.is_cost_reported,
    "estimated": lambda facts: facts.cost is not None and not facts.is_cost_reported,
    "unpriced": lambda facts: facts.cost is None,
    "unmetered": lambda facts: facts.output is None,
    "pinned": lambda facts: facts.is_pinned,
    "archived": lambda facts: facts.is_archived,
    "deleted": lambda facts: facts.is_deleted,
}
DAYS = ("before", "after", "on")
FIELDS = (*NUMBERS, *NAMES, *DAYS, "has", "is", "text", "title")


def check_query(query: Query) -> None:
    """Raises QueryError for a field or a value that there is not."""
    match query:
        case Not(query=inner):
            check_query(inner)
        case All(queries=inner) | Either(queries=inner):
            for one in inner:
                check_query(one)
        case Term():
            _check_term(query)


def _check_term(term: Term) -> None:
    field, value = term.field, term.value
    choices: dict[str, Iterable[str]] = {"finish": list(FinishReason), "has": HAS, "is": IS}
    if field is None:
        return
    if field not in FIELDS:
        raise QueryError(
            f"there is no field {field}; there are: {', '.join(sorted(FIELDS))}", term.at
        )
    if field in NUMBERS and _COMPARISON.fullmatch(value) is None:
        raise QueryError(f"{field}: wants a number, such as {field}:>10", term.at)
    if field in DAYS and day_range(value, datetime.now(UTC)) is None:
        raise QueryError(f"{field}: wants a day, such as {field}:2026-11-01 or 7d", term.at)
    if field in choices and not any(fits_name(word, value) for word in choices[field]):
        raise QueryError(f"{field}: is one of {', '.join(choices[field])}", term.at)


def matches(query: Query, facts: Facts, now: datetime) -> bool:
    """Whether a reply is one of those. What is unknown is no number: it never fits.

    `now` says what today is, and where.
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
    field, value = term.field or "", term.value
    if not field:
        places = (facts.prompt, facts.text, facts.reasoning, facts.calls)
        return any(_says(place, term) for place in places)
    if field in ("text", "title"):
        return _says(facts.text if field == "text" else facts.title, term)
    if field in NUMBERS:
        number = getattr(facts, NUMBERS[field])
        return number is not None and _compares(number, value)
    if field in NAMES:
        return any(fits_name(name, value) for name in NAMES[field](facts))
    if field in DAYS:
        start, end = _range_of(field, value, now)
        return start <= facts.started_at < end
    if field == "is":
        return any(holds(facts) for name, holds in IS.items() if fits_name(name, value))
    return any(mark in facts.marks for mark in HAS if fits_name(mark, value))


def _says(text: str, term: Term) -> bool:
    return has_phrase(words_of(text), words_of(term.value), is_open=not term.is_phrase)


def words_shown(query: Query) -> tuple[Wanted, ...]:
    """The words that a text which was found should be shown at."""
    match query:
        case All(queries=inner) | Either(queries=inner):
            return tuple(words for one in inner for words in words_shown(one))
        case Term(field=None | "text") if words := words_of(query.value):
            return ((tuple(words), not query.is_phrase),)
    return ()


def fits_name(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern in which only * and ? mean something."""
    return fnmatchcase(name.lower(), glob_of(pattern))


def glob_of(pattern: str) -> str:
    """A pattern as `fnmatch` and SQLite's GLOB read it: a bracket is a bracket."""
    return pattern.lower().replace("[", "[[]")


_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 30, tzinfo=UTC)


def _range_of(field: str, value: str, now: datetime) -> tuple[datetime, datetime]:
    start, end = day_range(value, now) or (_FIRST, _LAST)
    return {"before": (_FIRST, start), "after": (start, _LAST)}.get(field, (start, end))


def range_of(term: Term, now: datetime) -> tuple[datetime, datetime]:
    """What a `before:`, `after:` (that day or later) or `on:` term spans."""
    return _range_of(term.field or "", term.value, now)


def comparison(value: str) -> tuple[str, float]:
    """A comparison's sign and bound, in the fact's own unit."""
    match = _COMPARISON.fullmatch(value)
    assert match is not None, "the query was checked"
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

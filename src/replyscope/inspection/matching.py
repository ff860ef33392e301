"""Whether an exchange is what a query asks for. Rules and the search both decide by this."""

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from replyscope.domain.exchange import Exchange, output_rate
from replyscope.domain.finish import FinishReason
from replyscope.domain.query import All, Either, Not, Query, QueryError, Term
from replyscope.inspection.findings import find_oddities

_COMPARISON = re.compile(r"(>=|<=|>|<|=)?\$?(\d+(?:\.\d+)?)(ms|s|k|m)?", re.IGNORECASE)
_SCALES = {"k": 1_000.0, "m": 1_000_000.0, "ms": 0.001, "s": 1.0}


def _usage(name: str) -> Callable[[Exchange], float | None]:
    return lambda exchange: getattr(exchange.usage, name) if exchange.usage is not None else None


def _seconds(value_ms: float | None) -> float | None:
    return None if value_ms is None else value_ms / 1000


_NUMBERS: dict[str, Callable[[Exchange], float | None]] = {
    "tokens": _usage("total_tokens"),
    "in": _usage("input_tokens"),
    "out": _usage("output_tokens"),
    "cost": lambda exchange: exchange.cost_usd,
    "ttft": lambda exchange: _seconds(exchange.timing.first_token_ms),
    "duration": lambda exchange: _seconds(exchange.timing.duration_ms),
    "tps": lambda exchange: output_rate(exchange.usage, exchange.timing),
}
_TEXTS: dict[str, Callable[[Exchange], Iterable[str]]] = {
    "finish": lambda exchange: (c.finish_reason or "" for c in exchange.choices),
    "model": lambda exchange: (exchange.model, exchange.answered_model or ""),
    "api": lambda exchange: (exchange.api.value,),
    "tool": lambda exchange: (t.name for c in exchange.choices for t in c.tool_calls),
}
_HAS: dict[str, Callable[[Exchange], bool]] = {
    "error": lambda exchange: exchange.failure is not None,
    "tool": lambda exchange: any(c.tool_calls for c in exchange.choices),
    "reasoning": lambda exchange: any(c.reasoning for c in exchange.choices),
    "finding": lambda exchange: bool(find_oddities(exchange)),
}


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
    if field is None or field in ("text", "model", "tool", "api"):
        return
    if field in _NUMBERS:
        if _COMPARISON.fullmatch(value) is None:
            raise QueryError(f"{field}: wants a number, such as {field}:>10", term.at)
        return
    known: dict[str, Iterable[str]] = {"finish": list(FinishReason), "has": _HAS}
    if field not in known:
        names = ", ".join(sorted({*_NUMBERS, *_TEXTS, *known, "text"}))
        raise QueryError(f"there is no field {field}; there are: {names}", term.at)
    if not any(fnmatchcase(word, value) for word in known[field]):
        raise QueryError(f"{field}: is one of {', '.join(known[field])}", term.at)


def matches(query: Query, exchange: Exchange) -> bool:
    """Whether an exchange is one of those. What is unknown is no number: it never fits."""
    match query:
        case Not(query=inner):
            return not matches(inner, exchange)
        case All(queries=inner):
            return all(matches(one, exchange) for one in inner)
        case Either(queries=inner):
            return any(matches(one, exchange) for one in inner)
        case Term(field=None, value=value) | Term(field="text", value=value):
            return any(value.casefold() in c.text.casefold() for c in exchange.choices)
        case Term(field="has", value=value):
            return _HAS[value](exchange)
        case Term():
            return _fits(query.field or "", query.value, exchange)


def _fits(field: str, value: str, exchange: Exchange) -> bool:
    if field in _NUMBERS:
        number = _NUMBERS[field](exchange)
        return number is not None and _compares(number, value)
    words = (word.casefold() for word in _TEXTS[field](exchange))
    return any(fnmatchcase(word, value.casefold()) for word in words)


def _compares(number: float, wanted: str) -> bool:
    match = _COMPARISON.fullmatch(wanted)
    assert match is not None
    sign, digits, unit = match.groups()
    bound = float(digits) * _SCALES.get((unit or "").lower(), 1.0)
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

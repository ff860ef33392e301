"""The rules of `watch --fault`: a table of terms, and the parser that it drives. Pure.

To add a term, add a field to `FaultRule` and an entry to `TERMS`: the parser, its errors, the
help of the command and the guide read this table.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from replyscope.domain.matching import read_query
from replyscope.domain.query import All, Either, Not, Query, QueryError, Term
from replyscope.serving.faults.rule import FINISH_REASONS, FaultRule

REQUEST_FIELDS = ("model", "asked", "api", "client", "tool")
"""The fields of the query language that a request alone has a value for."""
_SIZES = {"": 1, "b": 1, "kb": 1_000, "mb": 1_000_000}
_TIMES = {"ms": 0.001, "s": 1.0}
_LONGEST_S = 3_600.0
_MOST_COUNT = 1_000_000
_MOST_BYTES = 1_000_000_000


class FaultRuleError(ValueError):
    """A rule that can't be parsed. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class FaultTerm:
    """A term of a rule: the shape of its value, its help, and the fields that a value sets.

    `read` returns None for a value that the term cannot have.
    """

    shape: str
    help: str
    read: Callable[[str], dict[str, Any] | None]


def parse_rule(text: str) -> FaultRule:
    """Parse a rule such as `p=0.1 status=429 retry-after=2`. Raises FaultRuleError."""
    rule, seen = FaultRule(" ".join(text.split())), set[str]()
    for name, value in _words(text):
        term = TERMS.get(name)
        if term is None:
            raise FaultRuleError(f"There is no term {name!r}; there are: {', '.join(TERMS)}.")
        if name in seen:
            raise FaultRuleError(f"The term {name} is there twice.")
        seen.add(name)
        fields = term.read(value)
        if fields is None:
            raise FaultRuleError(f"The value {value!r} of {name} is not {term.shape}.")
        rule = replace(rule, **fields)
    _check(rule)
    return rule


def _words(text: str) -> list[tuple[str, str]]:
    """The terms as (name, value); `after:500b` belongs to the stall before it."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise FaultRuleError("A quotation mark is not closed.") from error
    terms: list[tuple[str, str]] = []
    for word in words:
        name, sign, value = word.partition("=")
        if terms and terms[-1][0] == "stall" and word.startswith("after:"):
            terms[-1] = ("stall", f"{terms[-1][1]} {word}")
        elif not sign:
            raise FaultRuleError(f"{word!r} is not a term; terms are written name=value.")
        else:
            terms.append((name, value))
    return terms


def _check(rule: FaultRule) -> None:
    if not rule.is_fault:
        raise FaultRuleError(
            "The rule has no fault; add status, cut, stall, slow, finish or garble."
        )
    if rule.status is None and rule.retry_after_s is not None:
        raise FaultRuleError("retry-after is sent with an error; add status=429.")
    has_body = (rule.cut, rule.stall_after, rule.slow, rule.finish)
    if rule.status is not None and (rule.garbles or any(one is not None for one in has_body)):
        raise FaultRuleError(
            "status answers instead of the server, so nothing else of a reply can be changed; "
            "use two rules."
        )


def _number(text: str, least: float, most: float) -> float | None:
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) is None:
        return None
    value = float(text)
    return value if least <= value <= most else None


def _whole(text: str, least: int, most: int) -> int | None:
    value = _number(text, least, most) if text.isdigit() else None
    return None if value is None else int(value)


def _field(name: str, value: object) -> dict[str, Any] | None:
    return None if value is None else {name: value}


def _seconds(text: str) -> float | None:
    match = re.fullmatch(r"([\d.]+)(ms|s)", text, re.ASCII)
    number = _number(match[1], 0, _LONGEST_S * 1_000) if match else None
    if match is None or number is None:
        return None
    seconds = number * _TIMES[match[2]]
    return seconds if 0 < seconds <= _LONGEST_S else None


def _place(text: str) -> int | None:
    match = re.fullmatch(r"after:(\d{1,10})(b|kb|mb)?", text, re.ASCII)
    size = int(match[1]) * _SIZES[match[2] or ""] if match else None
    return size if size is not None and size <= _MOST_BYTES else None


def _stall(text: str) -> dict[str, Any] | None:
    time, _, place = text.partition(" ")
    seconds = _seconds(time)
    after = _place(place) if place else None
    if seconds is None or (place and after is None):
        return None
    return {"stall_s": seconds, "stall_after": after}


def _rate(text: str) -> float | None:
    return _number(text.removesuffix("tok/s"), 0.01, 100_000) if text.endswith("tok/s") else None


def _when(text: str) -> dict[str, Any]:
    return {"when": request_query(text)}


def request_query(text: str) -> Query:
    """A query about requests. Raises FaultRuleError, also for terms that need the reply."""
    try:
        query = read_query(text)
    except QueryError as error:
        raise FaultRuleError(f"The query {text!r} can't be parsed: {error}.") from error
    _refuse_replies(query)
    return query


def _refuse_replies(query: Query) -> None:
    match query:
        case Not(query=inner):
            _refuse_replies(inner)
        case All(queries=inner) | Either(queries=inner):
            for one in inner:
                _refuse_replies(one)
        case Term(field=str() as name) if name not in REQUEST_FIELDS:
            known = ", ".join(f"{field}:" for field in REQUEST_FIELDS)
            raise FaultRuleError(
                f"The term {name}: can't be used here, because the call is not answered yet. "
                f"A request has {known} and words of its messages."
            )


TERMS: dict[str, FaultTerm] = {
    "status": FaultTerm(
        "an HTTP status from 400 to 599",
        "answer with this error; the call is not forwarded",
        lambda text: _field("status", _whole(text, 400, 599)),
    ),
    "retry-after": FaultTerm(
        "a number of seconds",
        "with status: the header of that name",
        lambda text: _field("retry_after_s", _number(text, 0, _LONGEST_S)),
    ),
    "cut": FaultTerm(
        "a place such as after:500b or after:2kb",
        "close the connection after this number of bytes of the reply",
        lambda text: _field("cut", _place(text)),
    ),
    "stall": FaultTerm(
        "a time such as 5s or 300ms, maybe with a place: 5s after:500b",
        "send nothing for a time: before the reply, or after a number of bytes",
        _stall,
    ),
    "slow": FaultTerm(
        "a rate such as 20tok/s",
        "limit the frames of a stream per second",
        lambda text: _field("slow", _rate(text)),
    ),
    "finish": FaultTerm(
        f"one of {', '.join(FINISH_REASONS)}",
        "change the finish reason of a complete reply",
        lambda text: _field("finish", text if text in FINISH_REASONS else None),
    ),
    "garble": FaultTerm(
        "the word arguments",
        "make the arguments of tool calls invalid JSON",
        lambda text: {"garbles": True} if text == "arguments" else None,
    ),
    "when": FaultTerm(
        "a query in quotation marks",
        "hit only requests that match: "
        f"{', '.join(f'{name}:' for name in REQUEST_FIELDS)} and words of the messages",
        _when,
    ),
    "p": FaultTerm(
        "a probability between 0 and 1",
        "hit a call with this probability",
        lambda text: _field("p", _number(text, 0, 1)),
    ),
    "first": FaultTerm(
        "a whole number from 1",
        "hit only the first calls that match",
        lambda text: _field("first", _whole(text, 1, _MOST_COUNT)),
    ),
    "every": FaultTerm(
        "a whole number from 1",
        "hit only each second, third … call that matches",
        lambda text: _field("every", _whole(text, 1, _MOST_COUNT)),
    ),
}

"""The types of parameter values: what a JSON value may be, and the check of a value.

A type is built from the request types of the SDK (`provider/sdk_types.py`), so that other
packages check values without loading the SDK. `ANY` accepts every value.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replyscope.domain.limits import Limits
from replyscope.domain.typed_number import shortened


class Plain(StrEnum):
    """A type without parts; the value is its name in sentences."""

    TEXT = "a text"
    FLAG = "true or false"
    WHOLE = "a whole number"
    NUMBER = "a number"
    NULL = "null"
    ANY = "any JSON"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A type with a fixed set of words or other constants."""

    allowed: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A number between two documented bounds."""

    number: Plain
    limits: Limits


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values of one type."""

    item: "ValueType"


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with any names, and values of one type."""

    value: "ValueType"


@dataclass(frozen=True, slots=True)
class Record:
    """An object with known fields, as (name, type). `required` are the names of those it needs."""

    fields: tuple[tuple[str, "ValueType"], ...]
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A value of one of several types."""

    types: tuple["ValueType", ...]


ValueType = Plain | OneOf | Range | ListOf | MapOf | Record | AnyOf


@dataclass(frozen=True, slots=True)
class TypeFault:
    """The reason that a value does not fit: the place in it, as in `ttl` or `[0].type`, and a
    sentence's predicate. `depth` is the number of levels above the place.
    """

    place: str
    why: str
    depth: int = 0

    def inside(self, step: str) -> "TypeFault":
        """The fault as seen from the value around it; `step` is the name or [index] in it."""
        dot = "" if not self.place or self.place.startswith("[") else "."
        return TypeFault(f"{step}{dot}{self.place}", self.why, self.depth + 1)


def phrase_of(type_: ValueType) -> str:
    """The type in a few words: `auto, default or flex`, `a list of texts`."""
    match type_:
        case Plain():
            return type_.value
        case OneOf(allowed):
            return _either([_word(value) for value in allowed])
        case Range(number, bounds):
            return f"{number.value} {bounds}"
        case ListOf(item):
            return f"a list ({phrase_of(item)})"
        case MapOf(value):
            return f"an object (values: {phrase_of(value)})"
        case Record(fields):
            return f"an object ({', '.join(name for name, _ in fields) or 'without fields'})"
        case AnyOf(types):
            return _either(list(dict.fromkeys(map(phrase_of, _simple_first(types)))))


def words_of(type_: ValueType) -> tuple[str, ...]:
    """The words that a value may be, for completion; empty when it may be any text."""
    match type_:
        case OneOf(allowed):
            return tuple(map(_word, allowed))
        case AnyOf(types):
            return tuple(word for one in types for word in words_of(one))
        case Plain.FLAG:
            return ("true", "false")
        case _:
            return ()


def find_fault(type_: ValueType, value: Any) -> TypeFault | None:
    """The first reason why a JSON value does not fit a type; None when it fits."""
    match type_:
        case Plain():
            return None if _is_plain(type_, value) else _not(type_, value)
        case OneOf(allowed):
            fits = any(type(one) is type(value) and one == value for one in allowed)
            return None if fits else _not(type_, value)
        case Range(number, bounds):
            fits = _is_plain(number, value) and value in bounds
            return None if fits else _not(type_, value)
        case ListOf(item):
            if not isinstance(value, list):
                return _not(type_, value)
            return _first((f"[{index}]", item, one) for index, one in enumerate(value))
        case MapOf(inner):
            if not isinstance(value, dict):
                return _not(type_, value)
            return _first((name, inner, one) for name, one in value.items())
        case Record():
            return _fault_of_record(type_, value)
        case AnyOf(types):
            faults = [find_fault(one, value) for one in types]
            return None if None in faults else _closest(type_, value, faults)


def _fault_of_record(type_: Record, value: Any) -> TypeFault | None:
    if not isinstance(value, dict):
        return _not(type_, value)
    fields = dict(type_.fields)
    unknown = next((name for name in value if name not in fields), None)
    if unknown is not None:
        return TypeFault(shortened(unknown), f"is not a field; allowed: {', '.join(fields)}", 1)
    missing = sorted(type_.required - value.keys())
    if missing:
        return TypeFault("", f"lacks {', '.join(missing)}", 1)
    return _first((name, fields[name], one) for name, one in value.items())


def _first(values: Iterable[tuple[str, ValueType, Any]]) -> TypeFault | None:
    for step, type_, value in values:
        fault = find_fault(type_, value)
        if fault is not None:
            return fault.inside(step)
    return None


def _closest(type_: AnyOf, value: Any, faults: Iterable[TypeFault | None]) -> TypeFault:
    """The fault of the alternative that fits best: of the tagged one, else the deepest."""
    if not isinstance(value, dict | list):
        return _not(type_, value)
    known = [fault for fault in faults if fault is not None]
    tagged = [
        fault
        for fault, one in zip(faults, type_.types, strict=True)
        if fault is not None and isinstance(one, Record) and _has_tag(one, value)
    ]
    deepest = max(tagged or known, key=lambda fault: fault.depth)
    return deepest if deepest.depth else _not(type_, value)


def _has_tag(type_: Record, value: Any) -> bool:
    """Whether an object has the `type` of this record."""
    tag = dict(type_.fields).get("type")
    return isinstance(tag, OneOf) and isinstance(value, dict) and value.get("type") in tag.allowed


def _is_plain(type_: Plain, value: Any) -> bool:
    match type_:
        case Plain.TEXT:
            return isinstance(value, str)
        case Plain.FLAG:
            return isinstance(value, bool)
        case Plain.WHOLE:
            return type(value) is int
        case Plain.NUMBER:
            return type(value) is int or (type(value) is float and math.isfinite(value))
        case Plain.NULL:
            return value is None
        case Plain.ANY:
            return True


def _not(type_: ValueType, value: Any) -> TypeFault:
    return TypeFault("", f"must be {phrase_of(type_)}, not {_shown(value)}")


def _shown(value: Any) -> str:
    return shortened(json.dumps(value, ensure_ascii=False, default=str))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _simple_first(types: Iterable[ValueType]) -> list[ValueType]:
    return sorted(types, key=lambda one: not isinstance(one, Plain | OneOf | Range))


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)

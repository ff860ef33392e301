"""Validates imported values: each field has its declared type, and its value is in range.

Python does not check the types of a dataclass. A number in place of a text would be saved, and
every later read would fail. An import is validated once, before it is saved.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache, partial
from operator import attrgetter
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from replyscope.domain.shared import Shared

YEARS = range(1970, 9000)
_MOST = 2**63 - 1  # the largest integer of SQLite
_MOST_FLOAT = 1e300  # sums of them stay finite
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def check_shared(shared: Shared) -> None:
    """Validate a session before its import: every field, and every id.

    An id is printed and searched for, so it has plain characters, and no two messages share
    one. Raises TypeError or ValueError.
    """
    exchanges, records = shared.exchanges, shared.records
    for value in (shared.session, *shared.messages, *exchanges.values(), *records.values()):
        check_fields(value)
    for ids in ([shared.session.id], [m.id for m in shared.messages], list(exchanges)):
        _check_ids(ids)


def check_fields(value: Any) -> None:
    """Validate a dataclass and all nested values.

    Raises TypeError or ValueError with the name of the first invalid field.
    """
    kind: Any = type(value)
    values, hints = _hints(kind)
    for field, (name, plain, quick, kinds) in zip(values(value), hints, strict=True):
        own = type(field)
        if own in plain:
            continue
        is_valid = quick.get(own)
        if is_valid is None or not is_valid(field):
            _check(field, kinds, (kind, name))


_Kinds = tuple[tuple[Any, Any], ...]
"""The alternatives of a type, each with the class of its values."""
_Place = tuple[Any, str]
"""The class and the field of a value."""
_Plain = frozenset[Any]
_Quick = Mapping[type, Callable[[Any], bool]]
"""Tests by the class of a value. A value that passes is valid; any other is validated by `_check`,
which finds the error. Nearly every value of an import passes.
"""


@cache
def _hints(
    kind: Any,
) -> tuple[Callable[[Any], Any], tuple[tuple[str, _Plain, _Quick, _Kinds], ...]]:
    """A function that returns the values of all fields of a class; and for each field the classes
    whose values are all valid, the quick tests of its values, and all alternatives.
    """
    hints = {name: _kinds_of(hint) for name, hint in get_type_hints(kind).items()}
    read: Callable[[Any], Any] = attrgetter(*hints)
    fields = tuple((name, _plain(kinds), _quick(kinds), kinds) for name, kinds in hints.items())
    if len(fields) == 1:
        return lambda value: (read(value),), fields
    return read, fields


@cache
def _plain(kinds: _Kinds) -> _Plain:
    """The classes whose values are all valid."""
    return frozenset(own for _, own in kinds if own in _PLAIN or _is_enum(own))


def _is_enum(own: Any) -> bool:
    return isinstance(own, type) and issubclass(own, Enum)


@cache
def _quick(kinds: _Kinds) -> _Quick:
    tests: dict[type, Callable[[Any], bool]] = {}
    for kind, own in kinds:
        if own is tuple:
            tests.setdefault(tuple, _test_of_items(kind))
        elif own is datetime:
            tests.setdefault(datetime, lambda at: at.year in YEARS)
        elif is_dataclass(own):
            tests.setdefault(own, _is_whole)  # type: ignore[arg-type]
        elif own in (int, float):
            tests.setdefault(own, partial(_is_in_range, kind=own))
            tests.setdefault(int, partial(_is_in_range, kind=own))  # it is valid as a float too
        elif own in _plain(kinds):
            tests.setdefault(own, lambda _: True)
    return tests


_PLAIN = (str, bool, type(None))


def _is_whole(value: Any) -> bool:
    """Raises TypeError or ValueError for a dataclass with an invalid field."""
    check_fields(value)
    return True


def _test_of_items(hint: Any) -> Callable[[tuple[Any, ...]], bool]:
    """The quick test of a tuple."""
    kinds = get_args(hint)
    tests = [_quick(_kinds_of(kind)) for kind in kinds if kind is not Ellipsis]
    if kinds[1:] == (Ellipsis,):
        return lambda items: not items or all(_passes(tests[0], item) for item in items)
    return lambda items: len(items) == len(tests) and all(map(_passes, tests, items))


def _passes(quick: _Quick, value: Any) -> bool:
    is_valid = quick.get(type(value))
    return is_valid is not None and is_valid(value)


@cache
def _kinds_of(hint: Any) -> _Kinds:
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple((kind, get_origin(kind) or kind) for kind in kinds)


def _check(value: Any, kinds: _Kinds, place: _Place) -> None:
    found = _alternative(value, kinds)
    if found is None:
        raise TypeError(f"{_named(place)} is of the type {type(value).__name__}")
    kind, own = found
    if value is None or own is str:
        return
    if isinstance(value, tuple):
        for item, item_kind in zip(value, _item_kinds(value, kind, place), strict=True):
            _check(item, _kinds_of(item_kind), place)
    elif own in (int, float) and not _is_in_range(value, own):
        raise ValueError(f"{_named(place)} is out of range")
    elif isinstance(value, datetime) and value.year not in YEARS:
        raise ValueError(f"{_named(place)} is in the year {value.year}")
    elif is_dataclass(value):
        check_fields(value)


def _alternative(value: Any, kinds: _Kinds) -> tuple[Any, Any] | None:
    """The first alternative that a value has."""
    for pair in kinds:
        if _is_of(value, pair[1]):
            return pair
    return None


def _named(place: _Place) -> str:
    kind, name = place
    return f"{kind.__name__}.{name}"


def _is_of(value: object, own: Any) -> bool:
    if own in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, int | float if own is float else own)


def _item_kinds(value: tuple[Any, ...], hint: Any, place: _Place) -> Sequence[Any]:
    kinds = get_args(hint)
    if get_origin(hint) is not tuple or kinds[1:] == (Ellipsis,):
        return kinds[:1] * len(value)
    if len(kinds) != len(value):
        raise ValueError(f"{_named(place)} has {len(value)} values, not {len(kinds)}")
    return kinds


def _is_in_range(value: float, kind: type) -> bool:
    most = _MOST if kind is int else _MOST_FLOAT
    return -most <= value <= most  # false for NaN


def _check_ids(ids: Iterable[str]) -> None:
    known = set()
    for key in ids:
        if not _ID.fullmatch(key):
            raise ValueError(f"{key[:80]!r} is not a valid id")
        if key in known:
            raise ValueError("two messages have the same id")
        known.add(key)

"""Validates imported values: each field has its declared type, and its value is in range.

Python does not check the types of a dataclass. A number in place of a text would be saved, and
every later read would fail. An import is validated once, before it is saved.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
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
    for name, plain, kinds in _hints(kind):
        field = getattr(value, name)
        if type(field) not in plain:
            _check(field, kinds, (kind, name))


_Kinds = tuple[tuple[Any, Any], ...]
"""The alternatives of a type, each with the class of its values."""
_Place = tuple[Any, str]
"""The class and the field of a value."""


_PLAIN: frozenset[Any] = frozenset((str, bool, type(None)))
"""The classes whose values are all valid."""


@cache
def _hints(kind: Any) -> tuple[tuple[str, frozenset[Any], _Kinds], ...]:
    """The fields of a class, each with the plain classes of its values, and all alternatives."""
    hints = ((name, _kinds_of(hint)) for name, hint in get_type_hints(kind).items())
    return tuple(
        (name, _PLAIN & {own for _, own in kinds if isinstance(own, type)}, kinds)
        for name, kinds in hints
    )


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
    return math.isfinite(value) and abs(value) <= (_MOST if kind is int else _MOST_FLOAT)


def _check_ids(ids: Iterable[str]) -> None:
    known = set()
    for key in ids:
        if not _ID.fullmatch(key):
            raise ValueError(f"{key[:80]!r} is not a valid id")
        if key in known:
            raise ValueError("two messages have the same id")
        known.add(key)

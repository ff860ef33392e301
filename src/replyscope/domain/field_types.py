"""Checks that a value's fields are what they are said to be, all the way down.

A file of unknown origin may hold anything anywhere; behind this door nobody asks again.
"""

import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

_LARGEST = 2**63 - 1  # what SQLite can keep
_YEARS = range(1970, 9000)


def check_fields(value: Any) -> None:
    """Raises TypeError or ValueError, with the name of the field."""
    kind: Any = type(value)
    for name, hint in _hints(kind).items():
        _check(getattr(value, name), hint, f"{kind.__name__}.{name}")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _check(value: Any, hint: Any, where: str) -> None:
    if get_origin(hint) in (Union, UnionType):
        hint = _fitting(value, get_args(hint))
        if hint is None:
            raise TypeError(f"{where} is of the type {type(value).__name__}")
    if get_origin(hint) is tuple:
        _check_tuple(value, get_args(hint), where)
    elif hint is float or hint is int:
        _check_number(value, hint, where)
    elif get_origin(hint) is Mapping or hint is Any:
        return
    elif not isinstance(value, hint):
        raise TypeError(f"{where} is of the type {type(value).__name__}, not {hint.__name__}")
    elif isinstance(value, datetime) and value.year not in _YEARS:
        raise ValueError(f"{where} is in the year {value.year}")
    elif is_dataclass(value):
        check_fields(value)


def _fitting(value: Any, hints: tuple[Any, ...]) -> Any:
    for hint in hints:
        kind = get_origin(hint) or hint
        is_number = kind is float and isinstance(value, int) and not isinstance(value, bool)
        if is_number or isinstance(value, kind):
            return NoneType if value is None else hint
    return None


def _check_tuple(value: Any, hints: tuple[Any, ...], where: str) -> None:
    if not isinstance(value, tuple):
        raise TypeError(f"{where} is of the type {type(value).__name__}, not a list")
    if len(hints) == 2 and hints[1] is Ellipsis:
        for item in value:
            _check(item, hints[0], where)
        return
    if len(value) != len(hints):
        raise ValueError(f"{where} has {len(value)} values, not {len(hints)}")
    for item, hint in zip(value, hints, strict=True):
        _check(item, hint, where)


def _check_number(value: Any, hint: type[Any], where: str) -> None:
    allowed = (int, float) if hint is float else (int,)
    if isinstance(value, bool) or not isinstance(value, allowed):
        raise TypeError(f"{where} is of the type {type(value).__name__}, not a number")
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise ValueError(f"{where} is out of range")

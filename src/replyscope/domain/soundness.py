"""Whether a value made of somebody else's JSON is what its class says, all the way down.

Python does not look; a number where a text belongs would be saved, and fail whoever reads
it later.
"""

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin

_MOST = 2**63 - 1


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def check_sound(value: object, place: str = "") -> None:
    """Raises ValueError naming the first field that holds what it must not."""
    if is_dataclass(value):
        kind: Any = type(value)
        hints = _hints(kind)
        for field in fields(value):
            _check(getattr(value, field.name), hints[field.name], f"{place}{field.name}")
    elif isinstance(value, Mapping):
        for one in value.values():
            check_sound(one, place)
    elif isinstance(value, tuple | list):
        for one in value:
            check_sound(one, place)


def _check(value: object, hint: Any, place: str) -> None:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        kinds = get_args(hint)
        if not any(_is_of(value, kind) for kind in kinds):
            raise ValueError(f"{place} must not be {_shown(value)}")
        _check_inside(value, next(kind for kind in kinds if _is_of(value, kind)), place)
        return
    if not _is_of(value, hint):
        raise ValueError(f"{place} must not be {_shown(value)}")
    _check_inside(value, hint, place)


def _check_inside(value: object, hint: Any, place: str) -> None:
    if is_dataclass(value) or isinstance(value, Mapping):
        check_sound(value, f"{place}.")
    elif isinstance(value, tuple):
        kinds = get_args(hint)
        is_alike = get_origin(hint) is not tuple or (len(kinds) == 2 and kinds[1] is Ellipsis)
        if is_alike:
            kinds = (kinds[0],) * len(value)
        if len(kinds) != len(value):
            raise ValueError(f"{place} must not have {len(value)} parts")
        for one, kind in zip(value, kinds, strict=True):
            _check(one, kind, place)


def _is_of(value: object, hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind is Any or kind is object:
        return True
    if kind is None or kind is type(None):
        return value is None
    if kind is float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return math.isfinite(value) and abs(value) < 1e300
    if kind is int:
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return abs(value) <= _MOST
    if isinstance(kind, type) and issubclass(kind, Enum):
        return isinstance(value, kind)
    return isinstance(value, kind)


def _shown(value: object) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}"

"""Computes the differences between two JSON values by path, not by line. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replyscope.inspection.difference import differences

_DEEPEST = 40
_MISSING = object()


class Change(StrEnum):
    """The side that has a value: both, the first or the second; or both with a change."""

    BOTH = "both"
    FIRST = "first"
    SECOND = "second"
    CHANGED = "changed"
    """Both have the key, with different values."""


@dataclass(frozen=True, slots=True)
class DiffNode:
    """A key or index, with the JSON text of either side; "" if that side lacks it.

    An object or array in both values has no text of its own; its members follow as nodes.
    """

    depth: int
    name: str
    change: Change
    first: str = ""
    second: str = ""


def compare_values(first: Any, second: Any) -> tuple[DiffNode, ...]:
    """The nodes of both values, in the order of the first."""
    return tuple(_compared("", first, second, 0))


def _compared(name: str, first: Any, second: Any, depth: int) -> Iterator[DiffNode]:
    if first is _MISSING or second is _MISSING:
        yield from _one_sided(name, first, second, depth)
    elif depth < _DEEPEST and isinstance(first, Mapping) and isinstance(second, Mapping):
        yield from _container(name, _members(first, second), depth)
    elif depth < _DEEPEST and isinstance(first, list) and isinstance(second, list):
        yield from _container(name, _items(first, second), depth)
    elif _text(first) == _text(second):
        yield DiffNode(depth, name, Change.BOTH, _text(first), _text(second))
    else:
        yield DiffNode(depth, name, Change.CHANGED, _text(first), _text(second))


def _one_sided(name: str, first: Any, second: Any, depth: int) -> Iterator[DiffNode]:
    """The node of a value that only one side has."""
    if second is _MISSING:
        yield DiffNode(depth, name, Change.FIRST, first=_text(first))
    else:
        yield DiffNode(depth, name, Change.SECOND, second=_text(second))


def _container(
    name: str, members: Sequence[tuple[str, Any, Any]], depth: int
) -> Iterator[DiffNode]:
    inner = [
        place
        for label, first, second in members
        for place in _compared(label, first, second, depth + bool(name))
    ]
    if name:
        is_same = all(place.change is Change.BOTH for place in inner)
        empty = "" if inner else "(empty)"
        yield DiffNode(depth, name, Change.BOTH if is_same else Change.CHANGED, empty, empty)
    yield from inner


def _members(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    names = [*first, *(name for name in second if name not in first)]
    return [(name, first.get(name, _MISSING), second.get(name, _MISSING)) for name in names]


def _items(first: list[Any], second: list[Any]) -> list[tuple[str, Any, Any]]:
    """Pair equal items, and the items between them in their order."""
    made: list[tuple[str, Any, Any]] = []
    texts = [_text(one) for one in first], [_text(one) for one in second]
    for stretch in differences(*texts):
        ones = first[slice(*stretch.first)]
        others = second[slice(*stretch.second)]
        for number in range(max(len(ones), len(others))):
            at = (stretch.first[0] if number < len(ones) else stretch.second[0]) + number
            made.append(
                (
                    f"[{at}]",
                    ones[number] if number < len(ones) else _MISSING,
                    others[number] if number < len(others) else _MISSING,
                )
            )
    return made


def _text(value: Any) -> str:
    """A value as JSON, or a note if it is nested too deeply."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        return "(nested too deeply)"

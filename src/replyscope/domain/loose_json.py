"""Reads JSON values of unknown types: a value of another type is empty, never an error."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from replyscope.domain.import_faults import BadData
from replyscope.domain.json_text import read_json

_DEEPEST = 200


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def list_of(value: Any) -> Sequence[Any]:
    """The array; a single value as an array of one; an empty one for null."""
    if isinstance(value, list | tuple):
        return value
    return () if value is None or value == "" else (value,)


def text_of(value: Any) -> str:
    """The text; the JSON of any other value; "" for null."""
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value)


def name_of(value: Any) -> str:
    """A name, an id or a URL: the text, or a number as text; "" for anything else."""
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def to_json(value: Any) -> str:
    """The JSON text of a value. Raises BadData when it is nested too deeply."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise BadData("it is nested too deeply") from None


def digest_of(value: Any) -> str:
    """A digest to identify a value without an id: equal values have equal digests."""
    return hashlib.sha256(to_json(value).encode("utf-8", "replace")).hexdigest()[:16]


def from_json(text: str) -> Any:
    """The value of a JSON text; None when it is not valid."""
    try:
        return read_json(text)
    except ValueError:
        return None


def unwrapped(text: str) -> str:
    """The text inside nested JSON strings, at any depth."""
    while text.strip().startswith('"'):
        inner = from_json(text)
        if not isinstance(inner, str):
            break
        text = inner
    return text


def arguments_of(value: Any) -> str:
    """The arguments of a call as JSON text, from an object or from nested JSON strings."""
    if not isinstance(value, str):
        return "" if value is None else to_json(value)
    inner = unwrapped(value)
    return inner if isinstance(from_json(inner), dict) or not inner.strip() else value


def texts_in(value: Any, skipped: frozenset[str] = frozenset()) -> Iterator[str]:
    """Each text in a value, at any depth, without the skipped fields."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping) and depth < _DEEPEST:
            inner = [v for name, v in one.items() if name not in skipped]
            waiting += [(v, depth + 1) for v in reversed(inner)]
        elif isinstance(one, list | tuple) and depth < _DEEPEST:
            waiting += [(v, depth + 1) for v in reversed(one)]

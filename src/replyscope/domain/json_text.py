"""Parses and encodes JSON of unknown origin."""

import json
from collections.abc import Iterable
from typing import Any, AnyStr


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises ValueError, also when it is nested too deeply.

    Python's parser raises RecursionError at a depth that depends on its version; from 3.12 on
    it returns values that recursive functions can't walk.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if len(text) > DEEPEST and _count(text, "[{") > DEEPEST and is_too_deep(value):
        raise ValueError("it is nested too deeply")
    return value


def is_too_deep(value: Any) -> bool:
    """Whether arrays and objects are nested more than `DEEPEST` levels."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


_MOST_SEARCHED = 32
DEEPEST = 800
"""The most levels of a JSON value: Python 3.11 parses few more, and recursive functions fail."""
MOST_VALUES = 2_000_000
"""The most values in a JSON text; each takes about 60 bytes of memory, even a short one."""


def read_bounded_json(text: str | bytes) -> Any:
    """The value of a JSON text that may be hostile. Raises ValueError, also when it is not
    UTF-8, is nested too deeply, or has too many values.
    """
    if has_too_many_values(text):
        raise ValueError(f"it has more than {MOST_VALUES:,} values")
    return read_json(text if isinstance(text, str) else text.decode("utf-8"))


def has_too_many_values(text: str | bytes) -> bool:
    """Whether a JSON text may have more than MOST_VALUES values, by its separators."""
    if isinstance(text, str):
        return count_values(text, 0, len(text)) > MOST_VALUES
    return len(text) > MOST_VALUES and _count(text, (b",", b"[", b"{")) > MOST_VALUES


def count_values(text: str, start: int, end: int) -> int:
    """The most values that a part of a JSON text may have, by its separators; 0 for a short part,
    which never has too many.
    """
    if end - start <= MOST_VALUES:
        return 0
    return _count(text, ",[{", start, end)


def _count(text: AnyStr, marks: Iterable[AnyStr], start: int = 0, end: int | None = None) -> int:
    """The number of some characters in a part of a text.

    Those that are rare are searched: in 20 MB that takes 2 ms, and counting 8 ms, in which no
    other thread runs.
    """
    count = 0
    for mark in marks:
        place = text.find(mark, start, end)
        found = 0
        while place >= 0 and found < _MOST_SEARCHED:
            found += 1
            place = text.find(mark, place + 1, end)
        count += found if place < 0 else found + text.count(mark, place, end)
    return count


def indented(value: Any) -> str:
    """Indented JSON. Raises ValueError when the value is nested too deeply."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def dump_json(value: Any) -> str:
    """JSON on one line; a sentence for a value that is nested too deeply. Never raises."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return '"nested too deeply to store; see the wire"'


def object_in(text: str) -> dict[str, Any]:
    """The object of a JSON text; an empty one when the text is another value or not valid."""
    try:
        value = read_json(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def bounded_object_in(data: bytes) -> dict[str, Any] | None:
    """The object of a JSON text that may be hostile; None when it is another value or not valid."""
    try:
        value = read_bounded_json(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

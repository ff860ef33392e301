"""Parses TOML, and finds the line of a key for error messages."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from replyscope.domain.late_pattern import LatePattern

Place = tuple[str | int, ...]
"""The path of a key. A number is the index (from 0) of a table in an array of tables."""

_NAME = r"""(?:"[^"\n]*"|'[^'\n]*'|[\w-]+)"""
_PATH = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER = LatePattern(rf"\s*(\[\[?)\s*({_PATH})\s*\]\]?\s*(?:#.*)?$")
_SETTING = LatePattern(rf"\s*({_PATH})\s*=")
_DEEP = LatePattern(rf"^[ \t]*\[{{0,2}}[ \t]*(?:{_NAME}[ \t]*\.[ \t]*){{100}}", re.M)
"""A dotted key of more than a hundred names. tomllib takes seconds for thousands of names."""
_TOO_DEEP = "it is nested too deeply"


def read_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises ValueError with a reason in words, also for values that are nested too
    deeply and for numbers with thousands of digits.
    """
    import tomllib  # without a settings file, the first paint does not need it

    if _DEEP.compiled.search(text):
        raise ValueError(_TOO_DEEP)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python converts no more than 4,300 digits
        raise ValueError("a number has too many digits") from None


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line (from 1) of the key with that path; the line of its table as a fallback.

    None if neither is in the text.
    """
    table: Place = ()
    newest: dict[Place, int] = {}
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.compiled.match(line):
            table = here = _place_of(_names(header[2]), newest, adds=header[1] == "[[")
        elif setting := _SETTING.compiled.match(line):
            here = (*table, *_names(setting[1]))
        else:
            continue
        if here == tuple(path[: len(here)]) and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _place_of(names: Sequence[str], newest: dict[Place, int], *, adds: bool) -> Place:
    """The path of a table header. `newest` is the last index of each array of tables so far;
    with `adds` the header begins another table of its array.
    """
    outer = _indexed(names[:-1], newest)
    if adds:
        array = (*outer, names[-1])
        newest[array] = newest.get(array, -1) + 1
    return _indexed(names, newest)


def _indexed(names: Sequence[str], newest: Mapping[Place, int]) -> Place:
    place: Place = ()
    for name in names:
        place = (*place, name)
        if place in newest:
            place = (*place, newest[place])
    return place


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in re.findall(_NAME, dotted))

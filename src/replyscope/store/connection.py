"""A SQLite connection that accepts every text and integer of Python.

SQLite rejects lone surrogates and integers of more than 64 bits. Here a lone surrogate
becomes U+FFFD and a larger integer NULL, also in queries.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from replyscope.domain.unicode_text import sound

_LEAST, _MOST = -(2**63), 2**63 - 1


class TolerantConnection(sqlite3.Connection):
    """A connection that stores invalid text and reads invalid UTF-8 as U+FFFD."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.text_factory = partial(str, encoding="utf-8", errors="replace")

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return super().execute(sql, _storable(parameters) if parameters else ())

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        return super().executemany(sql, map(_storable, parameters))


def _storable(values: Sequence[object]) -> Sequence[object]:
    """The values as they can be stored; the same object if all can, as nearly always."""
    for value in values:
        kind = type(value)
        if (kind is str and not value.isascii()) or (  # type: ignore[attr-defined]
            kind is int and not _LEAST <= value <= _MOST  # type: ignore[operator]
        ):
            return tuple(map(stored, values))
    return values


def stored(value: object) -> object:
    """The value that a read returns after this value was stored."""
    if type(value) is str:
        return value if value.isascii() else sound(value)
    if type(value) is int and not _LEAST <= value <= _MOST:
        return None
    return value

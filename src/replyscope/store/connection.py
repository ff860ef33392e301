"""A SQLite connection that takes every text and whole number, and reads every text.

SQLite keeps no half of a surrogate pair and no integer of more than 64 bits; a value that it
refuses would end the whole statement. Here a half becomes U+FFFD, and a number that is too
large NULL, whatever statement the value is of, queries too.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from replyscope.domain.unicode_text import sound

_LEAST, _MOST = -(2**63), 2**63 - 1


class Connection(sqlite3.Connection):
    """See the module. Bytes that are no UTF-8, of a damaged file, are read as U+FFFD."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.text_factory = partial(str, encoding="utf-8", errors="replace")

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return super().execute(sql, _storable(parameters) if parameters else ())

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        return super().executemany(sql, map(_storable, parameters))


def _storable(values: Sequence[object]) -> tuple[object, ...]:
    return tuple(map(_stored, values))


def _stored(value: object) -> object:
    if type(value) is str:
        return value if value.isascii() else sound(value)
    if type(value) is int and not _LEAST <= value <= _MOST:
        return None
    return value

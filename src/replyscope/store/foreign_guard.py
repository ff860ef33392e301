"""A SQLite authorizer for databases that another program or a stranger made.

It allows reads of plain tables only: a view may never end, a computed column can fill the
memory, and a virtual table runs code. The bytes and the time that one conversation takes
are limited.
"""

import re
import sqlite3
import sys
import time
from typing import Any

from replyscope.domain.item_bound import MOST_ITEM, too_large

_PLAIN = re.compile(r"\s*CREATE\s+TABLE\s", re.IGNORECASE)
_LONGEST_S = 60.0
_STEPS = 10_000
_ROW = 64
"""The approximate memory of an empty row, in bytes."""
_ACTIONS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


class ForeignGuard:
    """The authorizer and progress handler of one connection.

    `tables` are the plain tables, with the names of their columns. Raises sqlite3.Error.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA mmap_size = 0")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_ITEM)
        self.begin()
        connection.set_progress_handler(self._is_late, _STEPS)
        self.tables = {
            name: columns
            for name in _plain_tables(connection)
            if (columns := _stored_columns(connection, name)) is not None
        }
        plain = {name.lower() for name in self.tables}
        self._readable = {*plain, "sqlite_master"}
        self._refused = {name.lower() for name in _all_names(connection)} - plain
        connection.row_factory = self._row
        connection.set_authorizer(self._authorize)

    def begin(self) -> None:
        """Reset the counts of bytes and time for the next conversation."""
        self._bytes = 0
        self._until = time.monotonic() + _LONGEST_S

    def _is_late(self) -> bool:
        return time.monotonic() > self._until

    def _authorize(
        self,
        action: int,
        table: str | None,
        _column: str | None,
        _database: str | None,
        within: str | None,
    ) -> int:
        if within is not None and within.lower() in self._refused:
            return sqlite3.SQLITE_DENY
        if action in _ACTIONS:
            return sqlite3.SQLITE_OK
        is_plain = table is not None and table.lower() in self._readable
        if action == sqlite3.SQLITE_READ and is_plain:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    def _row(self, cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> sqlite3.Row:
        self._bytes += _ROW + sum(map(sys.getsizeof, values))
        if self._bytes > MOST_ITEM:
            raise sqlite3.DataError(too_large())
        return sqlite3.Row(cursor, values)


def _all_names(connection: sqlite3.Connection) -> list[str]:
    asked = "SELECT name FROM sqlite_master WHERE type <> 'index'"
    return [name for (name,) in connection.execute(asked) if isinstance(name, str)]


def _plain_tables(connection: sqlite3.Connection) -> list[str]:
    """The tables that are stored as rows. A virtual table and a view have no root page."""
    asked = "SELECT name, sql, rootpage FROM sqlite_master WHERE type = 'table'"
    return [
        name
        for name, sql, page in connection.execute(asked)
        if isinstance(sql, str) and _PLAIN.match(sql) and isinstance(page, int) and page > 0
    ]


def _stored_columns(connection: sqlite3.Connection, table: str) -> set[str] | None:
    """The columns of a table; None where one is computed."""
    asked = "SELECT name, hidden FROM pragma_table_xinfo(?)"
    columns = connection.execute(asked, (table,)).fetchall()
    return {name for name, _ in columns} if not any(hidden for _, hidden in columns) else None

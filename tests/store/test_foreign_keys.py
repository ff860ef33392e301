"""Rows that refer to others are found through an index when those are removed."""

import sqlite3
from contextlib import closing

from replyscope.store.schema import migrate


def test_every_foreign_key_has_an_index() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, None)
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        missing = [
            f"{table}.{row[3]}"
            for table in tables
            for row in connection.execute(f"PRAGMA foreign_key_list({table})")
            if row[3] not in first_columns(connection, table)
        ]
    assert missing == []


def first_columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """The columns by which an index or the primary key finds rows."""
    names = [row[1] for row in connection.execute(f"PRAGMA index_list({table})")]
    found = {next(iter(connection.execute(f"PRAGMA index_info({name})")))[2] for name in names}
    keys = [row for row in connection.execute(f"PRAGMA table_info({table})") if row[5] == 1]
    return found | {row[1] for row in keys}

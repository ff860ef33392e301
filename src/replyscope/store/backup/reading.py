"""Checks the database of a backup, in place: SQLite opens the file read-only, as a database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from replyscope.domain.errors import BackupFault
from replyscope.store.backup.container import BackupFile, Pause, no_pause
from replyscope.store.connection import TolerantConnection
from replyscope.store.schema import MIGRATIONS, migrate
from replyscope.store.shards import has_shards, put_shards

_OURS = "NOT (type = 'trigger' AND name GLOB 'hub_*')"
"""The triggers of a hub are not compared: a restore drops them, as of another version."""
_OBJECTS = (
    f"SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT GLOB 'sqlite_*' AND {_OURS}"
)
_CODE = f"SELECT name, sql FROM sqlite_master WHERE type IN ('view', 'trigger') AND {_OURS}"
_MOST_SHARDS = 10_000


def find_damaged_files(backup: BackupFile, pause: Pause = no_pause) -> list[str]:
    """The names of the files of a backup that differ from the manifest."""
    entries = (backup.manifest.database, *backup.manifest.entries)
    return [
        entry.name or "the database" for entry in entries if not backup.extract(entry, None, pause)
    ]


@contextmanager
def connect_backup(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to the database of a backup. SQLite creates no other files."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(
        sqlite3.connect(
            uri, uri=True, factory=TolerantConnection, isolation_level=None, check_same_thread=False
        )
    ) as connection:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        yield connection


def check_schema(connection: sqlite3.Connection) -> None:
    """Check that a database has the tables of replyscope and nothing else: a foreign view or
    trigger would run in later queries. Raises BackupFault.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not 0 < version <= len(MIGRATIONS):
        raise BackupFault("The database in this backup is not one of replyscope.")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as expected:
        migrate(expected, None, MIGRATIONS[:version])
        if has_shards(expected):
            put_shards(expected, _shard_numbers(connection))
        if all(_same(connection, expected, sql) for sql in (_OBJECTS, _CODE)):
            return
    raise BackupFault("The tables of this backup differ from those of replyscope.")


def _shard_numbers(connection: sqlite3.Connection) -> list[int]:
    """The numbers of the full-text tables that the database should have. Raises BackupFault."""
    rows = connection.execute("SELECT number FROM shard LIMIT ?", (_MOST_SHARDS + 1,)).fetchall()
    numbers = [number for (number,) in rows if isinstance(number, int) and number >= 0]
    if len(numbers) < len(rows) or len(rows) > _MOST_SHARDS:
        raise BackupFault("The search index of this backup is damaged.")
    return numbers


def _same(one: sqlite3.Connection, other: sqlite3.Connection, sql: str) -> bool:
    return set(one.execute(sql)) == set(other.execute(sql))


def find_faults(connection: sqlite3.Connection, most: int = 100) -> list[str]:
    """The faults that SQLite's integrity check and the foreign keys show."""
    found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({most})")]
    found = [] if found == ["ok"] else found
    missing: dict[tuple[str, str], int] = {}
    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        missing[table, parent] = missing.get((table, parent), 0) + 1
    return found + [
        f"{number:,} rows of {table} belong to rows of {parent} that do not exist"
        for (table, parent), number in missing.items()
    ]

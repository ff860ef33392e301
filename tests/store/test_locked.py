"""A file that another program keeps locked."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from replyscope.domain.errors import StoreError
from replyscope.store.sqlite_store import SqliteStore


async def test_writes_that_wait_together_wait_for_a_lock_once(
    store: SqliteStore, tmp_path: Path
) -> None:
    begun: list[str] = []

    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA busy_timeout = 10")
        connection.set_trace_callback(begun.append)

    await store.database.maintain(prepare)
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        writes = [store.database.write(lambda c: c.execute("SELECT 1")) for _ in range(50)]
        done = await asyncio.gather(*writes, return_exceptions=True)
    assert all(isinstance(one, StoreError) and "locked" in one.message for one in done)
    assert begun.count("BEGIN IMMEDIATE") <= 2  # the first may be alone

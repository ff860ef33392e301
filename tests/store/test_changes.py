"""Waiting for commits: SQLite is asked only after the file has changed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from replyscope.store import changes
from replyscope.store.changes import ArchiveChanges
from replyscope.store.database import Database, Job, T


class CountingDatabase(Database):
    """A database that counts its reads."""

    reads = 0

    async def read(self, job: Job[T]) -> T:
        self.reads += 1
        return await super().read(job)


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(changes, "EVERY_S", 0.001)
    made = CountingDatabase(tmp_path / "s.db")
    await made.write(lambda c: c.execute("SELECT 1"))
    yield made
    await made.close()


async def test_no_thread_is_woken_while_nothing_changes(database: CountingDatabase) -> None:
    watch = ArchiveChanges(lambda: database)
    stamp = await watch.next_change(-1)
    waiting = asyncio.gather(watch.next_change(stamp), watch.next_change(stamp))
    for _ in range(20):
        await asyncio.sleep(0.002)
    assert database.reads == 1
    waiting.cancel()


async def test_all_who_wait_see_the_commit_of_another_process(database: CountingDatabase) -> None:
    watch = ArchiveChanges(lambda: database)
    stamp = await watch.next_change(-1)
    waiting = asyncio.gather(watch.next_change(stamp), watch.next_change(stamp))
    await asyncio.sleep(0.005)
    assert database.path is not None
    with sqlite3.connect(database.path) as other:
        other.execute("CREATE TABLE seen (number INTEGER)")
    other.close()
    first, second = await waiting
    assert first == second != stamp
    assert await watch.next_change(-1) == first


async def test_a_database_in_memory_is_asked_each_time() -> None:
    database = Database(None)
    watch = ArchiveChanges(lambda: database)
    before = await watch.next_change(-1)
    await database.write(lambda c: c.execute("CREATE TABLE seen (number INTEGER)"))
    await database.write(lambda c: c.execute("INSERT INTO seen VALUES (1)"))
    assert await watch.next_change(before) != before
    await database.close()


async def test_a_file_that_is_not_open_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "EVERY_S", 0.001)
    database = CountingDatabase(tmp_path / "s.db")
    waiting = asyncio.create_task(ArchiveChanges(lambda: database).next_change(-1))
    await asyncio.sleep(0.01)
    assert database.reads == 0
    assert not (tmp_path / "s.db").exists()
    await database.write(lambda c: c.execute("SELECT 1"))
    assert await waiting != -1
    await database.close()

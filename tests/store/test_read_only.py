"""An archive on a disk that can't be written is read, and read anew when it has changed."""

from pathlib import Path

import pytest

from replyscope.domain.errors import StoreReadOnly
from replyscope.domain.session import Session, SessionSettings
from replyscope.store.sqlite_store import SqliteStore
from tests.faults.small_disk import small_disk
from tests.support.build import NOON


def make_session(key: str) -> Session:
    return Session(key, "A title", NOON, NOON, SessionSettings())


async def test_a_change_by_another_program_is_seen(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = disk.folder / "sessions.db"
        first = SqliteStore(path, "w1")
        await first.create_session(make_session("s1"))
        await first.close()
        disk.lock()
        reader = SqliteStore(path, "w2")
        with pytest.raises(StoreReadOnly):
            await reader.open()
        assert [one.id for one in await reader.list_sessions()] == ["s1"]
        disk.unlock()
        second = SqliteStore(path, "w3")
        await second.create_session(make_session("s2"))
        assert {one.id for one in await reader.list_sessions()} == {"s1", "s2"}
        await second.close()
        assert {one.id for one in await reader.list_sessions()} == {"s1", "s2"}
        await reader.close()

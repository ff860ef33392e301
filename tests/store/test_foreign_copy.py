"""Copies of other programs' databases: what is copied again, and what happens to the original."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from replyscope.domain.errors import ImportFault
from replyscope.store import foreign_copy
from replyscope.store.foreign import ForeignDatabases

_READER = """
import sys
from pathlib import Path
from replyscope.store.foreign import ForeignDatabases

with ForeignDatabases() as databases, databases.open(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "theirs").mkdir()
    return tmp_path / "theirs" / "chat.db"


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """The program that writes the database in WAL mode, at work."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table message (id integer primary key, text text)")
        yield connection


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are copied."""
    names: list[str] = []
    real = foreign_copy._copy_bytes

    def copy(source: object, target: object) -> None:
        names.append(Path(target.name).name)  # type: ignore[attr-defined]
        real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(foreign_copy, "_copy_bytes", copy)
    return names


def add(writer: sqlite3.Connection, text: str) -> None:
    writer.execute("insert into message (text) values (?)", (text,))


def texts(databases: ForeignDatabases, path: Path) -> list[str]:
    with databases.open(path) as database:
        return [row["text"] for row in database.rows("select text from message order by id")]


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_only_the_log_is_copied_again(
    path: Path, writer: sqlite3.Connection, copied: list[str]
) -> None:
    with ForeignDatabases() as databases:
        add(writer, "one")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        assert texts(databases, path) == ["one"]
        copied.clear()
        for number in range(5):
            add(writer, str(number))
            assert texts(databases, path)[-1] == str(number)
        assert copied == ["copy.db-wal"] * 5


def test_a_file_that_was_just_written_is_copied_again(
    path: Path, writer: sqlite3.Connection, copied: list[str]
) -> None:
    """A second write in the same tick of the file system's clock would not show."""
    with ForeignDatabases() as databases:
        add(writer, "one")
        texts(databases, path)
        copied.clear()
        texts(databases, path)
        assert copied == ["copy.db", "copy.db-wal"]


@pytest.mark.parametrize("mode", ["passive", "restart", "truncate"])
def test_a_checkpoint_between_two_reads_loses_nothing(
    path: Path, writer: sqlite3.Connection, mode: str
) -> None:
    with ForeignDatabases() as databases:
        wanted = []
        for number in range(6):
            add(writer, str(number))
            wanted.append(str(number))
            assert texts(databases, path) == wanted
            writer.execute(f"pragma wal_checkpoint({mode})")
            assert texts(databases, path) == wanted


def test_a_transaction_that_is_not_committed_is_not_seen(
    path: Path, writer: sqlite3.Connection
) -> None:
    with ForeignDatabases() as databases:
        add(writer, "one")
        writer.execute("pragma cache_size = 1")
        writer.execute("begin")
        for _ in range(200):  # more than the cache holds, so that pages are in the log already
            add(writer, "x" * 4_000)
        assert texts(databases, path) == ["one"]
        writer.execute("commit")
        assert len(texts(databases, path)) == 201


def test_the_original_and_its_folder_never_change(path: Path, writer: sqlite3.Connection) -> None:
    add(writer, "one")
    before = files_of(path.parent)
    with ForeignDatabases() as databases:
        assert texts(databases, path) == ["one"]
    assert files_of(path.parent) == before


def test_a_database_that_always_changes_is_refused(
    path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(writer, "one")
    real = foreign_copy._copy_bytes

    def copy(source: object, target: object) -> None:
        real(source, target)  # type: ignore[arg-type]
        add(writer, "more")
        writer.execute("pragma wal_checkpoint(truncate)")

    monkeypatch.setattr(foreign_copy, "_copy_bytes", copy)
    with ForeignDatabases() as databases:
        with pytest.raises(ImportFault, match="changed all the time"):
            texts(databases, path)
        monkeypatch.setattr(foreign_copy, "_copy_bytes", real)
        assert texts(databases, path)[0] == "one"


def test_the_copies_are_deleted_at_the_end(
    path: Path, writer: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(writer, "one")
    made = tmp_path / "made"
    made.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(made))
    with ForeignDatabases() as databases:
        texts(databases, path)
        modes = {one.stat().st_mode & 0o777 for one in made.iterdir()}
        assert modes == {0o700, 0o600}  # the folder, and its lock
    assert not [*made.iterdir()]


def test_a_copy_that_has_no_room_is_refused(
    path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(writer, "one")
    monkeypatch.setattr("shutil.disk_usage", lambda _place: type("Usage", (), {"free": 1_000}))
    with ForeignDatabases() as databases, pytest.raises(ImportFault, match="has no room"):
        texts(databases, path)


def test_the_copies_of_a_killed_process_are_removed_and_those_of_a_living_one_are_not(
    path: Path, writer: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    (temporary / "replyscope-other").mkdir(parents=True)
    before = [*temporary.iterdir()]
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    add(writer, "one")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        [sys.executable, "-c", _READER, str(path)],
        env={**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary)},
        **pipes,  # type: ignore[call-overload]
    ) as reader:
        assert reader.stdout.readline() == "open\n"
        copies = [*temporary.glob("*/copy.db")]
        assert len(copies) == 1
        with ForeignDatabases() as databases:
            assert texts(databases, path) == ["one"]
        assert [*temporary.glob("*/copy.db")] == copies
        reader.kill()
    assert copies[0].exists()
    with ForeignDatabases():
        assert [*temporary.iterdir()] == before

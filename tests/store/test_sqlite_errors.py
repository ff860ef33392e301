import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from replyscope.domain.errors import (
    ImportFault,
    SearchInterrupted,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreRejected,
)
from replyscope.store.sqlite_errors import translate_error
from tests.support.importing import read_file

Failing = Callable[[Path], object]
"""Makes real SQLite fail; gets an empty folder."""


@contextmanager
def _open(path: Path | str, uri: str = "") -> Iterator[sqlite3.Connection]:
    name = f"{Path(path).absolute().as_uri()}?{uri}" if uri else str(path)
    connection = sqlite3.connect(name, timeout=0, isolation_level=None, uri=bool(uri))
    with closing(connection):
        yield connection


def _make(path: Path) -> Path:
    with _open(path) as connection:
        connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b UNIQUE)")
        rows = [(n, f"{n}{'x' * 500}") for n in range(100)]
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    return path


def _busy(folder: Path) -> None:
    path = _make(folder / "s.db")
    with _open(path) as one, _open(path) as other:
        one.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


def _locked(folder: Path) -> None:
    with _open(_make(folder / "s.db")) as connection:
        cursor = connection.execute("SELECT * FROM t")
        cursor.fetchone()
        connection.execute("DROP TABLE t")


def _full(folder: Path) -> None:
    with _open(_make(folder / "s.db")) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        connection.executemany("INSERT INTO t (b) VALUES (?)", [(n * "y",) for n in range(2_000)])


def _readonly(folder: Path) -> None:
    with _open(_make(folder / "s.db"), "mode=ro") as connection:
        connection.execute("DELETE FROM t")


def _corrupt(folder: Path) -> None:
    path = _make(folder / "s.db")
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    with _open(path) as connection:
        connection.execute("SELECT * FROM t").fetchall()


def _corrupt_schema(folder: Path) -> None:
    with _open(_make(folder / "s.db")) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE t ('")
    with _open(folder / "s.db") as connection:
        connection.execute("SELECT * FROM t")


def _not_a_database(folder: Path) -> None:
    (folder / "s.db").write_text("some text " * 200)
    with _open(folder / "s.db") as connection:
        connection.execute("SELECT * FROM sqlite_master")


def _no_database_behind_the_header(folder: Path) -> None:
    (folder / "s.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4_096)
    with _open(folder / "s.db") as connection:
        connection.execute("SELECT * FROM sqlite_master")


def _cannot_open(folder: Path) -> None:
    with _open(folder):
        pass


def _failing_disk(folder: Path) -> None:
    with _open(folder, "mode=ro&immutable=1") as connection:  # a folder opens, and can't be read
        connection.execute("SELECT * FROM sqlite_master")


def _constraint(folder: Path) -> None:
    with _open(_make(folder / "s.db")) as connection:
        connection.execute("INSERT INTO t (a) VALUES (1)")


def _mismatch(folder: Path) -> None:
    with _open(_make(folder / "s.db")) as connection:
        connection.execute("INSERT INTO t (a) VALUES ('one')")


def _too_big(folder: Path) -> None:
    with _open(_make(folder / "s.db")) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100)
        connection.execute("INSERT INTO t (b) VALUES (?)", ("x" * 101,))


def _interrupted(folder: Path) -> None:
    with _open(_make(folder / "s.db")) as connection:
        connection.set_progress_handler(lambda: True, 1)
        connection.execute("SELECT count(*) FROM t, t").fetchone()


def _unknown(name: str) -> Failing:
    def fail(folder: Path) -> None:
        with _open(folder / "s.db") as connection:
            connection.execute(f'SELECT * FROM "{name}"')

    return fail


def _constraint_named(name: str) -> Failing:
    def fail(_folder: Path) -> None:
        with _open(":memory:") as connection:
            connection.execute(f'CREATE TABLE t (a CONSTRAINT "{name}" CHECK (a > 1))')
            connection.execute("INSERT INTO t VALUES (0)")

    return fail


def _closed(folder: Path) -> None:
    with _open(folder / "s.db") as connection:
        pass
    connection.execute("SELECT 1")


def _of_system(number: int) -> Failing:
    def fail(_folder: Path) -> None:
        raise OSError(number, os.strerror(number))

    return fail


LOCKED, DISK, OTHER = "keeps", "The disk of", "failed ("
ENGLISH = "disk full, quota, locked, readonly, malformed, interrupted, constraint, too big"
FAILURES: dict[str, tuple[Failing, type[StoreError], str]] = {
    "busy": (_busy, StoreError, LOCKED),
    "locked": (_locked, StoreError, LOCKED),
    "full": (_full, StoreFull, "no room"),
    "readonly": (_readonly, StoreReadOnly, "can't be written"),
    "corrupt": (_corrupt, StoreCorrupt, "damaged"),
    "corrupt schema": (_corrupt_schema, StoreCorrupt, "damaged"),
    "notadb": (_not_a_database, StoreCorrupt, "damaged"),
    "cantopen": (_cannot_open, StoreReadOnly, "can't be written"),
    "ioerr": (_failing_disk, StoreError, DISK),
    "constraint": (_constraint, StoreRejected, OTHER),
    "mismatch": (_mismatch, StoreRejected, OTHER),
    "toobig": (_too_big, StoreRejected, OTHER),
    "interrupt": (_interrupted, SearchInterrupted, "newer"),
    "no such table": (_unknown("t"), StoreError, OTHER),
    "a table named as an error": (_unknown(ENGLISH), StoreError, OTHER),
    "a constraint named as an error": (_constraint_named(ENGLISH), StoreRejected, OTHER),
    "an error of Python's": (_closed, StoreError, OTHER),
    "ENOSPC": (_of_system(errno.ENOSPC), StoreFull, "no room"),
    "EDQUOT": (_of_system(errno.EDQUOT), StoreFull, "no room"),
    "EROFS": (_of_system(errno.EROFS), StoreReadOnly, "can't be written"),
    "EACCES": (_of_system(errno.EACCES), StoreReadOnly, "can't be written"),
    "EPERM": (_of_system(errno.EPERM), StoreReadOnly, "can't be written"),
    "EIO": (_of_system(errno.EIO), StoreError, DISK),
    "EBUSY": (_of_system(errno.EBUSY), StoreError, LOCKED),
    "ENOENT": (_of_system(errno.ENOENT), StoreError, OTHER),
}


def _failure_of(failing: Failing, folder: Path) -> sqlite3.Error | OSError:
    with pytest.raises((sqlite3.Error, OSError)) as failure:
        failing(folder)
    assert isinstance(failure.value, sqlite3.Error | OSError)
    return failure.value


@pytest.mark.parametrize("kind", FAILURES)
def test_an_error_of_sqlite_or_the_system_has_the_store_s_type(kind: str, tmp_path: Path) -> None:
    failing, expected, words = FAILURES[kind]
    error = translate_error(_failure_of(failing, tmp_path), tmp_path / "s.db")
    assert type(error) is expected
    assert words in error.message


@pytest.mark.parametrize("kind", [k for k, (_, t, _w) in FAILURES.items() if t is not StoreFull])
def test_the_text_of_an_error_does_not_decide_its_type(kind: str, tmp_path: Path) -> None:
    failing, expected, _ = FAILURES[kind]
    error = _failure_of(failing, tmp_path)
    error.args = (*error.args[:-1], ENGLISH)
    assert type(translate_error(error, tmp_path / "s.db")) is expected


def test_a_failing_disk_without_room_is_a_full_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    error = _failure_of(_failing_disk, tmp_path)
    assert type(translate_error(error, tmp_path / "s.db")) is StoreFull
    assert type(translate_error(error, None)) is StoreError


ELIA = "CREATE TABLE message (chat_id, role, content)"
FOREIGN: dict[str, tuple[str, str]] = {
    "no such table": (ELIA, "expected tables (no such table: chat)"),
    "no such column": (
        "CREATE TABLE responses (conversation_id, prompt, response)",
        "expected tables (no such",
    ),
    "a view": (f"{ELIA}; CREATE VIEW chat AS SELECT 1 AS id", "a view, a virtual table"),
    "a missing table named as a refusal": (
        f"{ELIA}; CREATE TABLE prohibited (x)",
        "expected tables",
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_database_with_other_tables_is_not_damaged(kind: str, tmp_path: Path) -> None:
    script, words = FOREIGN[kind]
    path = tmp_path / "foreign.db"
    with _open(path) as connection:
        connection.executescript(script)
    with pytest.raises(ImportFault) as failure:
        read_file(path)
    assert words in failure.value.message


@pytest.mark.parametrize("failing", [_corrupt_schema, _no_database_behind_the_header])
def test_a_damaged_foreign_database_is_named_so(failing: Failing, tmp_path: Path) -> None:
    _failure_of(failing, tmp_path)
    with pytest.raises(ImportFault, match="damaged database"):
        read_file(tmp_path / "s.db")

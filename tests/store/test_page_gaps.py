"""The copies of rows in the unused space of pages, in files that SQLite wrote."""

import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from replyscope.store.overwriting import note_overwrites, note_removed, overwrite_removed
from replyscope.store.page_gaps import clear_gaps, find_gaps
from replyscope.store.reading import connect

TABLES = {
    "rows by number": "CREATE TABLE said (name INTEGER PRIMARY KEY, text TEXT)",
    "rows by name": "CREATE TABLE said (name TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID",
}


class Said:
    """A table whose rows consist of a word of their own, often repeated."""

    def __init__(self, path: Path, table: str, page_size: int = 4096) -> None:
        self.path = path
        self.dice = random.Random(4)
        self.words: dict[int, str] = {}
        self.connection = connect(str(path))
        self.connection.execute(f"PRAGMA page_size = {page_size}")
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(TABLES[table])
        self.connection.execute("CREATE TABLE note (name TEXT PRIMARY KEY, value) WITHOUT ROWID")
        self.connection.execute("CREATE TABLE shard (number INTEGER)")
        note_overwrites(self.connection)

    def live(self, changes: int) -> None:
        """Add, change and remove rows, each in a random place."""
        self.connection.execute("BEGIN")
        for number in range(changes):
            chance = self.dice.random()
            if chance < 0.5 or not self.words:
                name = self.dice.randrange(10**9)
                self.words[name] = f"word{number:06d}end"
                self._put("INSERT INTO said (text, name) VALUES (?, ?)", name)
            elif chance < 0.8:
                name = self.dice.choice(list(self.words))
                self._put("UPDATE said SET text = ? WHERE name = ?", name)
            else:
                self.remove(self.dice.choice(list(self.words)))
        self.connection.execute("COMMIT")

    def _put(self, sql: str, name: int) -> None:
        text = " ".join([self.words[name]] * self.dice.randrange(1, 60))
        self.connection.execute(sql, (text, name))

    def remove(self, name: int) -> None:
        """Remove a row."""
        self.connection.execute("DELETE FROM said WHERE name = ?", (name,))
        del self.words[name]

    def remove_third(self) -> None:
        """Remove a third of the rows, as a purge does."""
        self.connection.execute("BEGIN")
        for name in list(self.words)[::3]:
            self.remove(name)
        note_removed(self.connection)
        self.connection.execute("COMMIT")

    def empty_wal(self) -> None:
        """Write the WAL to the file."""
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def left(self) -> set[str]:
        """The words of removed rows that are in the files."""
        files = [self.path, self.path.with_name(f"{self.path.name}-wal")]
        data = b"".join(file.read_bytes() for file in files if file.exists())
        found = {word.decode() for word in re.findall(rb"word\d{6}end", data)}
        assert found >= set(self.words.values())
        return found - set(self.words.values())

    def check(self) -> None:
        """The rows that were not removed are as before, for a new connection."""
        with closing(connect(str(self.path))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            rows = connection.execute("SELECT name, text FROM said").fetchall()
        assert {int(name): text.split()[0] for name, text in rows} == self.words


@pytest.fixture(params=TABLES)
def said(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Said]:
    made = Said(tmp_path / "said.db", request.param)
    made.live(3_000)
    yield made
    made.connection.close()


def test_copies_that_sqlite_leaves_are_cleared(said: Said) -> None:
    said.remove_third()
    said.empty_wal()
    assert said.left() != set(), "deleting with secure_delete leaves none"
    said.connection.close()
    assert clear_gaps(said.path) > 0
    assert said.left() == set()
    assert clear_gaps(said.path) == 0
    said.check()


@pytest.mark.parametrize("page_size", [512, 65_536])
def test_pages_of_other_sizes_are_cleared(page_size: int, tmp_path: Path) -> None:
    said = Said(tmp_path / "said.db", "rows by name", page_size)
    said.live(3_000)
    said.remove_third()
    said.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    said.connection.close()
    clear_gaps(said.path)
    assert said.left() == set()
    said.check()


def test_a_connection_with_pages_in_memory_does_not_write_copies_again(said: Said) -> None:
    with closing(connect(str(said.path))) as other:
        other.execute("PRAGMA cache_size = -100000")
        said.remove_third()
        said.empty_wal()
        other.execute("SELECT sum(length(text)) FROM said").fetchone()
        assert said.left() != set()
        assert overwrite_removed(said.connection, said.path)
        for connection in (other, said.connection):  # writes each page that it has in memory
            connection.execute("UPDATE said SET text = substr(text, 1, 13) || ' again'")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert said.left() == set()
    said.check()


def test_a_wal_that_somebody_reads_is_left_for_later(said: Said) -> None:
    with closing(connect(str(said.path))) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM said").fetchone()
        said.remove_third()
        assert not overwrite_removed(said.connection, said.path)
        other.execute("COMMIT")
    assert overwrite_removed(said.connection, said.path)
    assert said.left() == set()


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX belong to the process")
def test_the_process_keeps_its_locks(said: Said) -> None:
    """SQLite lets a connection leave WAL mode only when no other one is connected."""
    said.remove_third()
    assert overwrite_removed(said.connection, said.path)
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], timeout=0.0, isolation_level=None)\n"
        "try: print(connection.execute('PRAGMA journal_mode = DELETE').fetchone()[0])\n"
        "except sqlite3.OperationalError: print('locked')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(said.path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in ("locked", "wal")


def test_a_file_of_unknown_past_is_rewritten_once(said: Said) -> None:
    said.connection.execute("DELETE FROM note")
    said.connection.execute("PRAGMA secure_delete = OFF")
    said.remove_third()
    said.empty_wal()
    assert len(said.left()) > len(said.words) // 10
    said.connection.execute("PRAGMA secure_delete = ON")
    assert overwrite_removed(said.connection, said.path)
    assert said.left() == set()
    said.remove_third()
    assert overwrite_removed(said.connection, said.path)
    free = said.connection.execute("PRAGMA freelist_count").fetchone()[0]
    assert free > 0, "it was rewritten again"
    assert said.left() == set()
    said.check()


def test_a_file_with_much_free_space_is_rewritten(said: Said) -> None:
    for _ in range(4):
        said.remove_third()
    said.empty_wal()
    before = said.path.stat().st_size
    assert overwrite_removed(said.connection, said.path)
    assert said.path.stat().st_size < before * 3 // 4
    assert said.left() == set()
    said.check()


def test_nothing_is_done_when_nothing_was_removed(said: Said) -> None:
    said.empty_wal()
    before = said.path.read_bytes()
    assert overwrite_removed(said.connection, said.path)
    assert said.path.read_bytes() == before


def test_a_file_with_other_kinds_of_pages_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "said.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = FULL")
        connection.execute("CREATE TABLE said (text)")
    for content in (path.read_bytes(), b"", b"no database" * 100):
        path.write_bytes(content)
        with pytest.raises(OSError, match="another form"):
            clear_gaps(path)
        assert path.read_bytes() == content


@pytest.mark.parametrize("places", [(0, 0), (0, 9_000), (0, 40), (60_000, 4_000)])
def test_a_damaged_header_never_reaches_beyond_its_page(places: tuple[int, int]) -> None:
    rows, end = places
    head = bytes([13, 0, 0]) + rows.to_bytes(2, "big") + end.to_bytes(2, "big")
    data = bytearray((head.ljust(4_096, b"t")) * 2)
    assert all(
        number * 4_096 <= gap.start < gap.stop <= (number + 1) * 4_096
        for gap in find_gaps(data, 4_096, 2)
        for number in [gap.start // 4_096]
    )


def test_rows_are_never_taken_for_unused_space(said: Said) -> None:
    said.empty_wal()
    rows = said.connection.execute("SELECT * FROM said").fetchall()
    said.connection.close()
    clear_gaps(said.path)
    with closing(sqlite3.connect(said.path)) as connection:
        assert connection.execute("SELECT * FROM said").fetchall() == rows
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)

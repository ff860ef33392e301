"""Opens the databases of other programs read-only. Their files never change.

A database with a journal, or in WAL mode, is copied first: SQLite would create or change
files next to the original.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from replyscope.domain.errors import ImportFault
from replyscope.domain.import_format import DatabaseFault, DatabaseRow
from replyscope.domain.regular_file import open_regular
from replyscope.store.foreign_guard import ForeignGuard
from replyscope.store.sqlite_errors import result_code

_BESIDE = ("-wal", "-journal")
_WAL_MODE = b"\x02\x02"
_TRIES = 5
_MAGIC = bytes.fromhex("d9d505f920a163d7")
_MOST_BYTES = 8_000_000_000


class GuardedDatabase:
    """A database of another program, behind the guard. Implements ForeignDatabase."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._guard = ForeignGuard(connection)
        self.begin = self._guard.begin

    @property
    def tables(self) -> Mapping[str, set[str]]:
        """See ForeignDatabase."""
        return self._guard.tables

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[DatabaseRow]:
        """See ForeignDatabase."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise _fault(error) from error


@contextmanager
def open_foreign(path: Path) -> Iterator[GuardedDatabase]:
    """A database of another program. Raises ImportFault, DatabaseFault, OSError."""
    if path.stat().st_size > _MOST_BYTES:
        raise ImportFault(f"{path} is larger than {_MOST_BYTES // 10**9} GB.", "Import a part.")
    with tempfile.TemporaryDirectory(prefix="replyscope-") as folder:
        place = _copied(path, Path(folder)) if _needs_copy(path) else path
        mode = "ro" if place == path else "rw"  # SQLite has to roll the journal back
        uri = f"{place.absolute().as_uri()}?mode={mode}"
        with closing(_connected(uri)) as connection:
            yield _guarded(connection)


def _connected(uri: str) -> sqlite3.Connection:
    try:
        # The threads take turns; two never read at once.
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    except sqlite3.Error as error:
        raise _fault(error) from error
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _guarded(connection: sqlite3.Connection) -> GuardedDatabase:
    try:
        return GuardedDatabase(connection)
    except sqlite3.Error as error:
        raise _fault(error) from error


def _fault(error: sqlite3.Error) -> DatabaseFault:
    code = result_code(error)
    return DatabaseFault(
        str(error),
        is_forbidden=code == sqlite3.SQLITE_AUTH,
        is_mismatch=code == sqlite3.SQLITE_ERROR,  # also of a missing table or column
    )


def _needs_copy(path: Path) -> bool:
    with open_regular(path) as file:
        is_wal = file.read(20)[18:20] == _WAL_MODE
    return is_wal or any(_beside(path, end).exists() for end in _BESIDE)


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _copied(path: Path, folder: Path) -> Path:
    """A copy with its journals; copied again when the program wrote in the meantime."""
    files = [path, *(_beside(path, end) for end in _BESIDE)]
    copy = folder / "copy.db"
    for _ in range(_TRIES):
        before = _stamps(files)
        for file, end in zip(files, ("", *_BESIDE), strict=True):
            target = _beside(copy, end)
            target.unlink(missing_ok=True)
            if file.exists():
                with open_regular(file) as source, target.open("wb") as copied:
                    shutil.copyfileobj(source, copied)
        if _stamps(files) == before:
            break
    _refuse_super_journal(_beside(copy, "-journal"))
    return copy


def _refuse_super_journal(journal: Path) -> None:
    """Raise ImportFault for a journal that names another file: SQLite deletes that file when
    it rolls the journal back.
    """
    if not journal.exists():
        return
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - len(_MAGIC)))
        ends_with_name = file.read() == _MAGIC
    if ends_with_name:
        raise ImportFault(
            f"{journal.name} names a file of another database.",
            "Open the database once with the program that made it, then import it.",
        )


def _stamps(files: list[Path]) -> list[tuple[int, int] | None]:
    found = [file.stat() if file.exists() else None for file in files]
    return [(status.st_size, status.st_mtime_ns) if status else None for status in found]

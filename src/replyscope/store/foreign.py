"""Opens the databases of other programs read-only. Their files never change.

A database with a journal, or in WAL mode, is copied first: SQLite would create or change
files next to the original.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Self

from replyscope.domain.errors import ImportFault
from replyscope.domain.import_format import DatabaseFault, DatabaseRow
from replyscope.store.copy_folder import copy_folder, remove_abandoned
from replyscope.store.foreign_copy import JOURNAL, DatabaseCopy, beside, needs_copy
from replyscope.store.foreign_guard import ForeignGuard
from replyscope.store.sqlite_errors import result_code

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
    with ForeignDatabases() as databases, databases.open(path) as database:
        yield database


class ForeignDatabases:
    """Opens databases of other programs again and again. Their copies are kept until the end, so
    that only what has changed is copied again.
    """

    def __init__(self) -> None:
        self._closing = ExitStack()
        self._copies: dict[Path, DatabaseCopy] = {}

    def __enter__(self) -> Self:
        remove_abandoned()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing.close()
        self._copies.clear()

    @contextmanager
    def open(self, path: Path) -> Iterator[GuardedDatabase]:
        """A database, whose file never changes. Raises ImportFault, DatabaseFault, OSError."""
        if path.stat().st_size > _MOST_BYTES:
            raise ImportFault(f"{path} is larger than {_MOST_BYTES // 10**9} GB.", "Import a part.")
        place = self._copy_of(path).renew() if needs_copy(path) else path
        is_hot = place != path and beside(place, JOURNAL).exists()
        mode = "rw" if is_hot else "ro"  # SQLite has to roll a journal back
        with closing(_connected(f"{place.absolute().as_uri()}?mode={mode}")) as connection:
            yield _guarded(connection)

    def _copy_of(self, path: Path) -> DatabaseCopy:
        if path not in self._copies:
            folder = self._closing.enter_context(copy_folder())
            self._copies[path] = DatabaseCopy(path, folder)
        return self._copies[path]


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

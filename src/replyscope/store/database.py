"""One file, one writer thread, one reader thread, and one for searches.

Writes are transactions in the order they were asked for; reads never wait behind
them. Every SQLite error becomes a StoreError with a sentence.
"""

import asyncio
import errno
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from replyscope.domain.errors import (
    SearchInterrupted,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreGone,
    StoreReadOnly,
)
from replyscope.store.connection import Connection
from replyscope.store.schema import check_version, migrate

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]


class Database:
    """Runs jobs against the file, off the event loop.

    `path` None keeps everything in memory and forgets it at `close`.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._reading = (
            self._writing
            if path is None
            else ThreadPoolExecutor(1, thread_name_prefix="store-read")
        )
        self._searching = (
            self._writing
            if path is None
            else ThreadPoolExecutor(1, thread_name_prefix="store-search")
        )
        self._file: tuple[int, int] | None = None
        self._write_connection: sqlite3.Connection | None = None
        self._read_connection: sqlite3.Connection | None = None
        self._search_connection: sqlite3.Connection | None = None
        self._interruptible = threading.Lock()
        self._is_looking = False

    @property
    def path(self) -> Path | None:
        """Where the file is; None in memory."""
        return self._path

    async def write(self, job: Job[T]) -> T:
        """Run a job in one committed transaction. Raises StoreError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writing, self._run_write, job)

    async def read(self, job: Job[T]) -> T:
        """Run a job that only reads. Raises StoreError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reading, self._run_read, job)

    async def maintain(self, job: Job[T]) -> T:
        """Run a job on the writer outside of any transaction. Raises StoreError."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._reading, self._close_reader)
        await loop.run_in_executor(self._searching, self._close_searcher)

        def run() -> T:
            try:
                return job(self._writer())
            except (sqlite3.Error, OSError) as error:
                raise self._told(error) from error

        return await loop.run_in_executor(self._writing, run)

    async def search(self, job: Job[T]) -> T:
        """Run a job that reads much, apart from the short reads. Raises StoreError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._searching, self._run_search, job)

    async def look(self, job: Job[T]) -> T:
        """A search that `interrupt_search` ends: SearchInterrupted. Raises StoreError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._searching, self._run_look, job)

    def interrupt_search(self) -> None:
        """End what `look` runs: its answer is not wanted any more."""
        with self._interruptible:
            if self._is_looking and self._search_connection is not None:
                self._search_connection.interrupt()

    async def close(self) -> None:
        """Finish what was asked for, fold the WAL into the file and close."""
        loop = asyncio.get_running_loop()
        self.interrupt_search()
        await loop.run_in_executor(self._searching, self._close_searcher)
        await loop.run_in_executor(self._reading, self._close_reader)
        await loop.run_in_executor(self._writing, self._close_writer)
        self._writing.shutdown()
        self._reading.shutdown()
        self._searching.shutdown()

    def _run_write(self, job: Job[T]) -> T:
        try:
            connection = self._writer()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = job(connection)
                self._check_there()
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result
        except (sqlite3.Error, OSError) as error:
            raise self._told(error) from error

    def _run_read(self, job: Job[T]) -> T:
        try:
            return job(self._reader())
        except (sqlite3.Error, OSError) as error:
            raise self._told(error) from error

    def _run_search(self, job: Job[T]) -> T:
        try:
            if self._path is None:
                return job(self._writer())
            if self._search_connection is None:
                self._check_there()
                self._search_connection = _connect_reader(self._path, is_temporary=True)
            return job(self._search_connection)
        except (sqlite3.Error, OSError) as error:
            raise self._told(error) from error

    def _run_look(self, job: Job[T]) -> T:
        with self._interruptible:
            self._is_looking = self._path is not None
        try:
            return self._run_search(job)
        finally:
            with self._interruptible:
                self._is_looking = False

    def _writer(self) -> sqlite3.Connection:
        if self._write_connection is None:
            if self._path is not None:
                _create_private(self._path)
            with _closed_on_error(_connect(str(self._path or ":memory:"))) as connection:
                if self._path is None:
                    # Else SQLite sorts what is large in a file.
                    connection.execute("PRAGMA temp_store = MEMORY")
                else:
                    check_version(connection, self._path)  # the next line changes the file
                    _use_wal(connection)
                    connection.execute("PRAGMA synchronous = NORMAL")
                    self._file = _file_at(self._path)
                migrate(connection, self._path)
            self._write_connection = connection
        return self._write_connection

    def _check_there(self) -> None:
        """A file that was removed can still be written, and nobody ever finds what was.

        Raises StoreGone.
        """
        if self._is_gone():
            raise self._gone()

    def _is_gone(self) -> bool:
        return self._path is not None and self._file not in (None, _file_at(self._path))

    def _told(self, error: sqlite3.Error | OSError) -> StoreError:
        return self._gone() if self._is_gone() else translate_error(error, self._path)

    def _gone(self) -> StoreGone:
        return StoreGone(
            f"The sessions file {self._path} was removed or replaced while it was in use.",
            "Put the same file back, and what is on the screen is saved; else copy what you need "
            "and start again.",
        )

    def _reader(self) -> sqlite3.Connection:
        if self._path is None:
            return self._writer()
        if self._read_connection is None:
            self._check_there()
            self._read_connection = _connect_reader(self._path)
        return self._read_connection

    def _close_reader(self) -> None:
        if self._read_connection is not None:
            self._read_connection.close()
            self._read_connection = None

    def _close_searcher(self) -> None:
        if self._search_connection is not None:
            self._search_connection.close()
            self._search_connection = None

    def _close_writer(self) -> None:
        if self._write_connection is not None:
            self._write_connection.close()
            self._write_connection = None


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=10.0, isolation_level=None, check_same_thread=False, factory=Connection
    )
    with _closed_on_error(connection):
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Close a connection that could not be set up, and keep it otherwise."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


_UNWRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_LONGEST_WAIT_S = 10.0
_LEAST_ROOM = 64 * 1024


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a file to WAL. Several first starts at once make SQLite say busy at once."""
    deadline = time.monotonic() + _LONGEST_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _connect_reader(path: Path, *, is_temporary: bool = False) -> sqlite3.Connection:
    """A connection that only reads; also where nothing beside the file can be written.

    With `is_temporary` it may make tables of its own in memory.
    """
    connection = _connect(str(path))
    try:
        with _closed_on_error(connection):
            if is_temporary:
                connection.execute("PRAGMA temp_store = MEMORY")
            else:
                connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        is_unwritable = error.sqlite_errorcode & 0xFF in _UNWRITABLE or _is_full(path)
        if not is_unwritable or not path.exists():
            raise
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )
    return connection


def _words_of(error: sqlite3.Error | OSError) -> str:
    """What the error says, without the path in it: a folder may be called anything."""
    if isinstance(error, OSError):
        is_full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        return "disk is full" if is_full else (error.strerror or "").lower()
    return str(error).lower()


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file has a name; None when none has."""
    try:
        found = path.stat()
    except OSError:  # a disk that was taken away says so in many ways
        return None
    return found.st_dev, found.st_ino


def _create_private(path: Path) -> None:
    """Make the file readable by its owner only, before SQLite opens it."""
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _is_full(path: Path | None) -> bool:
    """Whether there is no room for what SQLite keeps beside the file while it is open."""
    try:
        return path is not None and shutil.disk_usage(path.parent).free < _LEAST_ROOM
    except OSError:
        return False


def translate_error(error: sqlite3.Error | OSError, path: Path | None) -> StoreError:
    """The store's error for one of SQLite's or the system's."""
    said = _words_of(error)
    where = str(path) if path is not None else "memory"
    if "malformed" in said or "not a database" in said or "corrupt" in said:
        return StoreCorrupt(
            f"The sessions file {where} is damaged ({error}).",
            "It was left as it is. Move it aside or restore a backup, or use another folder "
            "with --data-dir.",
        )
    is_io = "disk i/o" in said  # of which one kind is a full disk, too
    if "full" in said or "no space" in said or "quota" in said or (is_io and _is_full(path)):
        return StoreFull(
            f"There is no room on the disk of {where} ({error}).",
            "Free some space; what is on the screen is saved as soon as there is room.",
        )
    if (
        "readonly" in said
        or "read-only" in said
        or "permission" in said
        or "unable to open" in said
    ):
        return StoreReadOnly(
            f"The sessions file {where} can't be written ({error}).",
            "Check the folder's permissions, or use another folder with --data-dir.",
        )
    if is_io:
        return StoreError(
            f"The disk of {where} failed ({error}).",
            "Check the disk, and whether a quota is used up; then try again.",
        )
    if said == "interrupted":
        return SearchInterrupted("Something else is looked for.")
    if "locked" in said or "busy" in said:
        return StoreError(
            f"Another program keeps {where} locked ({error}).", "Close it, then try again."
        )
    return StoreError(f"The sessions file {where} failed ({error}).", "Try again.")

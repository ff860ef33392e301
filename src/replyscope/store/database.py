"""The database file and its three threads: a writer, a reader, and one for searches.

Writes are transactions and run in the order of their calls; reads never wait for writes.
Writes that wait at the same time share one commit. Every SQLite error is translated into a
StoreError.
"""

import asyncio
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from replyscope.domain.errors import StoreError, StoreGone
from replyscope.store.hub_triggers import renew_triggers
from replyscope.store.reading import FrozenConnection, connect, connect_reader
from replyscope.store.schema import check_version, is_migrated, migrate
from replyscope.store.sql_functions import NowMs, register_functions, wall_ms
from replyscope.store.sqlite_errors import is_busy, is_only_readable, translate_error

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
_MOST_TOGETHER = 64
"""The writes of one commit."""


class Database:
    """Runs jobs against the file, off the event loop.

    `path` None keeps everything in memory and forgets it at `close`. `now_ms` is the wall clock
    for the stamps of changes.
    """

    def __init__(self, path: Path | None, now_ms: NowMs = wall_ms) -> None:
        self._path = path
        self._now_ms = now_ms
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._waiting: deque[tuple[Job[Any], Future[Any]]] = deque()
        """The writes that the writer has not begun, and where their results are awaited."""
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
        """The path of the file; None for a database in memory."""
        return self._path

    @property
    def is_open(self) -> bool:
        """Whether the file was opened to write."""
        return self._write_connection is not None

    async def write(self, job: Job[T]) -> T:
        """Run a job in a committed transaction. Raises StoreError.

        The transaction may have other jobs too. If it fails, each runs again in its own: a job
        must have no effect but on the connection.
        """
        result: Future[T] = Future()
        self._waiting.append((job, result))
        self._writing.submit(self._run_writes)
        return await asyncio.wrap_future(result)

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
                raise self._translated(error) from error

        return await loop.run_in_executor(self._writing, run)

    async def search(self, job: Job[T]) -> T:
        """Run a long read on the search thread. Raises StoreError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._searching, self._run_search, job)

    async def look(self, job: Job[T]) -> T:
        """Run a search that `interrupt_search` cancels. Raises SearchInterrupted, StoreError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._searching, self._run_look, job)

    def interrupt_search(self) -> None:
        """Cancel the search that `look` runs."""
        with self._interruptible:
            if self._is_looking and self._search_connection is not None:
                self._search_connection.interrupt()

    async def close(self) -> None:
        """Finish the queued jobs, checkpoint the WAL and close."""
        loop = asyncio.get_running_loop()
        self.interrupt_search()
        await loop.run_in_executor(self._searching, self._close_searcher)
        await loop.run_in_executor(self._reading, self._close_reader)
        await loop.run_in_executor(self._writing, self._close_writer)
        self._writing.shutdown()
        self._reading.shutdown()
        self._searching.shutdown()

    def _run_writes(self) -> None:
        """Run the writes that wait, together if there are several."""
        batch: list[tuple[Job[Any], Future[Any]]] = []
        while self._waiting and len(batch) < _MOST_TOGETHER:
            job, result = self._waiting.popleft()
            if result.set_running_or_notify_cancel():
                batch.append((job, result))
        if len(batch) > 1 and self._run_together(batch):
            return
        for job, result in batch:
            try:
                made = self._run_write(job)
            except BaseException as error:  # noqa: BLE001 - raised where it is awaited
                result.set_exception(error)
            else:
                result.set_result(made)

    def _run_together(self, batch: Sequence[tuple[Job[Any], Future[Any]]]) -> bool:
        """Run writes in one transaction. Returns whether that decided about them."""
        try:
            made = self._run_write(lambda connection: [job(connection) for job, _ in batch])
        except StoreError as error:
            if not (isinstance(error.__cause__, sqlite3.Error) and is_busy(error.__cause__)):
                return False
            for _, result in batch:  # another program has the lock, and each would wait for it
                result.set_exception(error)
            return True
        except BaseException:  # noqa: BLE001 - each alone shows which of them fails
            return False
        for (_, result), value in zip(batch, made, strict=True):
            result.set_result(value)
        return True

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
            raise self._translated(error) from error

    def _run_read(self, job: Job[T]) -> T:
        try:
            return job(self._reader())
        except (sqlite3.Error, OSError) as error:
            raise self._translated(error) from error

    def _run_search(self, job: Job[T]) -> T:
        try:
            if self._path is None:
                return job(self._writer())
            if _is_outdated(self._search_connection):
                self._close_searcher()
            if self._search_connection is None:
                self._search_connection = self._connect_reader(self._path, is_temporary=True)
            return job(self._search_connection)
        except (sqlite3.Error, OSError) as error:
            raise self._translated(error) from error

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
            with _closed_on_error(connect(str(self._path or ":memory:"))) as connection:
                self._prepare(connection)
                register_functions(connection, self._now_ms)
                renew_triggers(connection)
            self._write_connection = connection
        return self._write_connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        if self._path is None:
            # The default is a file for large sorts.
            connection.execute("PRAGMA temp_store = MEMORY")
        else:
            check_version(connection, self._path)  # the next line changes the file
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            self._file = _file_at(self._path)
        migrate(connection, self._path)

    def _check_there(self) -> None:
        """Raise StoreGone when the file was removed: writes would succeed and be lost."""
        if self._is_gone():
            raise self._gone()

    def _is_gone(self) -> bool:
        return self._path is not None and self._file not in (None, _file_at(self._path))

    def _translated(self, error: sqlite3.Error | OSError) -> StoreError:
        return self._gone() if self._is_gone() else translate_error(error, self._path)

    def _gone(self) -> StoreGone:
        return StoreGone(
            f"The sessions file {self._path} was removed or replaced while it was in use.",
            "Put the same file back to save what is on the screen; else copy what you need "
            "and start again.",
        )

    def _reader(self) -> sqlite3.Connection:
        if self._path is None:
            return self._writer()
        if _is_outdated(self._read_connection):
            self._close_reader()
        if self._read_connection is None:
            self._read_connection = self._connect_reader(self._path)
        return self._read_connection

    def _connect_reader(self, path: Path, *, is_temporary: bool = False) -> sqlite3.Connection:
        """Connect when the writer has created or migrated the file: a first key may read it while
        the app still opens it. A file of this version can be read where nothing can be written.
        """
        try:
            self._writing.submit(self._writer).result()
        except sqlite3.OperationalError as error:
            if not is_only_readable(error, path):
                raise
            with _closed_on_error(connect_reader(path, is_temporary=is_temporary)) as connection:
                if not is_migrated(connection):
                    raise
                return connection
        self._check_there()
        return connect_reader(path, is_temporary=is_temporary)

    def _close_reader(self) -> None:
        if self._read_connection is not None:
            self._read_connection.close()
            self._read_connection = None

    def _close_searcher(self) -> None:
        connection, self._search_connection = self._search_connection, None
        if connection is not None:  # no longer one that may be interrupted
            connection.close()

    def _close_writer(self) -> None:
        if self._write_connection is not None:
            self._write_connection.close()
            self._write_connection = None


def _is_outdated(connection: sqlite3.Connection | None) -> bool:
    """Whether a connection does not see how the file has changed."""
    return isinstance(connection, FrozenConnection) and connection.is_outdated()


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


_LONGEST_WAIT_S = 10.0


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a file to WAL. SQLite reports several first starts as busy without waiting."""
    deadline = time.monotonic() + _LONGEST_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _file_at(path: Path) -> tuple[int, int] | None:
    """The device and inode number of a file; None when there is no file."""
    try:
        found = path.stat()
    except OSError:  # a removed disk causes one of many errors
        return None
    return found.st_dev, found.st_ino


def _create_private(path: Path) -> None:
    """Make the file readable by its owner only, before SQLite opens it."""
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))

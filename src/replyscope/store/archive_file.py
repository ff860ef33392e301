"""Reads an archive with plain calls: the base of the Python API."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from replyscope.domain.errors import SessionNotFound, StoreError, StoreReadOnly
from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message
from replyscope.domain.search import Hit, ReplyFigures, Search
from replyscope.domain.session import SessionSummary, Shelf
from replyscope.store.figures import find_figures
from replyscope.store.folded import read_exchange
from replyscope.store.hits import find_hits, find_ids
from replyscope.store.index import index_these, list_unindexed
from replyscope.store.index_entry import Describe
from replyscope.store.journal import load_frames
from replyscope.store.reading import connect, connect_reader
from replyscope.store.requests import load_request
from replyscope.store.rows import load_session, summarise_sessions
from replyscope.store.schema import MIGRATIONS, check_version
from replyscope.store.sqlite_errors import is_busy, is_only_readable, translate_error

T = TypeVar("T")
_REPLY = (
    "SELECT e.id, e.model, e.started_at, e.folded FROM exchange e "
    "JOIN session s ON s.id = e.session_id WHERE e.id = ? AND (? OR s.deleted_at IS NULL)"
)


class ArchiveFile:
    """A read-only connection to one file. The first query updates the search index, if the file
    can be written. The public methods are part of the Python API.
    """

    def __init__(self, path: Path, describe: Describe) -> None:
        if not path.exists():
            raise StoreReadOnly(f"There are no saved sessions in {path.parent}.")
        self._path = path
        self._describe = describe
        with self._translated():
            self._connection = connect_reader(path)
            self._check_version()

    def _check_version(self) -> None:
        check_version(self._connection, self._path)
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version < len(MIGRATIONS):
            self.close()
            raise StoreError(
                f"The sessions in {self._path} were written by an older replyscope.",
                "Run `replyscope sessions list` once, which updates them.",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def sessions(self, *, limit: int | None = None) -> tuple[SessionSummary, ...]:
        """The sessions, the newest first; archived ones too."""
        with self._translated():
            found = [
                one
                for shelf in (Shelf.LISTED, Shelf.ARCHIVED)
                for one in summarise_sessions(self._connection, shelf=shelf)
            ]
        return tuple(sorted(found, key=lambda one: one.updated_at, reverse=True)[:limit])

    def messages(self, session_id: str) -> tuple[Message, ...]:
        """The messages of a session's current branch. An assistant's message names its replies
        in `sources`. Raises SessionNotFound.
        """
        with self._translated():
            stored = load_session(self._connection, session_id)
        if stored.session.deleted_at is not None:
            raise _not_found("session", session_id)
        return stored.branch

    def reply(self, reply_id: str) -> Exchange:
        """One reply: its choices, usage, times and cost. Raises SessionNotFound."""
        return self._exchange(reply_id, with_deleted=False)

    def wire(self, reply_id: str) -> WireRecord:
        """The request of a reply and the frames that were received. Raises SessionNotFound."""
        self.reply(reply_id)
        with self._translated():
            return WireRecord(
                load_request(self._connection, reply_id),
                load_frames(self._connection, reply_id),
            )

    def _exchange(self, exchange_id: str, *, with_deleted: bool) -> Exchange:
        with self._translated():
            row = self._connection.execute(_REPLY, (exchange_id, with_deleted)).fetchone()
        if row is None:
            raise _not_found("reply", exchange_id)
        return read_exchange(*row)

    def _hits(self, search: Search) -> tuple[Hit, ...]:
        """The replies that match."""
        return self._query(lambda c: find_hits(c, search))

    def _figures(self, search: Search) -> tuple[ReplyFigures, ...]:
        """The figures of all replies that match."""
        return self._query(lambda c: find_figures(c, search))

    def _exchanges(self, search: Search) -> Iterator[Exchange]:
        """All exchanges that match, without exchanges that are purged meanwhile."""
        ids = self._query(lambda c: find_ids(c, search))
        for _, exchange_id in ids:
            with suppress(SessionNotFound):
                yield self._exchange(exchange_id, with_deleted=True)

    def _query(self, job: Callable[[sqlite3.Connection], T]) -> T:
        with self._translated():
            _ = self._index
            return job(self._connection)

    @cached_property
    def _index(self) -> None:
        """Index new replies, once. Another program that writes, or a read-only file, stops it."""
        try:
            with closing(connect(str(self._path))) as connection:
                connection.execute("PRAGMA foreign_keys = ON")
                with _transaction(connection):
                    steps = list_unindexed(connection)
                for step in steps:
                    with _transaction(connection):
                        index_these(connection, self._describe, step)
        except sqlite3.OperationalError as error:
            if not is_busy(error) and not is_only_readable(error, self._path):
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translate_error(error, self._path) from error


def _not_found(what: str, name: str) -> SessionNotFound:
    return SessionNotFound(f"There is no {what} {name!r}.", "See `ArchiveReader.search`.")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

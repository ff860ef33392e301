"""Reads an archive to verify it: rows, journals, the search index, and the names of kept files."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.json_values import from_ms
from replyscope.domain.search import UnreadableRow
from replyscope.domain.verifying import CheckedReply
from replyscope.store.backup.reading import find_faults
from replyscope.store.codec import DAMAGE, decode_exchange
from replyscope.store.frame_codec import decode_frames
from replyscope.store.index_entry import Describe, read_entry, written_entry
from replyscope.store.kept_paths import used_paths
from replyscope.store.shards import list_shards
from replyscope.store.unreadable import damaged_rows, session_of

T = TypeVar("T")
_PAGE = 50
_MOST_PAGE_BYTES = 8_000_000
_ENDED = (
    "SELECT e.rowid, e.id, e.session_id, e.model, e.started_at, e.folded, f.api, "
    "(SELECT url FROM request WHERE exchange_id = e.id), "
    "(SELECT total(length(frames)) FROM segment WHERE exchange_id = e.id) "
    "FROM exchange e LEFT JOIN fact f ON f.exchange_id = e.id "
    "WHERE e.writer IS NULL AND e.rowid > ? ORDER BY e.rowid LIMIT ?"
)


class Read(Protocol):
    """Runs a job on a connection that reads."""

    def __call__(self, job: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


class SqliteChecks:
    """The checks of one database; see ArchiveChecks. Each page is one short read."""

    def __init__(self, read: Read, describe: Describe) -> None:
        self._read = read
        self._describe = describe

    async def database_faults(self) -> tuple[str, ...]:
        """The faults of the file and its tables. Raises StoreError."""
        return tuple(await self._read(find_faults))

    async def damaged_rows(self) -> tuple[UnreadableRow, ...]:
        """The rows that cannot be decoded, except replies. Raises StoreError."""

        def find(connection: sqlite3.Connection) -> tuple[UnreadableRow, ...]:
            return tuple(
                UnreadableRow(kind, name, session_of(connection, kind, name) or "", why)
                for kind, name, why in damaged_rows(connection)
            )

        return await self._read(find)

    async def replies(self) -> AsyncIterator[tuple[CheckedReply, ...]]:
        """All replies that have ended, in pages. Raises StoreError."""
        last = -1
        while True:
            last, page = await self._read(lambda c, after=last: _page(c, after))  # type: ignore[misc]
            if not page:
                return
            yield page

    async def index_faults(self, exchanges: Iterable[str]) -> tuple[str, ...]:
        """The replies whose entry in the search index is missing or differs. Raises StoreError."""
        ids = tuple(exchanges)
        return await self._read(
            lambda c: tuple(one for one in ids if not _is_indexed(c, one, self._describe))
        )

    async def stray_entries(self) -> int:
        """The number of entries of the search index that belong to no reply. Raises StoreError."""

        def count(connection: sqlite3.Connection) -> int:
            found = 0
            for shard in list_shards(connection):
                words = f"SELECT id FROM {shard.table}_docsize"
                facts = "SELECT id FROM fact WHERE id >= ? AND id < ?"
                bounds = (shard.first_id, shard.end_id)
                differences = [f"{facts} EXCEPT {words}"]
                if shard.is_ordered:  # that of older versions has removed replies
                    differences.append(f"{words} EXCEPT {facts}")
                for one in differences:
                    row = connection.execute(f"SELECT count(*) FROM ({one})", bounds).fetchone()
                    found += int(row[0])
            return found

        return await self._read(count)

    async def kept_paths(self) -> tuple[str, ...]:
        """The paths of the files that replies and tools produced. Raises StoreError."""
        return await self._read(lambda c: tuple(dict.fromkeys(used_paths(c))))


def _page(connection: sqlite3.Connection, after: int) -> tuple[int, tuple[CheckedReply, ...]]:
    """The next replies, and the row of the last one. A page of large journals is shorter."""
    page: list[CheckedReply] = []
    size = 0
    for row in connection.execute(_ENDED, (after, _PAGE)).fetchall():
        after, *columns, length = row
        page.append(_checked(connection, *columns))
        size += int(length)
        if size > _MOST_PAGE_BYTES:
            break
    return after, tuple(page)


def _checked(
    connection: sqlite3.Connection,
    exchange_id: str,
    session_id: str,
    model: str,
    started_ms: int,
    folded: bytes,
    api: str | None,
    url: str | None,
) -> CheckedReply:
    frames: list[WireFrame] = []
    is_whole = True
    segments = connection.execute(
        "SELECT frames FROM segment WHERE exchange_id = ? ORDER BY number", (exchange_id,)
    )
    for (data,) in segments:
        try:
            frames += decode_frames(data)
        except DAMAGE:
            is_whole = False
    try:
        return CheckedReply(
            exchange_id, session_id, decode_exchange(folded), tuple(frames), None, is_whole
        )
    except DAMAGE:
        opening = None
        if api:
            address = (url or "").rpartition("/")[0].removesuffix("/chat")
            opening = Exchange(exchange_id, Api(api), "", address, model, from_ms(started_ms))
        return CheckedReply(exchange_id, session_id, None, tuple(frames), opening, is_whole)


def _is_indexed(connection: sqlite3.Connection, exchange_id: str, describe: Describe) -> bool:
    """Whether the index has the texts and facts of the reply. A queued reply is not indexed yet."""
    queued = "SELECT 1 FROM unindexed WHERE exchange_id = ?"
    if connection.execute(queued, (exchange_id,)).fetchone() is not None:
        return True
    try:
        expected = written_entry(connection, exchange_id, describe)
        return expected is None or read_entry(connection, exchange_id) == expected
    except DAMAGE:
        return False

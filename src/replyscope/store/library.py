"""Labels of saved sessions (pins, tags, archiving), and their deletion and purge.

Implements the SqliteLibrary protocol.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from replyscope.domain.message import FilePart, TextPart, ToolResultPart
from replyscope.domain.search import Labels, Purged, StoreSize
from replyscope.domain.unicode_text import sound
from replyscope.store.cells import drop_unused_cells
from replyscope.store.codec import read_parts
from replyscope.store.database import Database
from replyscope.store.index import forget
from replyscope.store.kept_paths import file_paths, image_paths, unused_paths
from replyscope.store.overwriting import is_pending, note_removed, overwrite_removed
from replyscope.store.purged import note_purged
from replyscope.store.requests import unpack_ids
from replyscope.store.rows import tags_of
from replyscope.store.shards import merge_words
from replyscope.store.spending import keep_costs
from replyscope.store.sql_functions import LISTED
from replyscope.store.usage_sums import drop_empty_sums

_TAG = "INSERT OR IGNORE INTO tag (name, session_id) SELECT ?, id FROM session WHERE id = ?"
"""The SELECT skips a session that was removed meanwhile."""


class SqliteLibrary:
    """Updates and deletions of saved sessions.

    `database` is a callable because a store that stops saving replaces its database.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def pin(self, session_ids: Collection[str], at_ms: int | None) -> None:
        """Pin sessions; None unpins them."""
        await self._set("pinned_at", session_ids, at_ms)

    async def archive(self, session_ids: Collection[str], at_ms: int | None) -> None:
        """Archive sessions: searches find them, lists do not. None unarchives them."""
        await self._set("archived_at", session_ids, at_ms)

    async def set_deleted(self, session_ids: Collection[str], at_ms: int | None) -> None:
        """Mark sessions as deleted; None restores them."""
        await self._set("deleted_at", session_ids, at_ms)

    async def _set(self, column: str, session_ids: Collection[str], at_ms: int | None) -> None:
        rows = [(at_ms, session_id) for session_id in session_ids]
        await self._database().write(
            lambda c: c.executemany(f"UPDATE session SET {column} = ? WHERE id = ?", rows)
        )

    async def tag(
        self, session_ids: Collection[str], add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        """Add tags to sessions and remove tags."""
        gone = [(session_id, name) for session_id in session_ids for name in remove]
        new = [(name, session_id) for session_id in session_ids for name in add]

        def change(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM tag WHERE session_id = ? AND name = ?", gone)
            connection.executemany(_TAG, new)

        await self._database().write(change)

    async def rename_tag(self, old: str, new: str) -> None:
        """Rename a tag, merging it with an existing one."""

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE OR IGNORE tag SET name = ? WHERE name = ?", (new, old))
            if old != new:
                connection.execute("DELETE FROM tag WHERE name = ?", (old,))

        await self._database().write(change)

    async def labels(self, session_ids: Collection[str]) -> tuple[Labels, ...]:
        """The labels of sessions; removed sessions are skipped."""
        return await self._database().read(lambda c: _labels(c, session_ids))

    async def put_labels(self, labels: Iterable[Labels]) -> None:
        """Set the labels of sessions. Removed sessions are skipped."""
        wanted = tuple(labels)
        await self._database().write(lambda c: _put_labels(c, wanted))

    async def tagged(self, name: str) -> tuple[str, ...]:
        """The sessions with a tag, deleted ones too."""
        sql = "SELECT session_id FROM tag WHERE name = ?"
        rows = await self._database().read(lambda c: c.execute(sql, (name,)).fetchall())
        return tuple(session_id for (session_id,) in rows)

    async def tags(self) -> tuple[tuple[str, int], ...]:
        """Every tag with its number of sessions."""
        return await self._database().read(
            lambda c: tuple(
                c.execute("SELECT name, count(*) FROM tag GROUP BY name ORDER BY name").fetchall()
            )
        )

    async def deleted_before(self, at_ms: int) -> tuple[str, ...]:
        """The sessions that were deleted before a time."""
        sql = "SELECT id FROM session WHERE deleted_at < ?"
        rows = await self._database().read(lambda c: c.execute(sql, (at_ms,)).fetchall())
        return tuple(session_id for (session_id,) in rows)

    async def purge(
        self, session_ids: Collection[str], now: datetime
    ) -> tuple[Purged, tuple[str, ...]]:
        """Remove sessions without undo. Returns the counts and the paths of their tools' files.

        No table, index, free page, WAL or backup contains their text then. The sum of their costs
        on the last days stays, for the spending limits. Raises StoreError.
        """
        database = self._database()
        count, paths = await database.write(lambda c: remove_sessions(c, tuple(session_ids), now))
        is_clean = await self.finish_purge()
        return Purged(len(session_ids), count, is_pending=not is_clean), paths

    async def finish_purge(self) -> bool:
        """Overwrite the copies of removed rows. Returns whether that is complete.

        It is incomplete while another process reads old pages of the file.
        """
        database = self._database()
        path = database.path
        if path is None:
            return True
        for backup in path.parent.glob(f"{path.name}.v*.bak*"):
            with suppress(OSError):
                backup.unlink()
        return await database.maintain(lambda c: overwrite_removed(c, path))

    async def has_pending_purge(self) -> bool:
        """Whether an earlier purge could not be finished."""
        return await self._database().read(is_pending)

    async def size(self) -> StoreSize:
        """The numbers of rows and the size of the file."""
        path = self._database().path
        return await self._database().read(lambda c: _size(c, path))


def _labels(connection: sqlite3.Connection, session_ids: Iterable[str]) -> tuple[Labels, ...]:
    found = []
    for session_id in session_ids:
        row = connection.execute(
            "SELECT pinned_at, archived_at FROM session WHERE id = ?", (session_id,)
        ).fetchone()
        if row is not None:
            found.append(Labels(session_id, row[0], row[1], tags_of(connection, session_id)))
    return tuple(found)


def _put_labels(connection: sqlite3.Connection, labels: Iterable[Labels]) -> None:
    for one in labels:
        connection.execute(
            "UPDATE session SET pinned_at = ?, archived_at = ? WHERE id = ?",
            (one.pinned_at_ms, one.archived_at_ms, one.session_id),
        )
        connection.execute("DELETE FROM tag WHERE session_id = ?", (one.session_id,))
        connection.executemany(_TAG, [(name, one.session_id) for name in one.tags])


def remove_sessions(
    connection: sqlite3.Connection, session_ids: Sequence[str], now: datetime
) -> tuple[int, tuple[str, ...]]:
    """Delete sessions. Returns the number of exchanges, and the paths of their tools' and replies'
    files that no other session has: a file is named by its content, and shared.
    """
    removed = json.dumps(session_ids)
    _move_shared_exchanges(connection, removed)
    keep_costs(connection, removed, now)
    note_purged(connection, removed)
    paths: list[str] = []
    texts: list[str] = []
    for session_id in session_ids:
        paths += image_paths(connection, session_id)
        said, files = _prompts_and_paths(connection, session_id)
        texts += said
        paths += files
    exchanges = connection.execute(
        f"SELECT id FROM exchange WHERE session_id IN {LISTED}", (removed,)
    ).fetchall()
    shards = forget(connection, [exchange_id for (exchange_id,) in exchanges])
    # A cascade from message to message would be as deep as a session is long: SQLite stops it.
    connection.execute(
        f"UPDATE message SET parent_id = NULL WHERE session_id IN {LISTED}", (removed,)
    )
    # One statement for all: its triggers and cascades are prepared once.
    connection.execute(f"DELETE FROM session WHERE id IN {LISTED}", (removed,))
    _forget_prompts(connection, texts)
    _drop_unused_pieces(connection)
    drop_empty_sums(connection)
    drop_unused_cells(connection)
    merge_words(connection, sorted(shards))
    note_removed(connection)
    return len(exchanges), tuple(unused_paths(connection, paths))


def _move_shared_exchanges(connection: sqlite3.Connection, removed: str) -> None:
    """Move the exchanges that a fork shares to the fork, if it stays."""
    rows = connection.execute(
        "SELECT e.id, m.session_id, m.id FROM exchange e "
        "JOIN source ON source.exchange_id = e.id JOIN message m ON m.id = source.message_id "
        f"WHERE e.session_id IN {LISTED} AND m.session_id NOT IN {LISTED}",
        (removed, removed),
    ).fetchall()
    for exchange_id, heir, message_id in rows:
        for table, key in (("exchange", "id"), ("fact", "exchange_id")):
            connection.execute(
                f"UPDATE {table} SET session_id = ?, message_id = ? WHERE {key} = ?",
                (heir, message_id, exchange_id),
            )


def _prompts_and_paths(
    connection: sqlite3.Connection, session_id: str
) -> tuple[list[str], list[str]]:
    """The texts of a session's prompts, and the paths of its tools' files."""
    texts: list[str] = []
    paths: list[str] = []
    for (written,) in connection.execute(
        "SELECT parts FROM message WHERE session_id = ? AND parts <> '[]'", (session_id,)
    ):
        for part in read_parts(written):
            if isinstance(part, TextPart | FilePart):
                texts.append(part.text)
            elif isinstance(part, ToolResultPart):
                paths += file_paths(part)
    return texts, paths


def _forget_prompts(connection: sqlite3.Connection, texts: Iterable[str]) -> None:
    """Delete prompts from the history, which is read once: it has no index of its texts."""
    removed = frozenset(map(sound, texts))
    rows = connection.execute("SELECT id, text FROM prompt").fetchall()
    connection.executemany(
        "DELETE FROM prompt WHERE id = ?", [(number,) for number, text in rows if text in removed]
    )


def _drop_unused_pieces(connection: sqlite3.Connection) -> None:
    """Delete the request pieces that no request refers to."""
    used: set[int] = set()
    for (packed,) in connection.execute("SELECT pieces FROM request"):
        used.update(unpack_ids(packed))
    known = {row[0] for row in connection.execute("SELECT id FROM piece")}
    connection.executemany("DELETE FROM piece WHERE id = ?", [(n,) for n in known - used])


def _size(connection: sqlite3.Connection, path: Path | None) -> StoreSize:
    def count(sql: str) -> int:
        return int(connection.execute(sql).fetchone()[0])

    page = count("PRAGMA page_size")
    return StoreSize(
        file=count("PRAGMA page_count") * page,
        wal=_length(path.with_name(f"{path.name}-wal")) if path is not None else 0,
        free=count("PRAGMA freelist_count") * page,
        sessions=count("SELECT count(*) FROM session WHERE deleted_at IS NULL"),
        deleted=count("SELECT count(*) FROM session WHERE deleted_at IS NOT NULL"),
        exchanges=count("SELECT count(*) FROM exchange"),
        unindexed=count("SELECT count(*) FROM unindexed"),
    )


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

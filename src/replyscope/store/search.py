"""The search index in SQLite (FTS5). Implements the SearchIndex protocol."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from replyscope.domain.fact_columns import ANSWERED, ASKED
from replyscope.domain.search import (
    Facets,
    Hit,
    ReplyFigures,
    Search,
    SessionHit,
    UnreadableRow,
    UsageSum,
)
from replyscope.store.cells import known_names
from replyscope.store.database import Database
from replyscope.store.facets import count_facets
from replyscope.store.figures import find_figures
from replyscope.store.found_sessions import find_sessions
from replyscope.store.hits import find_hits, find_ids, find_matching, read_hits
from replyscope.store.index import (
    index_these,
    list_unindexed,
    newest_unindexed,
    note_earlier,
    start_anew,
)
from replyscope.store.index_entry import Describe
from replyscope.store.journal import merge_segments
from replyscope.store.shards import shrink_earlier
from replyscope.store.unreadable import list_unreadable, note_damaged_rows
from replyscope.store.usage_sums import CLIENT, read_usage

T = TypeVar("T")
_MOST_AT_ONCE = 1_000_000
_EARLIER_STEP = 500
"""The replies of an older index that are queued at once."""
_KNOWN = "SELECT DISTINCT {} FROM session WHERE {} <> '' ORDER BY 1"


class SqliteSearchIndex:
    """Queries and updates of the index.

    `database` is a callable because a store that stops saving replaces its database.
    """

    def __init__(self, database: Callable[[], Database], describe: Describe) -> None:
        self._database = database
        self._describe = describe
        self._indexing = asyncio.Lock()
        self._large: set[str] = set()
        """Queued replies that only a search indexes."""
        self._told: list[Callable[[int], None]] = []

    async def update(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """Index new replies in small steps, so that replies can be saved between them.

        `progress` gets the number of replies left, also when another call does the work.
        Raises StoreError.
        """
        self._told.append(progress)
        try:
            async with self._indexing:
                await self._update()
        finally:
            self._told.remove(progress)

    async def _update(self) -> None:
        steps = await self._database().write(list_unindexed)
        left = sum(map(len, steps))
        for step in steps:
            await self._database().write(
                lambda c, step=step: index_these(c, self._describe, step)  # type: ignore[misc]
            )
            left -= len(step)
            for tell in tuple(self._told):
                tell(left)

    async def index_newest(self, most: int) -> None:
        """Index up to `most` new replies, the newest ones, in one step, and merge the segments of
        their journals. Raises StoreError.

        Left to the next search are an index of an older version, which is built again, and texts
        that would take the processor for long.
        """
        database = self._database()
        if not database.is_open:  # nothing ended here, and the file may be another program's
            return
        sizes = await database.read(lambda c: newest_unindexed(c, most, self._large))
        self._large.update(name for name, size in sizes if size > _MOST_AT_ONCE)
        waiting = [name for name, size in sizes if size <= _MOST_AT_ONCE]
        if waiting:
            async with self._indexing:
                await database.write(lambda c: index_these(c, self._describe, waiting))
                await database.write(lambda c: merge_segments(c, waiting))

    async def upgrade(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """Index the replies again that an older version indexed, in small steps. Searches find
        them before and after. A step that was interrupted is continued. Raises StoreError.
        """
        left = 1
        while left:
            left = await self._database().write(lambda c: note_earlier(c, _EARLIER_STEP))
            await self.update(lambda waiting, left=left: progress(left + waiting))  # type: ignore[misc]
        while await self._database().write(shrink_earlier):
            pass

    async def rebuild(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """Empty the index and index every reply again. Raises StoreError."""
        await self._database().write(start_anew)
        await self._database().write(note_damaged_rows)
        await self.update(progress)

    async def unreadable(self) -> tuple[UnreadableRow, ...]:
        """The rows that could not be read when they were last indexed. Raises StoreError."""
        return await self._database().read(list_unreadable)

    async def find(self, search: Search) -> tuple[Hit, ...]:
        """The replies that match a query. Raises StoreError."""
        return await self._look(lambda c: find_hits(c, search))

    async def find_sessions(self, search: Search) -> tuple[SessionHit, ...]:
        """The sessions with matching replies, pinned and newest first, or by their sums.

        Raises StoreError.
        """
        return await self._look(lambda c: find_sessions(c, search))

    async def facets(self, search: Search) -> Facets:
        """The number of matches by ending, model, tool, source, client and day.

        Raises StoreError.
        """
        return await self._look(lambda c: count_facets(c, search))

    async def figures(self, search: Search) -> tuple[ReplyFigures, ...]:
        """The figures of every matching reply, oldest first. Raises StoreError."""
        return await self._look(lambda c: find_figures(c, search))

    async def usage(self) -> tuple[UsageSum, ...] | None:
        """The kept sums of all replies by day and by names; None while they are not complete.

        Raises StoreError.
        """
        return await self._database().read(read_usage)

    async def stamp(self) -> tuple[int, ...]:
        """A value that changes with the results: new replies, labels, titles. Raises StoreError."""
        return await self._database().read(_stamp)

    async def names(self) -> Mapping[str, tuple[str, ...]]:
        """The known values by query field: models, tools, prompts, tags, sources, clients.

        Raises StoreError.
        """
        return await self._database().search(_names)

    async def find_ids(
        self, search: Search, most: int | None = None
    ) -> tuple[tuple[str, str], ...]:
        """See SearchIndex. Raises StoreError."""
        return (await self._look(lambda c: find_ids(c, search)))[:most]

    async def matching(self, search: Search, exchange_ids: Sequence[str]) -> frozenset[str]:
        """The exchanges among these that match. Raises StoreError."""
        return await self._look(lambda c: find_matching(c, search, exchange_ids))

    async def read_hits(self, search: Search, exchange_ids: Sequence[str]) -> tuple[Hit, ...]:
        """The matches of some exchanges; removed ones are left out. Raises StoreError."""
        return await self._look(lambda c: read_hits(c, search, exchange_ids))

    def interrupt(self) -> None:
        """Cancel the running query."""
        self._database().interrupt_search()

    async def _look(self, job: Callable[[sqlite3.Connection], T]) -> T:
        return await self._database().look(job)


def _stamp(connection: sqlite3.Connection) -> tuple[int, ...]:
    columns = ("pinned_at", "archived_at", "deleted_at")
    counts = ", ".join(f"count({name}), coalesce(max({name}), 0)" for name in columns)
    sessions = connection.execute(
        f"SELECT count(*), total(length(title)), {counts} FROM session"
    ).fetchone()
    others = connection.execute(
        "SELECT (SELECT count(*) FROM tag), (SELECT count(*) FROM unindexed), "
        "(SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM note WHERE name = 'changes')"
    ).fetchone()
    return tuple(map(int, (*sessions, *others)))


def _names(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    def column(sql: str) -> tuple[str, ...]:
        return tuple(name for (name,) in connection.execute(sql))

    def named(*fields: str) -> tuple[str, ...]:
        found = (known_names(connection, field) for field in fields)
        return tuple(sorted(set().union(*found)))

    return {
        "prompt": tuple(one for one in named("prompt") if "@" not in one),
        "model": named(ASKED, ANSWERED),
        "tool": named("tool"),
        "tag": column("SELECT DISTINCT name FROM tag ORDER BY name"),
        "source": column(_KNOWN.format("source", "source")),
        "client": column(_KNOWN.format(CLIENT, "client")),
    }

"""Reviewing saved sessions: find replies, and keep order among what is found."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from replyscope.domain.errors import StoreFull, StoreReadOnly
from replyscope.domain.hit import (
    Facets,
    Hit,
    Labels,
    Purged,
    ReplyFigures,
    Search,
    SessionHit,
    Sort,
    StoreSize,
    Unreadable,
)
from replyscope.domain.library import Library, SearchIndex
from replyscope.domain.matching import check_query
from replyscope.domain.ports import Clock
from replyscope.domain.query import parse_query
from replyscope.engine.archive import Archive

_KEPT_DELETED = timedelta(days=30)


class Review:
    """`kept` is the folder with files that tools left: nothing outside of it is removed."""

    def __init__(
        self, index: SearchIndex, library: Library, archive: Archive, clock: Clock, kept: Path
    ) -> None:
        self._index = index
        self._library = library
        self._archive = archive
        self._clock = clock
        self._kept = kept

    def read(self, text: str, sort: Sort = Sort.RANK, limit: int = 50, offset: int = 0) -> Search:
        """A search as a person wrote it. Raises QueryError."""
        query = parse_query(text)
        check_query(query)
        return Search(query, self._clock.now().astimezone(), sort, limit, offset)

    async def take_in(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """Bring the search up to date. Raises StoreError.

        Where nothing can be written it stays as it is, and finds what it knows.
        """
        with suppress(StoreReadOnly, StoreFull):
            await self._index.take_in(progress)

    async def rebuild(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """Make the search index anew, and note every row that can't be read. Raises StoreError."""
        await self._index.rebuild(progress)

    async def unreadable(self) -> tuple[Unreadable, ...]:
        """The rows that could not be read when they were last indexed. Raises StoreError."""
        return await self._index.unreadable()

    async def find(self, search: Search) -> tuple[Hit, ...]:
        """The replies that are asked for. Raises StoreError."""
        return await self._index.find(search)

    async def find_sessions(self, search: Search) -> tuple[SessionHit, ...]:
        """The sessions that have such replies. Raises StoreError."""
        return await self._index.find_sessions(search)

    async def facets(self, search: Search) -> Facets:
        """How what is asked for spreads. Raises StoreError."""
        return await self._index.facets(search)

    async def figures(self, search: Search) -> tuple[ReplyFigures, ...]:
        """The figures of everything that is asked for. Raises StoreError."""
        return await self._index.figures(search)

    async def find_ids(self, search: Search) -> tuple[tuple[str, str], ...]:
        """(session, exchange) of all that is asked for, in its order. Raises StoreError."""
        return await self._index.find_ids(search)

    async def read_hits(self, search: Search, exchange_ids: Sequence[str]) -> tuple[Hit, ...]:
        """What is asked for, of some exchanges. Raises StoreError."""
        return await self._index.read_hits(search, exchange_ids)

    async def stamp(self) -> tuple[int, ...]:
        """What tells whether there is something else to find. Raises StoreError."""
        return await self._index.stamp()

    async def names(self) -> Mapping[str, tuple[str, ...]]:
        """The models, tools and tags that there are. Raises StoreError."""
        return await self._index.names()

    def interrupt(self) -> None:
        """Nobody waits any more for what is being looked for."""
        self._index.interrupt()

    def _now_ms(self) -> int:
        return round(self._clock.now().timestamp() * 1000)

    async def pin(self, session_ids: Collection[str], *, is_on: bool = True) -> None:
        """Keep sessions on top, or not. Raises StoreError."""
        await self._library.pin(session_ids, self._now_ms() if is_on else None)

    async def archive(self, session_ids: Collection[str], *, is_on: bool = True) -> None:
        """Take sessions out of the lists, or bring them back. Raises StoreError."""
        await self._library.archive(session_ids, self._now_ms() if is_on else None)

    async def tag(
        self, session_ids: Collection[str], add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        """Give sessions tags, and take some from them. Raises StoreError."""
        await self._library.tag(session_ids, [_clean(n) for n in add if _clean(n)], remove)

    async def rename_tag(self, old: str, new: str) -> None:
        """Call a tag otherwise; one of that name becomes one with it. Raises StoreError."""
        if not _clean(new):
            return
        await self._library.rename_tag(old, _clean(new))

    async def tagged(self, name: str) -> tuple[str, ...]:
        """The sessions with a tag. Raises StoreError."""
        return await self._library.tagged(name)

    async def labels(self, session_ids: Collection[str]) -> tuple[Labels, ...]:
        """Pins, archiving and tags of sessions. Raises StoreError."""
        return await self._library.labels(session_ids)

    async def put_labels(self, labels: Iterable[Labels]) -> None:
        """Put them back as they were. Raises StoreError."""
        await self._library.put_labels(labels)

    async def tags(self) -> tuple[tuple[str, int], ...]:
        """Every tag and how many sessions have it. Raises StoreError."""
        return await self._library.tags()

    async def delete(self, session_ids: Collection[str]) -> None:
        """Hide sessions until they are restored or purged. Raises StoreError."""
        for session_id in self._archive.open_among(session_ids):
            await self._archive.delete(session_id)
        await self._library.set_deleted(session_ids, self._now_ms())

    async def restore(self, session_ids: Collection[str]) -> None:
        """Undo `delete`. Raises StoreError."""
        for session_id in self._archive.open_among(session_ids):
            await self._archive.restore(session_id)
        await self._library.set_deleted(session_ids, None)

    async def deleted(self, *, is_old: bool = False) -> tuple[str, ...]:
        """The deleted sessions; with `is_old` those deleted 30 days ago or earlier."""
        until = self._clock.now() - (_KEPT_DELETED if is_old else timedelta())
        return await self._library.deleted_before(round(until.timestamp() * 1000) + 1)

    async def purge(self, session_ids: Collection[str]) -> Purged:
        """Remove sessions for good, with what their tools left. Raises StoreError.

        One that is not deleted stays: a list may be older than what it shows. So does one
        in which a reply is on its way, here or in another window.
        """
        removable = set(await self.deleted())
        removable -= {conversation.session.id for conversation in self._archive.streaming()}
        session_ids = [
            session_id
            for session_id in session_ids
            if session_id in removable
            and not await self._archive.store.is_held_elsewhere(session_id)
        ]
        purged, paths = await self._library.purge(session_ids)
        for path in map(Path, paths):
            if path.resolve().is_relative_to(self._kept.resolve()):
                with suppress(OSError):
                    path.unlink()
        for session_id in session_ids:
            self._archive.forget(session_id)
        return purged

    async def purge_old(self) -> Purged | None:
        """Remove what was deleted 30 days ago, and finish what could not be finished then."""
        old = await self.deleted(is_old=True)
        if old:
            return await self.purge(old)
        if await self._library.has_pending_purge():
            is_clean = await self._library.finish_purge()
            return Purged(0, 0, is_pending=not is_clean)
        return None

    async def size(self) -> StoreSize:
        """How much there is, and how much room it takes. Raises StoreError."""
        return await self._library.size()


def _clean(name: str) -> str:
    """A tag as it is kept: one word of the query language."""
    return "-".join(name.replace('"', "").replace("(", "").replace(")", "").split())[:40]

"""Changes to saved sessions: labels, deletion, restoring and purging."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from replyscope.domain.errors import StoreFull, StoreReadOnly
from replyscope.domain.library import Library, SearchIndex
from replyscope.domain.matching import read_query
from replyscope.domain.ports import Clock
from replyscope.domain.search import Purged, Search, Sort
from replyscope.domain.stores import SessionStore
from replyscope.engine.archive import Archive

_KEPT_DELETED = timedelta(days=30)


class Review:
    """Changes saved sessions. Searches use the index directly.

    `kept` is the folder of the files that tools wrote. A purge deletes files only inside it.
    `drop_backups` deletes the daily backups.
    """

    def __init__(
        self,
        sessions: SessionStore,
        index: SearchIndex,
        library: Library,
        archive: Archive,
        clock: Clock,
        kept: Path,
        drop_backups: Callable[[], None] = lambda: None,
    ) -> None:
        self._sessions = sessions
        self._index = index
        self._library = library
        self._archive = archive
        self._clock = clock
        self._kept = kept
        self._drop_backups = drop_backups

    def read(self, text: str, sort: Sort = Sort.RANK, limit: int = 50, offset: int = 0) -> Search:
        """Parse a search. Raises QueryError."""
        return Search(read_query(text), self._clock.now().astimezone(), sort, limit, offset)

    async def update_index(self, progress: Callable[[int], None] = lambda _left: None) -> None:
        """Index new replies. Raises StoreError.

        Does nothing when the file can't be written: searches then use the existing index.
        """
        with suppress(StoreReadOnly, StoreFull):
            await self._index.update(progress)

    async def upgrade_index(self) -> None:
        """Bring the index of an older version up to date, in small steps, and then finish a purge
        that waited for it. Raises StoreError.
        """
        with suppress(StoreReadOnly, StoreFull):
            await self._index.upgrade()
            if await self._library.has_pending_purge():
                await self._library.finish_purge()

    def _now_ms(self) -> int:
        return round(self._clock.now().timestamp() * 1000)

    async def pin(self, session_ids: Collection[str], *, is_on: bool = True) -> None:
        """Pin sessions to the top of lists, or unpin them. Raises StoreError."""
        await self._library.pin(session_ids, self._now_ms() if is_on else None)

    async def archive(self, session_ids: Collection[str], *, is_on: bool = True) -> None:
        """Archive sessions, which lists then leave out, or unarchive them. Raises StoreError."""
        await self._library.archive(session_ids, self._now_ms() if is_on else None)

    async def tag(
        self, session_ids: Collection[str], add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        """Add tags to sessions and remove tags. Raises StoreError."""
        await self._library.tag(session_ids, [_clean(n) for n in add if _clean(n)], remove)

    async def rename_tag(self, old: str, new: str) -> None:
        """Rename a tag, merging it with an existing one. Raises StoreError."""
        if not _clean(new):
            return
        await self._library.rename_tag(old, _clean(new))

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
        """Remove deleted sessions and their tools' files without undo, and the daily backups,
        which have them. Raises StoreError.
        """
        purged = await self._purge(session_ids)
        if purged.sessions:
            self._drop_backups()
        return purged

    async def _purge(self, session_ids: Collection[str]) -> Purged:
        """Remove deleted sessions and their tools' files.

        Sessions that have been restored are skipped: a list may be outdated. So are sessions with
        a streaming reply, here or in another process.
        """
        removable = set(await self.deleted())
        removable -= {conversation.session.id for conversation in self._archive.streaming()}
        session_ids = [
            session_id
            for session_id in session_ids
            if session_id in removable and not await self._sessions.is_held_elsewhere(session_id)
        ]
        purged, paths = await self._library.purge(session_ids, self._clock.now())
        self.delete_files(paths)
        for session_id in session_ids:
            self._archive.forget(session_id)
        return purged

    def delete_files(self, paths: Iterable[str]) -> None:
        """Delete the files of purged sessions' tools, if they are in the folder of kept files."""
        for path in map(Path, paths):
            with suppress(OSError, ValueError):  # a path with a NUL is a ValueError
                if path.resolve().is_relative_to(self._kept.resolve()):
                    path.unlink()

    async def purge_old(self) -> Purged | None:
        """Purge the sessions that were deleted 30 days ago, and finish an incomplete purge.

        Daily backups stay: this purge was not requested, and later backups replace them.
        """
        old = await self.deleted(is_old=True)
        if old:
            return await self._purge(old)
        if await self._library.has_pending_purge():
            is_clean = await self._library.finish_purge()
            return Purged(0, 0, is_pending=not is_clean)
        return None


def _clean(name: str) -> str:
    """The normalised tag: one word of the query language."""
    return "-".join(name.replace('"', "").replace("(", "").replace(")", "").split())[:40]

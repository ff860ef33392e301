"""The protocols of saved sessions: the search index, labels, deletion and purge."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from replyscope.domain.search import (
    Facets,
    Hit,
    Labels,
    Purged,
    ReplyFigures,
    Search,
    SessionHit,
    UnreadableRow,
    UsageSum,
)


class SearchIndex(Protocol):
    """The search index of saved replies. Every method may raise StoreError."""

    async def update(self, progress: Callable[[int], None] = ...) -> None:
        """Index new replies; `progress` gets the number of replies left."""
        ...

    async def upgrade(self, progress: Callable[[int], None] = ...) -> None:
        """Index the replies again that an older version indexed; searches find them meanwhile."""
        ...

    async def rebuild(self, progress: Callable[[int], None] = ...) -> None:
        """Empty the index and index every reply again; list the rows that cannot be read."""
        ...

    async def unreadable(self) -> tuple[UnreadableRow, ...]:
        """The rows that could not be read when they were last indexed."""
        ...

    async def find(self, search: Search) -> tuple[Hit, ...]:
        """The replies that match a query."""
        ...

    async def find_sessions(self, search: Search) -> tuple[SessionHit, ...]:
        """The sessions with matching replies; `limit` counts sessions."""
        ...

    async def facets(self, search: Search) -> Facets:
        """The number of matches by model, ending, tool and day."""
        ...

    async def figures(self, search: Search) -> tuple[ReplyFigures, ...]:
        """The figures of every matching reply, oldest first."""
        ...

    async def usage(self) -> tuple[UsageSum, ...] | None:
        """The kept sums of all replies by day and by names; None where they are not kept."""
        ...

    async def find_ids(
        self, search: Search, most: int | None = None
    ) -> tuple[tuple[str, str], ...]:
        """(session id, exchange id) of every match, or of the first `most`, in order."""
        ...

    async def matching(self, search: Search, exchange_ids: Sequence[str]) -> frozenset[str]:
        """The exchanges among these that match, without regard to the page of the search."""
        ...

    async def read_hits(self, search: Search, exchange_ids: Sequence[str]) -> tuple[Hit, ...]:
        """The matches of some exchanges; removed ones are skipped."""
        ...

    async def stamp(self) -> tuple[int, ...]:
        """A value that changes with the results: new replies, labels, titles."""
        ...

    async def names(self) -> Mapping[str, tuple[str, ...]]:
        """The known models, tools and tags, by query field."""
        ...

    def interrupt(self) -> None:
        """Cancel the running query."""
        ...


class SessionLabels(Protocol):
    """Pins, archiving and tags of saved sessions. Every method may raise StoreError."""

    async def labels(self, session_ids: Collection[str]) -> tuple[Labels, ...]:
        """The labels of sessions; removed sessions are skipped."""
        ...

    async def put_labels(self, labels: Iterable[Labels]) -> None:
        """Set the labels of sessions."""
        ...

    async def tagged(self, name: str) -> tuple[str, ...]:
        """The sessions with a tag, deleted ones too."""
        ...

    async def tags(self) -> tuple[tuple[str, int], ...]:
        """Every tag with its number of sessions."""
        ...


class Library(SessionLabels, Protocol):
    """Labels, deletion and purge of saved sessions. Every method may raise StoreError."""

    async def pin(self, session_ids: Collection[str], at_ms: int | None) -> None:
        """Pin sessions; None unpins them."""
        ...

    async def archive(self, session_ids: Collection[str], at_ms: int | None) -> None:
        """Archive sessions: searches find them, lists do not. None unarchives them."""
        ...

    async def tag(
        self, session_ids: Collection[str], add: Iterable[str] = ..., remove: Iterable[str] = ...
    ) -> None:
        """Add tags to sessions and remove tags."""
        ...

    async def rename_tag(self, old: str, new: str) -> None:
        """Rename a tag, merging it with an existing one."""
        ...

    async def set_deleted(self, session_ids: Collection[str], at_ms: int | None) -> None:
        """Mark sessions as deleted; None restores them."""
        ...

    async def deleted_before(self, at_ms: int) -> tuple[str, ...]:
        """The sessions that were deleted before a time."""
        ...

    async def purge(
        self, session_ids: Collection[str], now: datetime
    ) -> tuple[Purged, tuple[str, ...]]:
        """Remove sessions without undo. Returns the counts and the paths of their tools' files.
        The sum of their costs on the last days stays.
        """
        ...

    async def finish_purge(self) -> bool:
        """Overwrite the pages of removed rows. Returns whether that is complete."""
        ...

    async def has_pending_purge(self) -> bool:
        """Whether an earlier purge could not be finished."""
        ...

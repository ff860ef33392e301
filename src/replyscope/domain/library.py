"""The protocols of the library: finding saved replies, and keeping order among sessions."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from replyscope.domain.hit import (
    Facets,
    Hit,
    Labels,
    Purged,
    ReplyFigures,
    Search,
    SessionHit,
    Unreadable,
)


class SearchIndex(Protocol):
    """Finds saved replies. Every method may raise StoreError."""

    async def update(self, progress: Callable[[int], None] = ...) -> None:
        """Bring the index up to date; `progress` gets how many replies are left."""
        ...

    async def rebuild(self, progress: Callable[[int], None] = ...) -> None:
        """Make the index anew, and note every row that can't be read."""
        ...

    async def unreadable(self) -> tuple[Unreadable, ...]:
        """The rows that could not be read when they were last indexed."""
        ...

    async def find(self, search: Search) -> tuple[Hit, ...]:
        """The replies that a query asks for."""
        ...

    async def find_sessions(self, search: Search) -> tuple[SessionHit, ...]:
        """The sessions that have such replies; `limit` counts sessions."""
        ...

    async def facets(self, search: Search) -> Facets:
        """How many there are, and how they spread."""
        ...

    async def figures(self, search: Search) -> tuple[ReplyFigures, ...]:
        """The figures of everything that is found, oldest first."""
        ...

    async def find_ids(self, search: Search) -> tuple[tuple[str, str], ...]:
        """(session, exchange) of everything that is found, in its order."""
        ...

    async def read_hits(self, search: Search, exchange_ids: Sequence[str]) -> tuple[Hit, ...]:
        """What is found, of some exchanges; those that are gone are left out."""
        ...

    async def stamp(self) -> tuple[int, ...]:
        """What tells whether there is something else to find: new replies, or a new order."""
        ...

    async def names(self) -> Mapping[str, tuple[str, ...]]:
        """The models, tools and tags that there are, by the field of a query."""
        ...

    def interrupt(self) -> None:
        """End what is being looked for: nobody waits for it any more."""
        ...


class SessionLabels(Protocol):
    """Pins, archiving and tags of saved sessions. Every method may raise StoreError."""

    async def labels(self, session_ids: Collection[str]) -> tuple[Labels, ...]:
        """What is on sessions; those that are gone are left out."""
        ...

    async def put_labels(self, labels: Iterable[Labels]) -> None:
        """Put on sessions exactly what is said of each."""
        ...

    async def tagged(self, name: str) -> tuple[str, ...]:
        """The sessions with a tag, deleted ones too."""
        ...

    async def tags(self) -> tuple[tuple[str, int], ...]:
        """Every tag and how many sessions have it."""
        ...


class Library(SessionLabels, Protocol):
    """Keeps order among saved sessions. Every method may raise StoreError."""

    async def pin(self, session_ids: Collection[str], at_ms: int | None) -> None:
        """Keep sessions on top; None lets them go."""
        ...

    async def archive(self, session_ids: Collection[str], at_ms: int | None) -> None:
        """Take sessions out of the lists, though not out of searches; None brings them back."""
        ...

    async def tag(
        self, session_ids: Collection[str], add: Iterable[str] = ..., remove: Iterable[str] = ...
    ) -> None:
        """Give sessions tags, and take some from them."""
        ...

    async def rename_tag(self, old: str, new: str) -> None:
        """Call a tag otherwise; one of that name becomes one with it."""
        ...

    async def set_deleted(self, session_ids: Collection[str], at_ms: int | None) -> None:
        """Hide sessions; None brings them back."""
        ...

    async def deleted_before(self, at_ms: int) -> tuple[str, ...]:
        """The sessions that were deleted before a time."""
        ...

    async def purge(self, session_ids: Collection[str]) -> tuple[Purged, tuple[str, ...]]:
        """Remove sessions for good, and the paths of the files that their tools left."""
        ...

    async def finish_purge(self) -> bool:
        """Overwrite what removed rows left in the file; whether nothing is left to do."""
        ...

    async def has_pending_purge(self) -> bool:
        """Whether an earlier purge could not be finished."""
        ...

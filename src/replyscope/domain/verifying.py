"""Checks of an archive: the replies to compare with their journals, and the faults found."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.search import UnreadableRow


class FaultKind(StrEnum):
    """The part of an archive that has a fault."""

    DATABASE = "database"
    ROW = "row"
    REPLY = "reply"
    JOURNAL = "journal"
    INDEX = "index"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an archive, as a sentence without a full stop. `id` is that of the reply or row.

    `is_mendable` is whether `verify --repair` can mend it.
    """

    kind: FaultKind
    what: str
    session_id: str = ""
    id: str = ""
    is_mendable: bool = False


@dataclass(frozen=True, slots=True)
class CheckedReply:
    """A reply that has ended, with its journal. `exchange` is None when the row is damaged;
    `opening` is then rebuilt from the other columns and tables, if they suffice.
    """

    id: str
    session_id: str
    exchange: Exchange | None
    frames: tuple[WireFrame, ...]
    opening: Exchange | None = None
    is_whole: bool = True
    """Whether each segment of the journal can be read."""


class ArchiveChecks(Protocol):
    """Reads an archive to check it. Every method may raise StoreError."""

    async def database_faults(self) -> tuple[str, ...]:
        """The faults of the file and its tables."""
        ...

    async def damaged_rows(self) -> tuple[UnreadableRow, ...]:
        """The rows that cannot be decoded, except replies."""
        ...

    def replies(self) -> AsyncIterator[tuple[CheckedReply, ...]]:
        """All replies that have ended, in pages."""
        ...

    async def index_faults(self, exchanges: Iterable[str]) -> tuple[str, ...]:
        """The replies among these whose entry in the search index is missing or differs."""
        ...

    async def stray_entries(self) -> int:
        """The number of entries of the search index that belong to no reply."""
        ...

    async def kept_paths(self) -> tuple[str, ...]:
        """The paths of the files that replies and tools produced."""
        ...

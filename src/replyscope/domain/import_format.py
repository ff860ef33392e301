"""Import formats: the detection and the reader of each program's files.

The registry of formats is searched in order: the first format that recognises a value, a
file or a database reads it. The readers raise only DATA_FAULTS.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from re import Pattern
from typing import IO, Any, Protocol

from replyscope.domain.foreign import ForeignConversation, Unreadable
from replyscope.domain.import_faults import BadData
from replyscope.domain.item_bound import MOST_ITEM
from replyscope.domain.shared import Shared


@dataclass(frozen=True, slots=True)
class RecordedStream:
    """The recorded server-sent events of one reply; `frames` are their texts, without times."""

    title: str
    at: datetime | None
    frames: tuple[str, ...]


Item = ForeignConversation | RecordedStream | Shared | Unreadable
"""One item of an import, in the form that its reader returns."""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file to import: on the disk, in a folder or in a zip. `size` is in bytes.

    `open` returns its bytes from the start. Raises OSError, and the errors of a damaged zip.
    `path` is its path in the folder or the zip, with `/`; of a single file its name.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]
    modified_at: datetime | None = None
    path: str = ""


class DatabaseRow(Protocol):
    """A row of a database, by the names of its columns."""

    def __getitem__(self, column: str, /) -> Any:
        """The value. Raises LookupError."""
        ...

    def keys(self) -> list[str]:
        """The names of the columns."""
        ...


class ForeignDatabase(Protocol):
    """A SQLite database of another program, read only."""

    @property
    def tables(self) -> Mapping[str, set[str]]:
        """The columns of each plain table."""
        ...

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[DatabaseRow]:
        """The rows of a query. Raises DatabaseFault."""
        ...

    def begin(self) -> None:
        """Reset the counts of bytes and time for the next conversation."""
        ...


OpenDatabase = Callable[[Path], AbstractContextManager[ForeignDatabase]]
"""Opens a database of another program. Raises ImportFault, DatabaseFault, OSError."""


class DatabaseFault(BadData):
    """An error of SQLite, with its message.

    `is_forbidden`: the query needs more than plain tables. `is_mismatch`: a table or a column
    is missing.
    """

    def __init__(self, why: str, *, is_forbidden: bool = False, is_mismatch: bool = False) -> None:
        super().__init__(why)
        self.is_forbidden = is_forbidden
        self.is_mismatch = is_mismatch


def _no_members(_names: Sequence[str]) -> list[str]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """An import format.

    `name` is the tag of its sessions, `title` the program, or a form of its data; then `program`
    is the program, and empty if there is none. For the docs: `path` is the path that a person
    gives, `content` the data that is read.
    `members` selects its files from the names in a folder or a zip, in reading order; `member`
    is the name of such a file in a message. `homes` are the folders or files in which the program
    keeps its history on this machine: `~/` is the home folder, and `$NAME/` at the beginning the
    folder in a variable of the environment.
    """

    name: str
    title: str
    path: str
    content: str
    program: str | None = None
    members: Callable[[Sequence[str]], list[str]] = _no_members
    member: str = ""
    homes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFormat(Format):
    """A format in which each conversation is one JSON object of a document.

    `opening` matches the beginning of a document that lists conversations in a field; they are
    read one by one. `heading` matches the beginning of a document whose entries may have
    `most_item` bytes. `read` returns None for an entry without a conversation, such as the record
    of another activity.
    """

    sniff: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any]], ForeignConversation | Shared | None]
    opening: Pattern[str] | None = None
    heading: Pattern[str] | None = None
    most_item: int = MOST_ITEM
    entries: Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat(Format):
    """A format in which a whole file holds one or more conversations: a log, a stream.

    `sniff` also gets the first bytes, without a byte order mark and leading space.
    """

    sniff: Callable[[ImportedFile, bytes], bool]
    read: Callable[[ImportedFile], Iterator[Item]]


class LogReader(Protocol):
    """Reads one log, line by line. It keeps a bounded number of turns in memory."""

    def feed(self, line: bytes) -> None:
        """Read the next line. A line that can't be read is counted, and never raises."""
        ...

    def skip(self, why: str) -> None:
        """Count a line that was not read, with the reason."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether `take` should be called before the next line, to bound the memory."""
        ...

    def take(self, *, is_end: bool) -> list[Item]:
        """The new and changed turns since the last call, as pieces of conversations.

        Without `is_end` the newest turns, which may still change, are kept for the next call.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFormat(Format):
    """A format of a log to which a program appends a line of JSON for each event.

    `sniff` gets the first bytes, as in FileFormat. `begin` returns the reader of one file.
    """

    sniff: Callable[[ImportedFile, bytes], bool]
    begin: Callable[[ImportedFile], LogReader]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFormat(Format):
    """A format in which one conversation has several files. `read` gets all `members`."""

    read: Callable[[Sequence[ImportedFile]], Iterator[Item]]


Wants = Callable[[str, object], bool]
"""Whether a conversation is to be read: gets its id, and a value that changes with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFormat(Format):
    """A format of a SQLite database. `sniff` gets the columns of each table.

    `read_wanted` reads only some conversations; None for a format that has no cheap sign of what
    has changed.
    """

    sniff: Callable[[Mapping[str, set[str]]], bool]
    count: Callable[[ForeignDatabase], int]
    read: Callable[[ForeignDatabase], Iterator[Item]]
    read_wanted: Callable[[ForeignDatabase, Wants], Iterator[Item]] | None = None

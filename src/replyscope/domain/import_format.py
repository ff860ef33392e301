"""Import formats: how the files of another program are recognised, and how they are read.

A format is one value of a registry, which is tried in its order: the first format that
recognises a value, a file or a database reads it. The readers raise only DATA_FAULTS.
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
from replyscope.domain.shared import Shared


@dataclass(frozen=True, slots=True)
class RecordedStream:
    """The server-sent events of one reply; `frames` are their texts, without times."""

    title: str
    at: datetime | None
    frames: tuple[str, ...]


Item = ForeignConversation | RecordedStream | Shared | Unreadable
"""One session of an import, in the form in which its reader returns it."""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file to import: on the disk, in a folder or in a zip. `size` is in bytes.

    `open` gives its bytes from the start. Raises OSError, and the errors of a damaged zip.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]
    modified_at: datetime | None = None


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
        """Count the bytes and the time of reading from zero, for the next conversation."""
        ...


OpenDatabase = Callable[[Path], AbstractContextManager[ForeignDatabase]]
"""Opens a database of another program. Raises ImportFault, DatabaseFault, OSError."""


class DatabaseFault(BadData):
    """An error of SQLite, in its words.

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

    `name` is the tag of its sessions, `title` the program. For the docs and the dialogs:
    `path` is what a person names, `content` what is read there, `hint` both as a phrase.
    `members` picks its files from the names in a folder or a zip, in the order of reading;
    `member` is what such a file is called in a message.
    """

    name: str
    title: str
    path: str
    content: str
    hint: str
    members: Callable[[Sequence[str]], list[str]] = _no_members
    member: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFormat(Format):
    """A format in which each conversation is one JSON object of a document.

    `field` names the field that holds the messages. `opening` matches the beginning of a
    document that lists conversations in a field; they are read one by one.
    """

    sniff: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any]], ForeignConversation | Shared]
    field: str = ""
    opening: Pattern[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat(Format):
    """A format in which a whole file holds one or more conversations: a log, a stream.

    `sniff` gets the first bytes too, without a byte order mark and leading space.
    """

    sniff: Callable[[ImportedFile, bytes], bool]
    read: Callable[[ImportedFile], Iterator[Item]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFormat(Format):
    """A format of a SQLite database. `sniff` gets the columns of each table."""

    sniff: Callable[[Mapping[str, set[str]]], bool]
    count: Callable[[ForeignDatabase], int]
    read: Callable[[ForeignDatabase], Iterator[Item]]

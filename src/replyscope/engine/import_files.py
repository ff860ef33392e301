"""Reads the sessions of a path: a file, a folder, a zip or a database, in any known format."""

import io
import itertools
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from replyscope.domain.errors import ImportFault, NeedsLibrary
from replyscope.domain.foreign import Batch, Foreign, ForeignConversation, Unreadable, shared_of
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.domain.import_format import (
    DatabaseFault,
    DatabaseFormat,
    ForeignDatabase,
    ImportedFile,
    Item,
    LogFormat,
    OpenDatabase,
    Wants,
)
from replyscope.domain.json_items import JsonItems
from replyscope.domain.ports import TranslateFrames
from replyscope.domain.regular_file import open_regular
from replyscope.domain.shared import Shared
from replyscope.domain.system_words import system_words
from replyscope.engine.import_documents import FoundItem, items_of
from replyscope.engine.log_lines import read_log
from replyscope.engine.recorded_stream import session_of_stream
from replyscope.engine.sniffing import FormatTable
from replyscope.engine.unpacking import can_read, check_zip, plain_name, unpacked

_UNREADABLE = (OSError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error, EOFError,
               RuntimeError, NotImplementedError)  # fmt: skip
"""The errors of a file that cannot be read."""
_SQLITE = b"SQLite format 3\x00"
_ZIP = b"PK"
_MOST_UNKNOWN = 1_000
"""After this number of unknown entries at its beginning, a file has an unknown format."""
_REST = "the rest"


class FileReader:
    """Reads paths with the formats of a table. Blocks."""

    def __init__(
        self, table: FormatTable, open_database: OpenDatabase, translate: TranslateFrames
    ) -> None:
        self._table = table
        self._open_database = open_database
        self._translate = translate

    def read(self, path: Path, wants: Wants | None = None) -> Batch:
        """The sessions of a path; of a database only those that `wants` takes, if its format can
        tell. Raises ImportFault when none can be read.
        """
        try:
            if path.is_dir():
                return self._folder(path)
            with open_regular(path) as file:
                head = file.read(16)
            if head.startswith(_SQLITE):
                return self._database(path, wants)
            if head.startswith(_ZIP):
                return self._zip(path)
            return self._files(path, [on_disk(path, path.name)])
        except _UNREADABLE as error:
            raise ImportFault(
                f"{path} can't be read ({system_words(error)}).", self._next_step
            ) from error

    @property
    def _next_step(self) -> str:
        return f"It may be {self._table.hint}."

    def _folder(self, path: Path) -> Batch:
        names = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
        members = self._members(path, names)
        return self._together(path, names, [on_disk(path / name, name) for name in members])

    def _zip(self, path: Path) -> Batch:
        closing = ExitStack()
        try:
            # Members are read from the zip, never unpacked: a name can't reach another folder.
            opened = closing.enter_context(open_regular(path))
            archive = closing.enter_context(zipfile.ZipFile(opened))
            names = [info.filename for info in archive.infolist() if can_read(info)]
            files = [_in_zip(archive, name) for name in self._members(path, names)]
            check_zip(path.name, path.stat().st_size, files)
            return self._together(path, names, files, closing)
        except BaseException:
            closing.close()
            raise

    def _together(
        self,
        path: Path,
        names: list[str],
        files: list[ImportedFile],
        closing: ExitStack | None = None,
    ) -> Batch:
        """The sessions of a folder's files, which are read one by one or, if a conversation has
        several files, together.
        """
        known = self._table.of_folder(names)
        if known is None:
            return self._files(path, files, closing)
        closing = closing or ExitStack()
        progress = _Progress(files)

        def each() -> Iterator[Foreign]:
            with closing:
                yield from map(self.session_of, known.read([*progress.opened()]))

        return Batch(each(), progress.size, progress.place)

    def _members(self, path: Path, names: list[str]) -> list[str]:
        members = self._table.members(names)
        if not members:
            expected = self._table.member_names
            raise ImportFault(f"{path} does not contain {expected}.", self._next_step)
        return members

    def _files(
        self, path: Path, files: list[ImportedFile], closing: ExitStack | None = None
    ) -> Batch:
        """The sessions of files; `closing` is closed after the last file.

        Raises ImportFault when no entry has a known format.
        """
        progress = _Progress(files)
        closing = closing or ExitStack()
        closing.callback(progress.close)
        found = self._found(progress.each(), is_alone=len(files) == 1)
        try:
            begun = self._begun(str(path), found)
        except BaseException:
            closing.close()
            raise

        def each() -> Iterator[Foreign]:
            with closing:
                while begun:
                    yield self.session_of(begun.pop(0).item)
                yield from map(self.session_of, (one.item for one in found))

        return Batch(each(), progress.size, progress.place)

    def _begun(self, name: str, found: Iterator[FoundItem]) -> list[FoundItem]:
        """The items up to the first one in a known format."""
        begun: list[FoundItem] = []
        for one in found:
            begun.append(one)
            if one.is_known:
                return begun
            if len(begun) > _MOST_UNKNOWN:
                break
        raise ImportFault(_what_is_wrong(name, begun), self._next_step)

    def _found(self, files: Iterable[ImportedFile], *, is_alone: bool) -> Iterator[FoundItem]:
        """The items of all files. A file that cannot be read is reported and skipped."""
        for file in files:
            try:
                yield from self._of_file(file)
            except ImportFault as error:
                if is_alone and isinstance(error, NeedsLibrary):
                    raise
                if is_alone:
                    raise ImportFault(error.message, self._next_step) from error
                yield FoundItem(Unreadable(file.name, error.message), is_known=True)
            except _UNREADABLE as error:
                why = f"the file can't be read ({system_words(error)})"
                yield FoundItem(Unreadable(file.name, why), is_known=False, is_json=False)

    def _of_file(self, file: ImportedFile) -> Iterator[FoundItem]:
        known = self._table.of_file(file)
        if known is not None:
            items = read_log(file, known) if isinstance(known, LogFormat) else known.read(file)
            for item in items:
                yield FoundItem(item, is_known=True)
            return
        with io.TextIOWrapper(file.open(), encoding="utf-8-sig") as text:
            yield from items_of(JsonItems(text), file.name, self._table)

    def _database(self, path: Path, wants: Wants | None) -> Batch:
        """The sessions of a database, which is opened once until the last one."""
        closing = ExitStack()
        try:
            database = closing.enter_context(self._open_database(path))
            known = self._table.of_database(database.tables)
            if known is None:
                why = f"{path} is a database of an unknown program."
                raise ImportFault(why, self._next_step)
            count = known.count(database)
        except BaseException as error:
            closing.close()
            if isinstance(error, DatabaseFault):
                raise _database_fault(path, error, self._table.database_titles) from error
            raise
        done = itertools.count()
        place = 0

        def each() -> Iterator[Foreign]:
            nonlocal place
            with closing:
                for item in _rows(database, known, wants):
                    place = next(done) + 1
                    yield self.session_of(item)

        return Batch(each(), count, lambda: place)

    def session_of(self, item: Item) -> Foreign:
        """The session of an item, or the reason why it can't be read."""
        if isinstance(item, Shared | Unreadable):
            return item
        try:
            if isinstance(item, ForeignConversation):
                return shared_of(item)
            return session_of_stream(item, self._translate)
        except DATA_FAULTS as error:
            key = item.key if isinstance(item, ForeignConversation) else ""
            return Unreadable(item.title or key, fault_in_words(error))


def _rows(database: ForeignDatabase, known: DatabaseFormat, wants: Wants | None) -> Iterator[Item]:
    """The conversations of a database. One that fails ends it, with what came before."""
    try:
        if wants is None or known.read_wanted is None:
            items = known.read(database)
        else:
            items = known.read_wanted(database, wants)
        for item in items:
            yield item
            database.begin()
    except (DatabaseFault, OSError) as error:
        yield Unreadable(_REST, f"it can't be read: {error}")


class _Progress:
    """The progress of reading files, in bytes."""

    def __init__(self, files: list[ImportedFile]) -> None:
        self._files = files
        self._done = 0
        self._opened: IO[bytes] | None = None
        self.size = sum(file.size for file in files)

    def each(self) -> Iterator[ImportedFile]:
        """The files, each of which is finished when the next one is requested."""
        for file in self._files:
            yield replace(file, open=partial(self._open, file))
            self._done += file.size
            self.close()

    def opened(self) -> Iterator[ImportedFile]:
        """The files, each of which counts as read when it is opened."""
        for file in self._files:
            yield replace(file, open=partial(self._count, file))

    def _count(self, file: ImportedFile) -> IO[bytes]:
        self._done += file.size
        return file.open()

    def place(self) -> int:
        """The bytes read, of `size`."""
        is_open = self._opened is not None and not self._opened.closed
        return self._done + (self._opened.tell() if self._opened and is_open else 0)

    def close(self) -> None:
        """Close the open file."""
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    def _open(self, file: ImportedFile) -> IO[bytes]:
        self._opened = file.open()
        return self._opened


def on_disk(path: Path, name: str) -> ImportedFile:
    """A file on the disk; `name` is its path in the imported folder. Raises OSError."""
    status = path.stat()
    at = datetime.fromtimestamp(status.st_mtime, UTC)
    return _compressible(partial(open_regular, path), name, status.st_size, at)


def _in_zip(archive: zipfile.ZipFile, name: str) -> ImportedFile:
    size = archive.getinfo(name).file_size
    return _compressible(partial(archive.open, name), name, size)


def _compressible(
    opening: Callable[[], IO[bytes]], name: str, size: int, at: datetime | None = None
) -> ImportedFile:
    base = PurePosixPath(name).name
    opened = partial(unpacked, opening, base, size)
    return ImportedFile(plain_name(base), size, opened, at, plain_name(name))


def _what_is_wrong(name: str, begun: list[FoundItem]) -> str:
    if not begun:
        return f"{name} is empty."
    first = begun[0]
    if isinstance(first.item, Unreadable) and not first.is_json:
        return f"{name} is not complete JSON ({first.item.why})."
    return f"{name} is JSON of an unknown format."


def _database_fault(path: Path, error: DatabaseFault, names: str) -> ImportFault:
    if error.is_forbidden:
        return ImportFault(
            f"{path} has a view, a virtual table or a computed column where the program has "
            "a plain table.",
            "Export it again with the program that made it.",
        )
    if error.is_mismatch:
        return ImportFault(
            f"{path} does not have the expected tables ({error}).",
            f"Check that {names} made it.",
        )
    return ImportFault(f"{path} is a damaged database ({error}).", "Copy it again.")

"""The table of import formats: recognises the format of a value, a file or a database."""

from collections.abc import Callable, Mapping, Sequence
from re import Pattern
from typing import Any

from replyscope.domain.import_format import (
    DatabaseFormat,
    EntryFormat,
    FileFormat,
    FolderFormat,
    Format,
    ImportedFile,
    LogFormat,
)
from replyscope.domain.item_bound import MOST_ITEM

_HEAD = 1_000
_BOM = b"\xef\xbb\xbf"


class FormatTable:
    """The import formats, in order of preference: the first match is used."""

    def __init__(self, formats: Sequence[Format]) -> None:
        self._formats = tuple(formats)
        self._entries = [one for one in formats if isinstance(one, EntryFormat)]
        self._files = [one for one in formats if isinstance(one, FileFormat | LogFormat)]
        self._folders = [one for one in formats if isinstance(one, FolderFormat)]
        self._databases = [one for one in formats if isinstance(one, DatabaseFormat)]
        self.openings = [one.opening for one in self._entries if one.opening is not None]

    def of_entry(self, value: object) -> EntryFormat | None:
        """The format of a JSON value."""
        if not isinstance(value, Mapping):
            return None
        entry: Mapping[str, Any] = value
        return next((one for one in self._entries if one.sniff(entry)), None)

    def most_item(self, begins: Callable[[Pattern[str]], bool]) -> int:
        """The most bytes of an entry of a document; `begins` tells how that begins."""
        found = (one.most_item for one in self._entries if one.heading and begins(one.heading))
        return next(found, MOST_ITEM)

    def of_file(self, file: ImportedFile) -> FileFormat | LogFormat | None:
        """The format of a file. Raises OSError, and the errors of a damaged zip."""
        with file.open() as opened:
            head = opened.read(_HEAD).removeprefix(_BOM).lstrip()
        return next((one for one in self._files if one.sniff(file, head)), None)

    def of_folder(self, names: Sequence[str]) -> FolderFormat | None:
        """The format of a folder that is read as a whole, by the names of its files."""
        return next((one for one in self._folders if one.members(names)), None)

    def of_database(self, tables: Mapping[str, set[str]]) -> DatabaseFormat | None:
        """The format of a database, by the columns of its tables."""
        return next((one for one in self._databases if one.sniff(tables)), None)

    def members(self, names: Sequence[str]) -> list[str]:
        """The names of the files to import from a folder or a zip, in order."""
        return next((found for one in self._formats if (found := one.members(names))), [])

    @property
    def member_names(self) -> str:
        """A phrase with the names of the files that an import of a folder uses."""
        return _listed([one.member for one in self._formats if one.member])

    @property
    def programs(self) -> list[str]:
        """The programs whose history can be imported."""
        names = (one.title if one.program is None else one.program for one in self._formats)
        return [name for name in dict.fromkeys(names) if name]

    @property
    def hint(self) -> str:
        """A sentence part that says which files can be imported."""
        programs = _listed(self.programs)
        return f"an export, a log or a database of {programs}, or a recorded stream (.sse)"

    @property
    def database_titles(self) -> str:
        """The programs whose databases can be imported, as a phrase."""
        return _listed([one.title for one in self._databases])


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if names[1:] else "".join(names)

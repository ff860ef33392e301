"""Reads the databases of other programs, which stay as they are to the last byte.

A database that another program may be writing to (or that has a journal beside it) is
read as a copy: SQLite would leave files of its own beside it, or change those that are there.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from replyscope.domain.errors import ImportFault
from replyscope.domain.foreign import ForeignConversation, Unreadable
from replyscope.domain.regular_file import open_regular
from replyscope.store.foreign_chats import count_chats, read_elia, read_oterm
from replyscope.store.foreign_guard import ForeignGuard
from replyscope.store.foreign_llm import count_llm, read_llm
from replyscope.store.sqlite_errors import result_code

Item = ForeignConversation | Unreadable
_BESIDE = ("-wal", "-journal")
_WAL_MODE = b"\x02\x02"
_TRIES = 5
_MAGIC = bytes.fromhex("d9d505f920a163d7")
_MOST_BYTES = 8_000_000_000

_Read = Callable[[sqlite3.Connection], Iterator[Item]]


def read_database(path: Path) -> tuple[Iterator[Item], int] | None:
    """The conversations of `llm`, elia or oterm, and how many; None when it is none of theirs.

    Raises ImportFault for a file that is damaged or has other tables.
    """
    try:
        with _opened(path) as (connection, guard):
            kind = _kind(guard.tables)
            count = kind[1](connection) if kind is not None else 0
    except (sqlite3.Error, OSError) as error:
        raise _fault(path, error) from error
    return (_each(path, kind[0]), count) if kind is not None else None


def _fault(path: Path, error: sqlite3.Error | OSError) -> ImportFault:
    match result_code(error):
        case sqlite3.SQLITE_AUTH:
            return ImportFault(
                f"{path} has a view, a virtual table or a computed column where the program has "
                "a plain table.",
                "Export it again with the program that made it.",
            )
        case sqlite3.SQLITE_ERROR:  # also of a table or a column that is missing
            return ImportFault(
                f"{path} does not have the expected tables ({error}).",
                "Check that llm, elia or oterm made it.",
            )
    return ImportFault(f"{path} is a damaged database ({error}).", "Copy it again.")


def _kind(tables: dict[str, set[str]]) -> tuple[_Read, Callable[[sqlite3.Connection], int]] | None:
    if {"conversation_id", "prompt", "response"} <= tables.get("responses", set()):
        return read_llm, count_llm
    if {"chat_id", "role", "content"} <= tables.get("message", set()):
        return read_elia, count_chats
    if {"chat_id", "author", "text"} <= tables.get("message", set()):
        return read_oterm, count_chats
    return None


def _each(path: Path, read: _Read) -> Iterator[Item]:
    try:
        with _opened(path) as (connection, guard):
            for item in read(connection):
                yield item
                guard.begin()
    except (sqlite3.Error, OSError) as error:
        yield Unreadable("the rest", f"it can't be read: {error}")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[sqlite3.Connection, ForeignGuard]]:
    if path.stat().st_size > _MOST_BYTES:
        raise ImportFault(f"{path} is larger than {_MOST_BYTES // 10**9} GB.", "Import a part.")
    with tempfile.TemporaryDirectory(prefix="replyscope-") as folder:
        place = _copied(path, Path(folder)) if _needs_copy(path) else path
        mode = "ro" if place == path else "rw"  # its journal has to be played back
        uri = f"{place.absolute().as_uri()}?mode={mode}"
        # One thread after another reads on; never two at once.
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        with closing(connection):
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            yield connection, ForeignGuard(connection)


def _needs_copy(path: Path) -> bool:
    with open_regular(path) as file:
        is_wal = file.read(20)[18:20] == _WAL_MODE
    return is_wal or any(_beside(path, end).exists() for end in _BESIDE)


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _copied(path: Path, folder: Path) -> Path:
    """A copy with its journals, made again when the program wrote meanwhile."""
    files = [path, *(_beside(path, end) for end in _BESIDE)]
    copy = folder / "copy.db"
    for _ in range(_TRIES):
        before = _stamps(files)
        for file, end in zip(files, ("", *_BESIDE), strict=True):
            target = _beside(copy, end)
            target.unlink(missing_ok=True)
            if file.exists():
                with open_regular(file) as source, target.open("wb") as copied:
                    shutil.copyfileobj(source, copied)
        if _stamps(files) == before:
            break
    _refuse_super_journal(_beside(copy, "-journal"))
    return copy


def _refuse_super_journal(journal: Path) -> None:
    """Raise ImportFault for a journal that names another file: playing it back, SQLite
    deletes that file, wherever it is.
    """
    if not journal.exists():
        return
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - len(_MAGIC)))
        ends_with_name = file.read() == _MAGIC
    if ends_with_name:
        raise ImportFault(
            f"{journal.name} names a file of another database.",
            "Open the database once with the program that made it, and import it then.",
        )


def _stamps(files: list[Path]) -> list[tuple[int, int] | None]:
    found = [file.stat() if file.exists() else None for file in files]
    return [(status.st_size, status.st_mtime_ns) if status else None for status in found]

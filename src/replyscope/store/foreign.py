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
from replyscope.domain.foreign import Conversation, Unreadable
from replyscope.store.foreign_chats import count_chats, read_elia, read_oterm
from replyscope.store.foreign_llm import count_llm, read_llm

Item = Conversation | Unreadable
_BESIDE = ("-wal", "-journal")
_WAL_MODE = b"\x02\x02"
_TRIES = 5

_Read = Callable[[sqlite3.Connection], Iterator[Item]]


def read_database(path: Path) -> tuple[Iterator[Item], int] | None:
    """The conversations of `llm`, elia or oterm, and how many; None when it is none of theirs.

    Raises ImportFault for a file that is damaged.
    """
    try:
        with _opened(path) as connection:
            kind = _kind(_columns(connection))
            count = kind[1](connection) if kind is not None else 0
    except (sqlite3.Error, OSError) as error:
        raise ImportFault(f"{path} is a damaged database ({error}).", "Copy it again.") from error
    return (_each(path, kind[0]), count) if kind is not None else None


def _kind(tables: dict[str, set[str]]) -> tuple[_Read, Callable[[sqlite3.Connection], int]] | None:
    if {"conversation_id", "prompt", "response"} <= tables.get("responses", set()):
        return read_llm, count_llm
    if {"chat_id", "role", "content"} <= tables.get("message", set()):
        return read_elia, count_chats
    if {"chat_id", "author", "text"} <= tables.get("message", set()):
        return read_oterm, count_chats
    return None


def _columns(connection: sqlite3.Connection) -> dict[str, set[str]]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    asked = "SELECT name FROM pragma_table_info(?)"
    return {name: {column for (column,) in connection.execute(asked, (name,))} for (name,) in names}


def _each(path: Path, read: _Read) -> Iterator[Item]:
    try:
        with _opened(path) as connection:
            connection.row_factory = sqlite3.Row
            yield from read(connection)
    except (sqlite3.Error, OSError) as error:
        yield Unreadable("the rest", f"it can't be read: {error}")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with tempfile.TemporaryDirectory(prefix="replyscope-") as folder:
        place = _copied(path, Path(folder)) if _needs_copy(path) else path
        mode = "ro" if place == path else "rw"  # its journal has to be played back
        uri = f"{place.absolute().as_uri()}?mode={mode}"
        # One thread after another reads on; never two at once.
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        with closing(connection):
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            yield connection


def _needs_copy(path: Path) -> bool:
    with path.open("rb") as file:
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
                shutil.copyfile(file, target)
        if _stamps(files) == before:
            break
    return copy


def _stamps(files: list[Path]) -> list[tuple[int, int] | None]:
    found = [file.stat() if file.exists() else None for file in files]
    return [(status.st_size, status.st_mtime_ns) if status else None for status in found]

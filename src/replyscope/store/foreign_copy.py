"""Copies the database of another program, so that SQLite never opens the original in WAL mode.

Opening it there, even read-only, writes into its shared memory (`-shm`) and may create a `-wal`.
A copy is consistent if the main file did not change meanwhile, and the write-ahead log only grew:
what was appended is either a whole transaction or ignored by its checksum.
"""

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from replyscope.domain.errors import ImportFault
from replyscope.domain.regular_file import open_regular

_WAL = "-wal"
JOURNAL = "-journal"
_SHM = "-shm"
_WAL_MODE = b"\x02\x02"
_HEADER = 32
"""The length of a write-ahead log's header in bytes. Each restart of the log changes the header."""
_TRIES = 5
_MAGIC = bytes.fromhex("d9d505f920a163d7")
_CHUNK = 1 << 26
_SPARE = 64_000_000
_COARSE_NS = 2_100_000_000
"""The coarsest times that file systems keep are those of FAT: two seconds."""

Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _State:
    """The files of a database at one moment; equal states mean that a copy is consistent."""

    main: Stamp | None
    journal: Stamp | None
    wal_header: bytes


def beside(path: Path, end: str) -> Path:
    """A file that SQLite keeps next to a database."""
    return path.with_name(path.name + end)


def needs_copy(path: Path) -> bool:
    """Whether SQLite would create or change files next to a database. Raises OSError."""
    with open_regular(path) as file:
        is_wal = file.read(20)[18:20] == _WAL_MODE
    return is_wal or any(beside(path, end).exists() for end in (_WAL, JOURNAL))


class DatabaseCopy:
    """A copy of one database in a folder of its own.

    It may be renewed: the main file is copied again only when it has changed, and it changes
    seldom while a program writes, since writes go to the log.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._copy = folder / "copy.db"
        self._copied: Stamp | None = None

    def renew(self) -> Path:
        """Bring the copy up to date, and return its path. Raises ImportFault, OSError."""
        for _ in range(_TRIES):
            before = self._state()
            if before.main is None or before.main != self._copied:
                self._copied = None
                self._copy_file("")
            for end in (_WAL, JOURNAL):
                self._copy_file(end)
            beside(self._copy, _SHM).unlink(missing_ok=True)
            if self._state() == before:
                is_settled = before.journal is None and _is_old(before.main)
                self._copied = before.main if is_settled else None
                _refuse_super_journal(beside(self._copy, JOURNAL))
                return self._copy
        raise ImportFault(
            f"{self._path} is changed all the time.", "Import it when its program is at rest."
        )

    def _state(self) -> _State:
        header = b""
        with suppress(FileNotFoundError), open_regular(beside(self._path, _WAL)) as file:
            header = file.read(_HEADER)
        journal = beside(self._path, JOURNAL)
        return _State(_stamp(self._path), _stamp(journal), header)

    def _copy_file(self, end: str) -> None:
        source, target = beside(self._path, end), beside(self._copy, end)
        target.unlink(missing_ok=True)
        if end and not source.exists():
            return
        with suppress(FileNotFoundError), open_regular(source) as read, target.open("wb") as write:
            _check_room(os.fstat(read.fileno()).st_size, target)
            _copy_bytes(read, write)


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _is_old(stamp: Stamp | None) -> bool:
    """Whether a file was written so long ago that another write would change its time."""
    return stamp is not None and abs(time.time_ns() - stamp[3]) > _COARSE_NS


def _check_room(size: int, target: Path) -> None:
    if shutil.disk_usage(target.parent).free < size + _SPARE:
        raise ImportFault(
            f"{target.parent.parent} has no room for a copy of {size / 1e6:,.0f} MB.",
            "Free some space, or set TMPDIR to a folder with more.",
        )


def _copy_bytes(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a file; file systems that can share its blocks do so."""
    fast = getattr(os, "copy_file_range", None)
    if fast is not None:
        try:
            while fast(source.fileno(), target.fileno(), _CHUNK):
                pass
            return
        except OSError:  # this file system can't, or not between these two
            source.seek(0)
            target.seek(0)
            target.truncate()
    shutil.copyfileobj(source, target, 1 << 20)


def _refuse_super_journal(journal: Path) -> None:
    """Raise ImportFault for a journal that names another file: SQLite deletes that file when
    it rolls the journal back.
    """
    if not journal.exists():
        return
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - len(_MAGIC)))
        ends_with_name = file.read() == _MAGIC
    if ends_with_name:
        raise ImportFault(
            f"{journal.name} names a file of another database.",
            "Open the database once with the program that made it, then import it.",
        )

"""Translates the errors of SQLite and of the system into store errors.

Errors are classified by result code, never by their text: the text contains names of tables
and folders, and each version of SQLite may word it differently.
https://sqlite.org/rescode.html
"""

import errno
import shutil
import sqlite3
from pathlib import Path

from replyscope.domain.errors import (
    SearchInterrupted,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreRejected,
)

_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_REJECTED = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG)
_CODE_OF_ERRNO = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    getattr(errno, "EDQUOT", errno.ENOSPC): sqlite3.SQLITE_FULL,
    errno.EROFS: sqlite3.SQLITE_READONLY,
    errno.EACCES: sqlite3.SQLITE_PERM,
    errno.EPERM: sqlite3.SQLITE_PERM,
    errno.EBUSY: sqlite3.SQLITE_BUSY,
    errno.EIO: sqlite3.SQLITE_IOERR,
}
_LEAST_ROOM = 64 * 1024


def result_code(error: sqlite3.Error | OSError) -> int | None:
    """The primary result code of an error, without the extension in its upper bits.

    A system error has the code of the corresponding SQLite error. None for an error that has
    no code: Python's own checks raise such sqlite3 errors.
    """
    if isinstance(error, OSError):
        return _CODE_OF_ERRNO.get(error.errno or 0)
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds a lock that this one needs."""
    return result_code(error) in _BUSY


def is_only_readable(error: sqlite3.Error, path: Path) -> bool:
    """Whether an error says that a file is there and can't be written: no permission or space."""
    return (result_code(error) in _UNWRITABLE or _is_full(path)) and path.exists()


def translate_error(error: sqlite3.Error | OSError, path: Path | None) -> StoreError:
    """The StoreError for an error of SQLite or the system. `path` None is a store in memory."""
    code = result_code(error)
    where = str(path) if path is not None else "memory"
    if code in _CORRUPT:
        return StoreCorrupt(
            f"The sessions file {where} is damaged ({error}).",
            "The file was not changed. Move it aside, restore a backup, or use another folder "
            "with --data-dir.",
        )
    is_io = code == sqlite3.SQLITE_IOERR  # SQLite also reports a full disk with this code
    if code == sqlite3.SQLITE_FULL or (is_io and _is_full(path)):
        return StoreFull(
            f"There is no room on the disk of {where} ({error}).",
            "Free some space. What is on the screen is saved as soon as there is room.",
        )
    if code in _UNWRITABLE:
        return StoreReadOnly(
            f"The sessions file {where} can't be written ({error}).",
            "Check the folder's permissions, or use another folder with --data-dir.",
        )
    if is_io:
        return StoreError(
            f"The disk of {where} failed ({error}).",
            "Check the disk and its quota, then try again.",
        )
    if code == sqlite3.SQLITE_INTERRUPT:
        return SearchInterrupted("The search was cancelled by a newer one.")
    if code in _BUSY:
        return StoreError(
            f"Another program keeps {where} locked ({error}).", "Close it, then try again."
        )
    kind = StoreRejected if code in _REJECTED else StoreError
    return kind(f"The sessions file {where} failed ({error}).", "Try again.")


def _is_full(path: Path | None) -> bool:
    """Whether the disk has no space for SQLite's WAL and shared memory files."""
    try:
        return path is not None and shutil.disk_usage(path.parent).free < _LEAST_ROOM
    except OSError:
        return False

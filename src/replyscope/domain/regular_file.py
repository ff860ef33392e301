"""Opens regular files, and rejects pipes, devices and sockets; flushes folders.

A pipe may never end, and opening a device may have effects. The kind of a file is checked
before it is opened, and again after, because the name may refer to another file by then.
No function waits for another program.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
# If a pipe is opened in spite of the check, it doesn't block; a terminal doesn't become ours.
_CAUTIOUS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


class NotRegularError(OSError):
    """The file is not a regular file, or it is too large."""

    def __str__(self) -> str:
        return str(self.strerror)


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises OSError."""
    return os.fdopen(_descriptor(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb")


def append_regular(path: Path) -> BinaryIO:
    """Open a regular file to append to; a new one is private to its owner. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    return os.fdopen(_descriptor(path, flags), "ab")


def write_own(path: Path) -> BinaryIO:
    """Open one of the program's files to overwrite it, private to its owner. A symbolic link is
    not followed: another user may have created it. Raises OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(_descriptor(path, flags), "wb")
    file.truncate()  # only after the check that it is a file
    return file


def read_regular(path: Path, most_bytes: int) -> bytes:
    """The bytes of a regular file. Raises OSError, also for more than `most_bytes`."""
    with open_regular(path) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise NotRegularError(errno.EFBIG, f"larger than {most_bytes:,} bytes")
    return data


def _descriptor(path: Path, flags: int) -> int:
    try:
        _refuse(os.stat(path).st_mode)
    except FileNotFoundError:
        pass  # opening it reports the fault, or creates the file
    descriptor = os.open(path, flags | _CAUTIOUS, 0o600)
    try:
        _refuse(os.fstat(descriptor).st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _refuse(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "something else")
        raise NotRegularError(errno.EINVAL, f"it is {kind}, not a file")


def read_text(path: Path, *, encoding: str = "utf-8", most_bytes: int = 10_000_000) -> str:
    """The text of a regular file, with line ends `\\n`. Raises OSError, UnicodeDecodeError."""
    text = read_regular(path, most_bytes).decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def sync_folder(folder: Path) -> None:
    """Flush a folder, so that a renamed file survives a loss of power."""
    with suppress(OSError):  # not every system and file system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

"""Opens files that somebody named, if they are regular files.

A pipe may never end, a device may do anything, and a socket is no file: they are refused
before they are opened, and again after, because a name can be given to something else
meanwhile. Nothing here waits for another program.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
# A pipe that is opened all the same doesn't wait, and a terminal is not taken over.
_CAUTIOUS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


class NotRegularError(OSError):
    """What was named is no regular file, or it is larger than it may be."""

    def __str__(self) -> str:
        return str(self.strerror)


def open_regular(path: Path) -> BinaryIO:
    """A regular file to read. Raises OSError."""
    return os.fdopen(_descriptor(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb")


def append_regular(path: Path) -> BinaryIO:
    """A regular file to append to; a new one is its owner's alone. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    return os.fdopen(_descriptor(path, flags), "ab")


def write_own(path: Path) -> BinaryIO:
    """A file of ours to write anew, its owner's alone. A link in its place is not followed:
    somebody else put it there. Raises OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(_descriptor(path, flags), "wb")
    file.truncate()  # only now that it is known to be a file
    return file


def read_regular(path: Path, most_bytes: int) -> bytes:
    """The bytes of a regular file. Raises OSError, also when there are more than that."""
    with open_regular(path) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise NotRegularError(errno.EFBIG, f"larger than {most_bytes:,} bytes")
    return data


def _descriptor(path: Path, flags: int) -> int:
    try:
        _refuse(os.stat(path).st_mode)
    except FileNotFoundError:
        pass  # opening it says so, or makes it
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
    """The text of a regular file, its line ends as Python's. Raises OSError, UnicodeDecodeError."""
    text = read_regular(path, most_bytes).decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")

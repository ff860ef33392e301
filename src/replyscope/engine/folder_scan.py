"""Lists the files below folders, with a stamp that changes when they are written.

Symbolic links inside of a folder are not followed, and only regular files are listed: a pipe may
never end. The number of files and the depth are bounded.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOST_FILES = 200_000
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class FileStamp:
    """The identity, size and time of a file: equal stamps mean an unchanged file."""

    device: int
    inode: int
    size: int
    modified_ns: int


def stamp_of(status: os.stat_result) -> FileStamp:
    """The stamp of a file's status."""
    return FileStamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def stamp_at(path: str) -> FileStamp | None:
    """The stamp of a file; None if it is not a regular file that can be read."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except (OSError, ValueError):
        return None
    return stamp_of(status) if stat.S_ISREG(status.st_mode) else None


def scan(root: Path) -> dict[str, FileStamp]:
    """The files below a folder; a root that is a file is the only one. Never raises."""
    if not root.is_dir():
        found = stamp_at(os.path.realpath(root))
        return {str(root): found} if found is not None else {}
    files: dict[str, FileStamp] = {}
    for name, stamp in _below(str(root), 0):
        files[name] = stamp
        if len(files) >= MOST_FILES:
            break
    return files


def _below(folder: str, depth: int) -> Iterator[tuple[str, FileStamp]]:
    folders = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield entry.path, stamp_of(status)
    except OSError:
        pass  # it was removed, or may not be read
    for path in folders if depth < _DEEPEST else ():
        yield from _below(path, depth + 1)

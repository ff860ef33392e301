"""The unused space in the pages of a database file, where SQLite leaves copies of other rows.

With `secure_delete`, SQLite overwrites what is deleted. But when it divides the rows of a full page
between two pages, the copies stay in the part of the first page that is then unused. If such a row
is deleted later, its copy is not overwritten. See https://sqlite.org/fileformat2.html#b_tree_pages.
"""

import os
import sys
from io import FileIO
from pathlib import Path

_KINDS = {2: 12, 5: 12, 10: 8, 13: 8}
"""The size of the header of a page by its kind. Other pages are free or have the end of a long
value; these have no unused space with copies. Their first byte is 0 below 64 GB.
"""
_AT_ONCE = 256
_FILE_HEADER = 100
_held: dict[tuple[int, int], int] = {}
"""Open files by device and inode. On POSIX, closing a file releases all locks that the process has
on it, also those of SQLite's own connections. So a file that was opened here stays open.
"""


def clear_gaps(path: Path) -> int:
    """Overwrite the copies of rows in unused space. Returns the number of changed pages.

    Nobody may write to the database meanwhile, and its WAL must be empty; others may read it.
    SQLite reads nothing from unused space. Raises OSError, also if the file is none of which the
    pages are known.
    """
    if sys.platform == "win32":
        with FileIO(path, "r+") as file:
            return _clear(file)
    found = path.stat()
    key = (found.st_dev, found.st_ino)
    if key not in _held:
        _held[key] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    return _clear(FileIO(_held[key], "r+", closefd=False))


def _clear(file: FileIO) -> int:
    size = _page_size(file)
    if size is None:
        raise OSError("the pages of the file have another form")
    buffer = bytearray(size * _AT_ONCE)
    view = memoryview(buffer)
    changed = position = 0
    file.seek(0)
    while count := _read(file, view):
        for gap in find_gaps(buffer, size, count // size, _FILE_HEADER if position == 0 else 0):
            file.seek(position + gap.start)
            file.write(bytes(len(gap)))
            changed += 1
        position += count
        file.seek(position)
    if changed:
        os.fsync(file.fileno())
    return changed


def _page_size(file: FileIO) -> int | None:
    """The size of a page; None in a file that is not of SQLite, or that has pages of another kind,
    which say where pages are (auto-vacuum).
    """
    file.seek(0)
    head = file.read(_FILE_HEADER)
    if len(head) < _FILE_HEADER or not head.startswith(b"SQLite format 3\0") or any(head[52:56]):
        return None
    size = int.from_bytes(head[16:18], "big")
    return 65_536 if size == 1 else size


def _read(file: FileIO, view: memoryview) -> int:
    count = 0
    while count < len(view) and (read := file.readinto(view[count:])):
        count += read
    return count


def find_gaps(data: bytearray, size: int, pages: int, first_header: int = 0) -> list[range]:
    """The unused spaces of pages that have more than zeros and places of rows in them.

    A page begins with a list of the places of its rows, which are two bytes each. Unused space
    begins with places of earlier rows in nearly every page, and may have the length of one deleted
    row; overwriting these would write a large part of the file. Any four bytes of text are found.
    `first_header` is the size of what comes before the header of the first page.
    """
    places = bytes(range((size >> 8) + 1)) if size < 65_536 else b"\0"
    found: list[range] = []
    kinds = bytes(data[first_header : first_header + 1]) + bytes(data[size : size * pages : size])
    for number, kind in enumerate(kinds):
        header = _KINDS.get(kind)
        if header is None:
            continue
        start = number * size
        at = start if number else first_header
        begin = at + header + 2 * (data[at + 3] << 8 | data[at + 4])
        end = start + (data[at + 5] << 8 | data[at + 6] or 65_536)
        if begin < end <= start + size and len(data[begin:end:2].translate(None, places)) > 1:
            found.append(range(begin, end))
    return found

"""The files of one machine in a hub's folder: their names, and writing them in one step.

A name has the range of numbers and the digest of the end, so the end of a log is known without
reading a file. Copies that a synchronising program makes after a conflict have other names, and
are ignored.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from replyscope.domain.errors import HubError, HubFull, HubReadOnly, HubUnreachable
from replyscope.domain.hub import START, LogHead
from replyscope.domain.whole_file import PART

MOST_FILES = 100_000
MOST_MACHINES = 1_000
_NAME = re.compile(r"(\d{1,15})-(\d{1,15})-([0-9a-f]{64})(c?)\.bundle")
_MACHINE = re.compile(r"[0-9a-z]{1,40}")
_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True, order=True)
class BundleFile:
    """A bundle on disk: its range, the digest of its end, and whether it was compacted."""

    first: int
    last: int
    digest: str
    is_compacted: bool
    path: Path

    @property
    def head(self) -> LogHead:
        """The end of the log after this file."""
        return LogHead(self.last, self.digest)

    def holds(self, other: "BundleFile") -> bool:
        """Whether this file replaces another one."""
        return (
            self.is_compacted
            and self.path != other.path
            and self.first <= other.first
            and self.last >= other.last
        )


def bundle_path(folder: Path, first: int, head: LogHead, *, is_compacted: bool = False) -> Path:
    """The path of a bundle."""
    mark = "c" if is_compacted else ""
    return folder / f"{first}-{head.number}-{head.digest}{mark}.bundle"


def list_bundles(folder: Path) -> list[BundleFile]:
    """The bundles of one machine, in the order of their numbers. Raises OSError."""
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as files:
        for count, file in enumerate(files):
            if count >= MOST_FILES:
                break
            match = _NAME.fullmatch(file.name)
            if match is None:
                continue
            first, last = int(match[1]), int(match[2])
            if 0 < first <= last:
                found.append(BundleFile(first, last, match[3], bool(match[4]), folder / file.name))
    return sorted(found)


def list_machines(folder: Path) -> list[str]:
    """The ids of the machines that have a folder. Raises OSError."""
    with suppress(FileNotFoundError), os.scandir(folder) as folders:
        names = [one.name for one in folders if _MACHINE.fullmatch(one.name) and one.is_dir()]
        return sorted(names)[:MOST_MACHINES]
    return []


def head_of(files: list[BundleFile]) -> LogHead:
    """The end of the log that files hold."""
    if not files:
        return START
    return max((file.head for file in files), key=lambda head: (head.number, head.digest))


def remove_parts(folder: Path, before_s: float) -> None:
    """Delete the incomplete files of a process that died. Raises OSError."""
    for path in folder.glob(f".*{PART}"):
        with suppress(OSError):
            if path.stat().st_mtime < before_s:
                path.unlink()


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Translate errors of the file system. Raises HubError."""
    try:
        yield
    except OSError as error:
        raise _fault(folder, error) from error


def _fault(folder: Path, error: OSError) -> HubError:
    why = error.strerror or str(error)
    if error.errno in _FULL:
        return HubFull(
            f"The hub folder {folder} is full ({why}).",
            "Nothing was lost; free some space, and the next sync sends the rest.",
        )
    if error.errno in _READ_ONLY:
        return HubReadOnly(
            f"The hub folder {folder} can't be written ({why}).",
            "Changes of other machines are still read; check the rights of the folder.",
        )
    return HubUnreachable(
        f"The hub folder {folder} can't be read ({why}).",
        "Check that it is mounted and that its program runs; replyscope tries again.",
    )

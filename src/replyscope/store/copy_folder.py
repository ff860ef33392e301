"""Temporary folders for copies of databases. Those of killed processes are removed later.

A process holds the lock of its folder, which is beside it, from before it exists until it is
deleted. So a folder whose lock is free belongs to nobody.
"""

import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from replyscope.store.hold import Hold

_PREFIX = "replyscope-copy-"


@contextmanager
def copy_folder() -> Iterator[Path]:
    """A new folder that only its owner can read, deleted at the end. Raises OSError."""
    base = Path(tempfile.gettempdir())
    name = f"{_PREFIX}{secrets.token_hex(8)}"
    folder, hold = base / name, Hold(base, name)
    hold.acquire()
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        hold.release()


def remove_abandoned() -> None:
    """Remove the folders of processes that were killed. One that can't be removed stays."""
    base = Path(tempfile.gettempdir())
    for folder in [*base.glob(f"{_PREFIX}*/")]:
        with suppress(OSError):  # another process may remove it at the same time
            if _is_ours(folder) and not Hold(base, "").is_alive(folder.name):
                shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """Whether a path is a folder of this user, and no link to one."""
    status = folder.lstat()
    is_own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return stat.S_ISDIR(status.st_mode) and is_own

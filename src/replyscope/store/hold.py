"""Tracks which writers are alive: each process holds an OS lock on its own file.

The system releases the lock when the process dies. If the lock of an exchange's writer
can be acquired, the exchange was abandoned.
"""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock


class Hold:
    """The lock of this process, and the check of other locks. `folder` None uses no files."""

    def __init__(self, folder: Path | None, writer: str) -> None:
        self._folder = folder
        self.writer = writer
        self._lock: FileLock | None = None

    def acquire(self) -> None:
        """Acquire this process's lock. A second call does nothing."""
        if self._folder is None or self._lock is not None:
            return
        from filelock import FileLock  # when something is written

        self._folder.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(self._path(self.writer), mode=0o600, thread_local=False)
        lock.acquire(timeout=0)
        self._lock = lock

    def release(self) -> None:
        """Release the lock and delete its file."""
        if self._lock is None:
            return
        self._lock.release()
        self._lock = None
        with contextlib.suppress(OSError):
            self._path(self.writer).unlink()

    def is_alive(self, writer: str) -> bool:
        """Whether some process, this one included, still holds that writer's lock."""
        if writer == self.writer or self._folder is None:
            return writer == self.writer
        if not self._path(writer).exists():
            return False
        from filelock import FileLock, Timeout  # when something was left open

        lock = FileLock(self._path(writer), mode=0o600, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        with contextlib.suppress(OSError):
            self._path(writer).unlink()
        return False

    def _path(self, writer: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{writer}.lock"

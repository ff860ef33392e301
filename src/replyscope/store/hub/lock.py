"""The lock that lets one process of a data folder synchronise at a time. Implements SyncLock."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock


class FileSyncLock:
    """A lock of the operating system, which ends with the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: FileLock | None = None

    def acquire(self) -> bool:
        """Take the lock. Returns whether no other process has it."""
        from filelock import FileLock, Timeout  # only when something is synchronised

        lock = FileLock(self._path, mode=0o600, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

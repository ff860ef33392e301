"""Opens a backup to verify it: its files, and its database in place."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from replyscope.domain.errors import BackupFault
from replyscope.store.backup.container import BackupFile, open_backup
from replyscope.store.backup.reading import check_schema, connect_backup, find_damaged_files
from replyscope.store.schema import MIGRATIONS
from replyscope.store.sqlite_errors import translate_error

T = TypeVar("T")


class CheckedBackup:
    """A backup and a read-only connection to its database."""

    def __init__(self, path: Path, backup: BackupFile, connection: sqlite3.Connection) -> None:
        self._path = path
        self._backup = backup
        self._connection = connection
        manifest = backup.manifest
        self._kept = Path(manifest.kept_files)
        self._names = {one.own_name for one in manifest.entries if one.folder == "files"}

    def damaged_files(self) -> list[str]:
        """The names of the files that differ from the manifest. Blocks."""
        return find_damaged_files(self._backup)

    async def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job on the database in a thread. Raises StoreError."""

        def run() -> T:
            try:
                return job(self._connection)
            except sqlite3.Error as error:
                raise translate_error(error, self._path) from error

        return await asyncio.to_thread(run)

    def file_fault(self, path: Path) -> str:
        """The fault of a file that the backup lacks; empty for files outside its folder."""
        is_inside = path.parent == self._kept
        return "is not in the backup" if is_inside and path.name not in self._names else ""


@contextmanager
def check_backup(path: Path) -> Iterator[CheckedBackup]:
    """Open a backup to verify it. Raises BackupFault for another file, StoreError."""
    try:
        with open_backup(path, len(MIGRATIONS)) as backup, connect_backup(path) as connection:
            check_schema(connection)
            yield CheckedBackup(path, backup, connection)
    except sqlite3.Error as error:
        raise translate_error(error, path) from error
    except OSError as error:
        raise BackupFault(f"{path} can't be read ({error.strerror or error}).") from error

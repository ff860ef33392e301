"""Restores a backup into a data folder.

All files are copied into the data folder and checked first, then renamed. The present
archive is moved aside, never deleted.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from replyscope.domain.errors import BackupFault, StoreFull
from replyscope.store.backup.container import BackupFile, Pause, no_pause, open_backup
from replyscope.store.backup.making import ArchivePlaces
from replyscope.store.backup.reading import check_schema, connect_backup, find_faults
from replyscope.store.backup.relocating import relocate
from replyscope.store.hub_triggers import drop_triggers
from replyscope.store.schema import MIGRATIONS
from replyscope.store.sqlite_errors import is_busy, translate_error

_ROOM = 16 * 2**20
_NEW = ".restoring-"
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a restore. `aside` is the folder of the replaced archive."""

    made_at: str
    sessions: int
    kept_files: int
    prompts: int
    aside: Path | None = None


def restore_backup(
    path: Path,
    places: ArchivePlaces,
    stamp: str,
    pause: Pause = no_pause,
    *,
    replaces: bool = False,
) -> Restored:
    """Restore a backup. Blocks. `stamp` names the folder of a replaced archive.

    Prompts are added; an existing prompt is not overwritten. Raises BackupFault, StoreError.
    """
    data = places.database.parent
    try:
        with open_backup(path, len(MIGRATIONS)) as backup:  # first: a wrong path is named
            if places.database.exists() and not replaces:
                raise BackupFault(
                    f"There are saved sessions in {data}.",
                    "Use --replace, which keeps them in a folder of their own, or another "
                    "--data-dir.",
                )
            for left in data.glob(f"{_NEW}*"):  # by a process that died
                shutil.rmtree(left, ignore_errors=True)
            _check_room(data, backup.manifest.total_bytes)
            new = Path(tempfile.mkdtemp(prefix=_NEW, dir=data))
            try:
                _extract(backup, new, pause)
                sessions = _prepare(new / "database", backup.manifest.kept_files, places)
                aside = _move_aside(places, data / f"replaced-{stamp}")
                counts = _put_in_place(new, places)
            finally:
                shutil.rmtree(new, ignore_errors=True)
            return Restored(backup.manifest.made_at, sessions, *counts, aside)
    except sqlite3.Error as error:
        raise translate_error(error, path) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise BackupFault(f"{path} can't be restored ({why}).", "Check both paths.") from error


def _check_room(data: Path, needed: int) -> None:
    free = shutil.disk_usage(data).free
    if free < needed + _ROOM:
        raise StoreFull(
            f"The backup needs {needed:,} bytes; {data} has {free:,} free.", "Free some space."
        )


def _extract(backup: BackupFile, new: Path, pause: Pause) -> None:
    """Copy all files into a new folder, and compare them with the manifest."""
    for entry in (backup.manifest.database, *backup.manifest.entries):
        place = new / (entry.name or "database")
        place.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            is_sound = backup.extract(entry, target, pause)
            target.flush()
            os.fsync(target.fileno())
        if not is_sound:
            name = entry.name or "the database"
            raise BackupFault(f"This backup is damaged: {name} is not what was saved.")


def _prepare(database: Path, kept_before: str, places: ArchivePlaces) -> int:
    """Check the database, and change its paths. Returns the number of sessions."""
    with connect_backup(database) as connection:
        check_schema(connection)
        faults = find_faults(connection, most=1)
        if faults:
            raise BackupFault(f"The database in this backup is damaged ({faults[0]}).")
        count = connection.execute("SELECT count(*) FROM session WHERE deleted_at IS NULL")
        sessions = int(count.fetchone()[0])
    kept_now = str(places.kept_files)
    with closing(sqlite3.connect(database)) as writable, writable:
        writable.execute("PRAGMA secure_delete = ON")  # see `overwriting`
        drop_triggers(writable)  # of a hub; the next start creates those of this version
        if kept_before != kept_now:
            relocate(writable, kept_before, kept_now)
    return sessions


def _move_aside(places: ArchivePlaces, aside: Path) -> Path | None:
    """Move the present archive into a folder. Returns it; None if there is nothing to move."""
    there = [places.database.with_name(places.database.name + end) for end in ("", *_BESIDE)]
    if places.database.exists():
        _require_unused(places.database)
    moved = [one for one in (*there, places.kept_files) if one.exists()]
    if not moved:
        return None
    aside.mkdir(mode=0o700)
    for one in moved:
        one.rename(aside / one.name)
    return aside


def _require_unused(database: Path) -> None:
    """Raise BackupFault when a program has the database open. A damaged one is not checked.

    SQLite leaves WAL mode only for the last connection.
    """
    try:
        with closing(sqlite3.connect(database, timeout=1.0, isolation_level=None)) as connection:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        mode = "wal"
    except sqlite3.DatabaseError:
        return
    if mode != "delete":
        raise BackupFault(f"Another program uses {database}.", "Close it, then restore.")


def _put_in_place(new: Path, places: ArchivePlaces) -> tuple[int, int]:
    """Rename the new files, the database last. Returns the numbers of kept files and prompts."""
    kept = _move_all(new / "files", places.kept_files, lambda target: True)
    prompts = _move_all(new / "prompts", places.prompts, lambda target: not target.exists())
    (new / "database").rename(places.database)
    return kept, prompts


def _move_all(source: Path, folder: Path, moves: Callable[[Path], bool]) -> int:
    if not source.exists():
        return 0
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    count = 0
    for one in sorted(source.iterdir()):
        if moves(folder / one.name):
            shutil.move(one, folder / one.name)
            count += 1
    return count

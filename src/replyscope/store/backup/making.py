"""Makes a backup of an archive that is in use.

The database is copied page by page from a snapshot: in WAL mode a reader blocks no writer.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from replyscope.domain.errors import BackupFault, StoreError, StoreFull
from replyscope.domain.regular_file import sync_folder
from replyscope.domain.system_words import system_words
from replyscope.store.backup.container import PAUSE_AFTER, Pause, append_files, copy, no_pause
from replyscope.store.backup.manifest import Manifest, ManifestEntry
from replyscope.store.reading import connect_reader
from replyscope.store.sqlite_errors import translate_error

_PAGES = PAUSE_AFTER // 4096


@dataclass(frozen=True, slots=True)
class ArchivePlaces:
    """The paths of the parts of an archive."""

    database: Path
    kept_files: Path
    prompts: Path


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """A backup that was written, with its size in bytes."""

    path: Path
    size: int
    manifest: Manifest


def make_backup(
    places: ArchivePlaces,
    target: Path,
    made_at: str,
    program: str,
    pause: Pause = no_pause,
    *,
    replaces: bool = False,
) -> MadeBackup:
    """Write a backup under a temporary name, check that it is on disk, and rename it. Blocks.

    Raises BackupFault if the target exists and is not to be replaced, StoreError.
    """
    if target.exists() and not (replaces and target.is_file()):
        raise BackupFault(f"{target} exists.", "Choose another name, or use --replace.")
    if target.parent == places.kept_files or _belongs_to(places.database, target):
        raise BackupFault(f"{target} is a file of the archive itself.", "Choose another name.")
    if not places.database.exists():
        raise BackupFault(f"There are no saved sessions in {places.database.parent}.")
    part = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            manifest = _write(places, part, made_at, program, pause)
            _rename(part, target, replaces=replaces)
        finally:
            part.unlink(missing_ok=True)
    except sqlite3.Error as error:
        raise translate_error(error, places.database) from error
    except EOFError as error:
        raise BackupFault("A file of the archive was changed meanwhile.", "Try again.") from error
    except OSError as error:
        raise _unwritten(error, target) from error
    return MadeBackup(target, target.stat().st_size, manifest)


def _belongs_to(database: Path, target: Path) -> bool:
    """Whether a backup would overwrite the database, or one of its files such as the WAL."""
    is_beside = target.parent.resolve() == database.parent.resolve()
    return target.resolve() == database.resolve() or (
        is_beside and target.name.startswith(f"{database.name}-")
    )


def _write(places: ArchivePlaces, part: Path, made_at: str, program: str, pause: Pause) -> Manifest:
    schema = copy_snapshot(places.database, part, pause)
    with part.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        database = ManifestEntry("", size, copy(file, None, size, pause))

        def describe(entries: tuple[ManifestEntry, ...]) -> Manifest:
            kept = str(places.kept_files)
            return Manifest(made_at, program, schema, kept, database, entries)

        manifest = append_files(file, _files(places), describe, pause)
        file.flush()
        os.fsync(file.fileno())
    return manifest


def copy_snapshot(source_path: Path, target_path: Path, pause: Pause) -> int:
    """Copy a database that others write to. Returns its schema version. Raises sqlite3.Error.

    The transaction keeps the snapshot from step to step; without it each commit of another
    connection would start the copy again.
    """

    def step(status: int, remaining: int, total: int) -> None:
        pause()

    with (
        closing(connect_reader(source_path)) as source,
        closing(sqlite3.connect(target_path, isolation_level=None)) as target,
    ):
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        source.execute("BEGIN")
        schema = int(source.execute("PRAGMA user_version").fetchone()[0])
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target, pages=_PAGES, progress=step, sleep=0)
        source.execute("ROLLBACK")
        target.execute("PRAGMA journal_mode = DELETE")  # a copy in WAL mode can't be read alone
    return schema


def _files(places: ArchivePlaces) -> Iterator[tuple[str, Path]]:
    """The kept files and the prompts, by their names in the backup."""
    for folder, path, belongs in (
        ("files", places.kept_files, _is_complete),
        ("prompts", places.prompts, _is_prompt),
    ):
        yield from ((f"{folder}/{name}", path / name) for name in _names(path, belongs))


def _names(folder: Path, belongs: Callable[[str], bool]) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if belongs(e.name) and e.is_file())
    except FileNotFoundError:
        return []


def _is_complete(name: str) -> bool:
    """Whether a kept file was written to its end: an incomplete one has a process id as suffix."""
    return not name.startswith(".") and not name.rpartition(".")[2].isdecimal()


def _is_prompt(name: str) -> bool:
    return name.endswith(".md") and not name.startswith(".")


def _rename(part: Path, target: Path, *, replaces: bool) -> None:
    """Give a complete backup its name. Another program may have made a file of this name."""
    if replaces:
        part.replace(target)
    else:
        try:
            os.link(part, target)
        except FileExistsError:
            raise BackupFault(f"{target} exists.", "Choose another name.") from None
        except OSError:  # a file system without hard links
            part.replace(target)
    sync_folder(target.parent)


def _unwritten(error: OSError, target: Path) -> StoreError:
    """The fault of a target that can't be written."""
    known = translate_error(error, target)
    if isinstance(known, StoreFull):
        return StoreFull(f"There is no room for the backup {target}.", "Free some space.")
    return BackupFault(
        f"The backup {target} can't be written ({system_words(error)}).", "Check the folder."
    )

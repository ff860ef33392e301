"""`replyscope backup`: writes the archive to one file. Also makes the daily backup."""

import argparse
import asyncio
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from replyscope import __version__
from replyscope.cli.opening import open_to_read
from replyscope.cli.parser import EXIT_OK
from replyscope.cli.report import show_progress
from replyscope.cli.wiring import Wiring
from replyscope.config.paths import Paths, make_private
from replyscope.config.settings import read_settings
from replyscope.domain.errors import BackupFault, SettingsError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.settings import BackupSettings
from replyscope.domain.typed_path import typed_path
from replyscope.inspection.figures import size
from replyscope.inspection.json_view import iso
from replyscope.store.backup.container import Pause, no_pause
from replyscope.store.backup.making import ArchivePlaces, MadeBackup, make_backup

_OWN_NAME = re.compile(r"replyscope-\d{4}-\d{2}-\d{2}\.db")
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 1.0


def places_of(paths: Paths) -> ArchivePlaces:
    """The paths of the parts of an archive that a backup contains."""
    return ArchivePlaces(paths.database, paths.kept_files, paths.prompts)


async def run_backup(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Write a backup. Returns the exit status. Raises StoreError."""
    now = wiring.clock.now()
    day = now.astimezone().strftime("%Y-%m-%d")
    target = typed_path(arguments.file or f"replyscope-{day}.db").absolute()
    if target.is_dir():
        target = target / f"replyscope-{day}.db"
    await open_to_read(wiring)  # the backup has the newest format
    show_progress("writing the backup")
    try:
        made = await _made(wiring, target, no_pause, replaces=arguments.replace)
    finally:
        show_progress()
    _report(made, as_json=arguments.json)
    return EXIT_OK


async def _made(wiring: Wiring, target: Path, pause: Pause, *, replaces: bool) -> MadeBackup:
    """Make a backup in a thread. The thread stops soon after a cancellation."""
    stop = threading.Event()

    def paused() -> None:
        if stop.is_set():
            raise BackupFault("The backup was cancelled.")
        pause()

    at = iso(wiring.clock.now())
    try:
        return await asyncio.to_thread(
            make_backup,
            places_of(wiring.paths),
            target,
            at,
            __version__,
            paused,
            replaces=replaces,
        )
    finally:
        stop.set()


def _report(made: MadeBackup, *, as_json: bool) -> None:
    files = len(made.manifest.entries)
    if as_json:
        print(json.dumps({"file": str(made.path), "bytes": made.size, "files": files}))
        return
    print(printable_line(f"{made.path}: {size(made.size)}, {plural(files, 'file')}"))


async def back_up_daily(wiring: Wiring, settings: BackupSettings) -> Path | None:
    """Make the backup of this day, unless there is one, and delete the oldest ones.

    Returns its path; None if nothing was to be done. Raises StoreError.
    """
    folder = _folder_of(wiring.paths, settings)
    day = wiring.clock.now().astimezone().strftime("%Y-%m-%d")
    target = folder / f"replyscope-{day}.db"
    if not settings.keep or target.exists() or not wiring.paths.database.exists():
        return None
    try:
        make_private(folder)
        with _only_one(folder) as is_ours:
            if not is_ours or target.exists():
                return None
            for left in folder.glob(".replyscope-*.part"):  # by a process that died
                left.unlink(missing_ok=True)
            await _made(wiring, target, Pacer(), replaces=False)
            for old in sorted(own_backups(folder))[: -settings.keep]:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise BackupFault(f"The folder {folder} can't be used ({error}).") from error
    return target


@contextmanager
def _only_one(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder of daily backups. Yields whether no other process has it."""
    from filelock import FileLock, Timeout  # once a day

    lock = FileLock(folder / ".lock", mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _folder_of(paths: Paths, settings: BackupSettings) -> Path:
    return typed_path(settings.folder) if settings.folder else paths.backups


def drop_own_backups(paths: Paths) -> None:
    """Delete the daily backups. One that can't be deleted stays."""
    try:
        settings = read_settings(paths.settings).backup
    except SettingsError:
        settings = BackupSettings()
    for path in own_backups(_folder_of(paths, settings)):
        with suppress(OSError):
            path.unlink()


def own_backups(folder: Path) -> list[Path]:
    """The daily backups in a folder."""
    return [path for path in folder.glob("replyscope-*.db") if _OWN_NAME.fullmatch(path.name)]


class Pacer:
    """Waits as long as the work since the last wait took, so that the disk and the processor are
    free half of the time. The thread gets a low priority where the system has one for threads.
    """

    def __init__(self) -> None:
        self._since: float | None = None

    def __call__(self) -> None:
        if self._since is None:
            lower_priority()
        else:
            worked_s = time.monotonic() - self._since
            time.sleep(min(max(worked_s, _LEAST_PAUSE_S), _LONGEST_PAUSE_S))
        self._since = time.monotonic()


def lower_priority() -> None:
    """Give this thread a low priority; only Linux has priorities of threads."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)

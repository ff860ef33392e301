"""Any changes on any number of machines, and any order of syncs: all are equal in the end.

Real archives on a real hub. A restart of a machine, a lost answer of the hub, a copy of an
archive and a restored backup may come between any two steps.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from replyscope.domain.errors import HubError, HubUnreachable
from replyscope.domain.hub import Hub, HubEntry, LogHead
from replyscope.hub.folder.hub import FolderHub
from tests.hub.machines import Machine, at

PICK = st.integers(0, 10**6)
PRIVATE = "a word of a private session"


class LossyHub(FolderHub):
    """A hub whose answer to the next push is lost, before or after it was written."""

    lost: str = ""

    def push(
        self, machine: str, name: str, entries: Sequence[HubEntry], before: LogHead
    ) -> LogHead:
        lost, LossyHub.lost = LossyHub.lost, ""
        if lost == "before":
            raise HubUnreachable("The connection was lost.")
        head = super().push(machine, name, entries, before)
        if lost == "after":
            raise HubUnreachable("The connection was lost.")
        return head


class LossyMachine(Machine):
    """A machine on such a hub."""

    def open_hub(self, _url: str) -> Hub:
        return LossyHub(self.hub_folder)


class Machines(RuleBasedStateMachine):
    """Up to four machines."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="replyscope-hub-"))
        self.machines: list[Machine] = []
        self.numbers = count(1)
        self.written: set[str] = set()
        self.purged: set[str] = set()
        self.purged_early: set[str] = set()
        """Sessions that were purged before they had left: only the machine itself knew of that,
        and one of its backups may bring them back.
        """

    def run(self, job: Any) -> Any:
        return self.loop.run(job)

    @initialize()
    def begin(self) -> None:
        LossyHub.lost = ""
        self.add_machine(0)
        self.add_machine(1)

    @rule(hours=st.integers(-2, 2))
    def add_machine(self, hours: int) -> None:
        if len(self.machines) >= 4:
            return
        name = f"m{next(self.numbers)}"
        one = LossyMachine(self.folder / name, name, self.folder / "hub", clock=at(hours))
        self.run(one.store.open())
        self.run(one.join())
        self.machines.append(one)

    def machine(self, pick: int) -> Machine:
        return self.machines[pick % len(self.machines)]

    def session(self, pick: int) -> tuple[Machine, str] | None:
        one = self.machine(pick)
        ids = self.run(one.session_ids())
        return (one, ids[(pick // 7) % len(ids)]) if ids else None

    @rule(pick=PICK)
    def chat(self, pick: int) -> None:
        one = self.machine(pick)
        session_id = self.run(one.start_session(f"title {pick}"))
        self.note(self.run(one.ask(session_id, f"text {pick}")), session_id)

    def note(self, message_id: str, session_id: str) -> None:
        self.written.add(f"{session_id} {message_id}")

    @rule(pick=PICK, goes_back=st.booleans())
    def go_on(self, pick: int, goes_back: bool) -> None:
        found = self.session(pick)
        if found is None:
            return
        one, session_id = found
        stored = self.run(one.store.load_session(session_id))
        parent = stored.messages[pick % len(stored.messages)].id if stored.messages else None
        answer = one.ask(session_id, f"more {pick}", parent=parent if goes_back else None)
        self.note(self.run(answer), session_id)

    @rule(pick=PICK, what=st.sampled_from(("title", "tag", "untag", "pin", "delete", "restore",
                                          "archive", "seed", "mark")))  # fmt: skip
    def change(self, pick: int, what: str) -> None:
        found = self.session(pick)
        if found is None:
            return
        one, session_id = found
        self.run(_change(one, session_id, what, pick))

    @rule(pick=PICK)
    def purge(self, pick: int) -> None:
        found = self.session(pick)
        if found is not None and pick % 3 == 0:
            one, session_id = found
            has_left = session_id in self.run(one.log.left())
            self.run(one.purge(session_id))
            (self.purged if has_left else self.purged_early).add(session_id)

    @rule(pick=PICK, lost=st.sampled_from(("", "", "", "before", "after")))
    def sync(self, pick: int, lost: str) -> None:
        LossyHub.lost = lost
        try:
            self.run(self.machine(pick).sync())
        except HubError:
            assert lost
        LossyHub.lost = ""

    @rule(pick=PICK)
    def restart(self, pick: int) -> None:
        """Close an archive and open it again."""
        self.reopen(pick % len(self.machines))

    def reopen(self, place: int) -> Machine:
        old = self.machines[place]
        self.run(old.close())
        new = LossyMachine(old.path.parent, old.name, self.folder / "hub", clock=old.clock)
        new.ids = old.ids
        self.run(new.store.open())
        self.machines[place] = new
        return new

    @rule(pick=PICK)
    def copy(self, pick: int) -> None:
        """Copy the folder of a machine, as a new machine: both take themselves for the same."""
        if len(self.machines) >= 4:
            return
        old = self.reopen(pick % len(self.machines))
        self.run(old.close())
        name = f"m{next(self.numbers)}"
        shutil.copytree(old.path.parent, self.folder / name)
        self.reopen(pick % len(self.machines))
        one = LossyMachine(self.folder / name, name, self.folder / "hub", clock=at(0.5))
        self.run(one.store.open())
        self.machines.append(one)

    @rule(pick=PICK)
    def back_up(self, pick: int) -> None:
        one = self.machine(pick)
        self.run(one.close())
        shutil.copy(one.path, one.path.with_suffix(".backup"))
        self.reopen(self.machines.index(one))

    @rule(pick=PICK)
    def restore(self, pick: int) -> None:
        """Put an old backup in place, after everything of the machine has left."""
        one = self.machine(pick)
        backup = one.path.with_suffix(".backup")
        if not backup.exists():
            return
        self.run(one.sync())
        self.run(one.close())
        shutil.copyfile(backup, one.path)  # the inode stays
        self.reopen(self.machines.index(one))

    @invariant()
    def heads_are_in_their_trees(self) -> None:
        for one in self.machines:
            assert one.rows(
                "SELECT count(*) FROM session s WHERE head_id IS NOT NULL AND NOT EXISTS "
                "(SELECT 1 FROM message WHERE id = s.head_id AND session_id = s.id)"
            ) == [(0,)]

    def teardown(self) -> None:
        try:
            for _ in range(3):
                for one in self.machines:
                    report = self.run(one.sync())
                    assert report.faults == ()
            pictures = [one.picture() for one in self.machines]
            for picture in pictures[1:]:
                assert picture == pictures[0]
            self.check(pictures[0])
        finally:
            for one in self.machines:
                self.run(one.close())
            self.loop.close()
            shutil.rmtree(self.folder)

    def check(self, picture: dict[str, Any]) -> None:
        """None lost, none doubled."""
        kept = {f"{row[1]} {row[0]}" for row in picture["messages"] if row[3] == "assistant"}
        purged = self.purged | self.purged_early
        assert kept >= {one for one in self.written if one.split()[0] not in purged}
        assert kept <= {one for one in self.written if one.split()[0] not in self.purged}
        keys = [key for key, *_ in picture["exchanges"]]
        assert len(keys) == len(set(keys)) == len(kept)
        for one in self.machines:
            assert one.rows("SELECT count(*) FROM hub_waiting") == [(0,)]


async def _change(one: Machine, session_id: str, what: str, pick: int) -> None:
    ids = (session_id,)
    match what:
        case "title":
            await one.rename(session_id, f"renamed {pick}")
        case "tag":
            await one.library.tag(ids, (f"t{pick % 3}",))
        case "untag":
            await one.library.tag(ids, remove=(f"t{pick % 3}",))
        case "pin":
            await one.library.pin(ids, pick if pick % 2 else None)
        case "archive":
            await one.library.archive(ids, pick if pick % 2 else None)
        case "delete":
            await one.library.set_deleted(ids, pick)
        case "restore":
            await one.library.set_deleted(ids, None)
        case "seed":
            await one.set_settings(session_id, system=f"system {pick}")
        case _:
            stored = await one.store.load_session(session_id)
            marked = tuple(message.id for message in stored.messages[:1])
            await one.set_settings(session_id, pinned=marked if pick % 2 else ())


Machines.TestCase.settings = settings(max_examples=12, stateful_step_count=25)
TestMachines = pytest.mark.timeout(600)(Machines.TestCase)

"""What leaves a machine: nothing that was not chosen, and no secret."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from replyscope.domain.errors import HubLocked, SettingsError
from replyscope.domain.hub import Hub, HubEntry, LogHead
from replyscope.domain.message import Message, Role, TextPart
from replyscope.domain.session import Session
from replyscope.hub.folder.bundle import decode_bundle
from replyscope.hub.folder.hub import FolderHub
from replyscope.hub.sealing import AgeSealer, new_key
from replyscope.store.memory_store import MemoryStore
from tests.hub.conftest import Make, settle
from tests.hub.machines import Machine, at, request_of

KEY = "sk-planted4key4of4a4person"


def said_on(hub: Path) -> bytes:
    """Everything that is in a hub's folder, uncompressed."""
    found = b""
    for file in hub.rglob("*.bundle"):
        bundle = decode_bundle(file.read_bytes())
        found += b"".join(one.body for block in bundle.blocks for one in bundle.entries(block))
    return found


async def test_private_sessions_never_leave(make: Make, tmp_path: Path) -> None:
    a = await make("a")
    private = MemoryStore("w")
    await private.open()
    session = Session("private", "Nobody's business", a.clock.now(), a.clock.now())
    await private.create_session(session)
    await private.add_message(
        "private", Message("pm", Role.USER, (TextPart("secret plan"),), a.clock.now())
    )
    await a.ask(await a.start_session(), "open plan")
    await a.sync()
    await private.close()
    assert b"open plan" in said_on(tmp_path / "hub")
    assert b"secret plan" not in said_on(tmp_path / "hub")


async def test_drafts_and_the_history_of_prompts_stay(make: Make, tmp_path: Path) -> None:
    a = await make("a")
    session_id = await a.start_session()
    await a.ask(session_id)
    stored = (await a.store.load_session(session_id)).session
    await a.store.update_session(replace(stored, draft="half a thought"), stored)
    await a.store.add_history("an old prompt")
    await a.sync()
    found = said_on(tmp_path / "hub")
    assert b"half a thought" not in found
    assert b"an old prompt" not in found


async def test_keys_are_redacted_on_the_way_out(make: Make, tmp_path: Path) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session(f"Title {KEY}", f"System {KEY}")
    await a.ask(session_id, f"my key\n{KEY}", reply=f"you wrote {KEY}, home is /home/me")
    await settle(a, b)
    found = said_on(tmp_path / "hub")
    assert KEY.encode() not in found
    assert b"/home/me" in found  # for the person's own machines only keys are redacted
    assert KEY in str(a.picture())  # what is here stays as it is
    assert KEY not in str(b.picture())


async def test_only_sessions_that_match_the_query_leave(make: Make, tmp_path: Path) -> None:
    a = await make("a", share="tag:team")
    shared, own = await a.start_session("For the team"), await a.start_session("My own")
    await a.ask(shared, "public words, me@example.org in /home/me")
    await a.ask(own, "own words")
    await a.library.tag((shared,), ("team",))
    waiting = await a.log.waiting(await a.sync_of.leaving.sessions())
    assert (waiting.sessions, waiting.titles[0][0]) == (1, shared)
    await a.sync()
    found = said_on(tmp_path / "hub")
    assert b"public words" in found
    assert b"own words" not in found
    assert b"My own" not in found
    assert b"me@example.org" not in found
    assert b"/home/me" not in found
    await a.library.tag((own,), ("team",))
    await a.sync()
    assert b"own words" in said_on(tmp_path / "hub")


@pytest.mark.parametrize("most", [1, 3, 100])
@pytest.mark.parametrize("share", ["tag:team", "berry or tag:team", "-berry", None])
async def test_a_batch_shares_what_the_whole_archive_shares(
    make: Make, monkeypatch: pytest.MonkeyPatch, share: str | None, most: int
) -> None:
    monkeypatch.setattr("replyscope.engine.hub.leaving._MOST_REPLIES", most)
    a = await make("a", share=share)
    ids = [await a.start_session() for _ in range(5)]
    for number, session_id in enumerate((*ids, *ids[:3])):
        await a.ask(session_id, "berry" if number % 3 == 0 else "plum")
    await a.library.tag((ids[1], ids[2]), ("team",))
    await a.log.unshare({ids[2]})
    whole = set(await a.sync_of.leaving.shared())
    for some in (ids, ids[1:3], ids[4:], ["nobody's"]):
        assert set(await a.sync_of.leaving.shared_among(some)) == whole & set(some)


async def test_a_session_goes_on_leaving_when_it_matches_no_more(make: Make) -> None:
    a = await make("a", share="tag:team")
    b = await make("b")
    session_id = await a.start_session()
    await a.ask(session_id)
    await a.library.tag((session_id,), ("team",))
    await settle(a, b)
    await a.library.tag((session_id,), remove=("team",))
    await a.library.set_deleted((session_id,), 5)
    await settle(a, b)
    assert b.rows("SELECT deleted_at FROM session") == [(5,)]


async def test_unsharing_removes_from_the_hub_and_stays_on_machines(
    make: Make, tmp_path: Path
) -> None:
    a, b = await make("a"), await make("b", clock=at(1))
    session_id, other = await a.start_session("Out again"), await a.start_session("Stays")
    await a.ask(session_id, "elderberry")
    await a.ask(other, "raspberry")
    await settle(a, b)
    await b.ask(session_id, "elderberry tart")
    await settle(b, a)
    assert await a.log.unshare({session_id}) == 1
    await settle(a, b)
    found = said_on(tmp_path / "hub")
    assert b"elderberry" not in found
    assert b"Out again" not in found
    assert b"raspberry" in found
    assert len(await a.session_ids()) == len(await b.session_ids()) == 2
    await a.ask(session_id, "elderberry jam")
    await settle(a, b)
    assert b"elderberry" not in said_on(tmp_path / "hub")
    c = await make("c")
    await settle(c)
    assert await c.session_ids() == [other]


async def test_only_what_will_leave_is_counted_as_waiting(make: Make) -> None:
    a = await make("a")
    session_id = await a.start_session("kept")
    await a.ask(session_id)
    await a.start_session("empty")
    report = await a.sync()
    assert (report.pushed, report.waiting) == (4, 0)
    assert (await a.log.waiting(None)).sessions == 0
    await a.log.unshare([session_id])
    await a.sync()
    await a.ask(session_id, "and then?")
    report = await a.sync()
    assert (report.waiting, report.unsent) == (0, ())
    waiting = await a.log.waiting(None)
    assert (waiting.messages, waiting.exchanges) == (0, 0)


async def test_a_damaged_message_is_named_and_the_rest_leaves(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id)
    await a.store.database.write(lambda c: c.execute("UPDATE exchange SET folded = x'00'"))
    await a.ask(session_id, "next")
    report = await a.sync()
    assert report.waiting == 0
    assert report.unsent == (
        f"A reply of the session {session_id} can't be sent: it is damaged: see "
        "`replyscope verify`.",
    )
    assert "after the end of a reply" not in report.sentence
    assert (await b.sync()).applied.exchanges == 1


async def test_a_query_that_is_not_valid_is_named(make: Make) -> None:
    a = await make("a", share="nonsense:x")
    await a.ask(await a.start_session())
    with pytest.raises(SettingsError, match="nonsense"):
        await a.sync()


async def test_an_encrypted_hub_shows_no_text(make: Make, tmp_path: Path) -> None:
    key = new_key()
    a, b = await make("a", sealer=AgeSealer(key)), await make("b", sealer=AgeSealer(key))
    await a.ask(await a.start_session("Sealed title"), "elderberry")
    await settle(a, b)
    assert a.picture() == b.picture()
    found = said_on(tmp_path / "hub")
    assert b"elderberry" not in found
    assert b"Sealed" not in found
    c = await make("c", sealer=AgeSealer(new_key()))
    with pytest.raises(HubLocked, match="another key"):
        await c.sync()
    with pytest.raises(HubLocked):
        AgeSealer("AGE-SECRET-KEY-nonsense")


async def test_a_request_keeps_its_pieces(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    for number in range(4):
        await a.ask(session_id, f"question {number}")
    await settle(a, b)
    bodies = [request.body for request in b.picture()["requests"]]
    assert request_of(["question 0"]).body in bodies
    assert b.picture()["requests"] == a.picture()["requests"]


class TeamFolder(FolderHub):
    """A hub with owners, as a database is."""

    entries: ClassVar[set[tuple[str, str]]] = set()
    """The machine and the session of the entries that the team may read."""

    def push(
        self, machine: str, name: str, entries: Sequence[HubEntry], before: LogHead
    ) -> LogHead:
        self.entries.update((machine, one.session_id) for one in entries if one.is_shared)
        return super().push(machine, name, entries, before)

    def shared(self, machine: str | None) -> frozenset[str]:
        return frozenset(s for by, s in self.entries if machine in (by, None))

    def hide(self, session_ids: Sequence[str]) -> int:
        hidden = {one for one in self.entries if one[1] in session_ids}
        self.entries.difference_update(hidden)
        return len(hidden)


def seen_by_team() -> set[str]:
    return {session_id for _, session_id in TeamFolder.entries}


class TeamMachine(Machine):
    """A machine on such a hub: everything leaves, and the team reads what matches."""

    def open_hub(self, _url: str) -> Hub:
        return TeamFolder(self.hub_folder)


@asynccontextmanager
async def team_machine(
    folder: Path, name: str, share: str | None = "tag:team", *, joins: bool = True
) -> AsyncIterator[TeamMachine]:
    """A machine that has joined, or the next process of one that has."""
    machine = TeamMachine(folder / name, name, folder / "hub", share=share)
    machine.salt = "" if joins else "again"
    machine.sync_of.leaving.has_owners = True
    await machine.store.open()
    if joins:
        await machine.join()
    yield machine
    await machine.close()


@pytest.fixture(autouse=True)
def nothing_shared() -> None:
    TeamFolder.entries.clear()


async def test_a_session_that_is_shared_later_leaves_again_redacted(tmp_path: Path) -> None:
    async with team_machine(tmp_path, "a") as a:
        session_id = await a.start_session()
        await a.ask(session_id, "write to me@example.org")
        await a.sync()
        assert b"me@example.org" in said_on(tmp_path / "hub")  # for the person's own machines
        assert seen_by_team() == set()
        await a.library.tag((session_id,), ("team",))
        await a.sync()
        newest = {
            (one.kind, one.id): one.body
            for one in FolderHub(a.hub_folder).pull(await own(a), 0, 10**9)
        }
        assert not any(b"me@example.org" in body for body in newest.values())
        assert seen_by_team() == {session_id}
        a.sync_of.leaving.share = None
        await a.sync()
        assert seen_by_team() == set()


@pytest.mark.parametrize("share", ["tag:team", None])
async def test_another_machine_hides_nothing_that_it_does_not_know(
    tmp_path: Path, share: str | None
) -> None:
    async with team_machine(tmp_path, "a") as a, team_machine(tmp_path, "b", share) as b:
        await b.sync()
        session_id = await a.start_session()
        await a.ask(session_id)
        await a.library.tag((session_id,), ("team",))
        await a.sync()
        for machine in (b, a, b):
            await machine.sync()
            assert seen_by_team() == {session_id}


async def test_a_session_that_stops_to_match_on_another_machine_is_hidden(tmp_path: Path) -> None:
    async with team_machine(tmp_path, "a") as a, team_machine(tmp_path, "b") as b:
        await b.sync()
        session_id = await a.start_session()
        await a.ask(session_id)
        await a.library.tag((session_id,), ("team",))
        await a.sync()
        await b.sync()
        await b.library.tag((session_id,), remove=("team",))
        await b.sync()
        assert seen_by_team() == set()
        await a.sync()
        assert seen_by_team() == set()


async def test_what_was_hidden_by_mistake_is_shared_again_at_the_next_start(
    tmp_path: Path,
) -> None:
    async with team_machine(tmp_path, "a") as a:
        session_id = await a.start_session()
        await a.ask(session_id)
        await a.library.tag((session_id,), ("team",))
        await a.sync()
    TeamFolder.entries.clear()
    async with team_machine(tmp_path, "a", joins=False) as a:
        await a.sync()
        assert seen_by_team() == {session_id}


async def test_a_narrower_query_of_an_archive_that_comes_back_hides(tmp_path: Path) -> None:
    async with team_machine(tmp_path, "a", "finish:stop") as a:
        session_id = await a.start_session()
        await a.ask(session_id)
        await a.sync()
        assert seen_by_team() == {session_id}
        await a.log.leave()
    async with team_machine(tmp_path, "a") as a:
        await a.sync()
        assert seen_by_team() == set()


async def own(machine: Machine) -> str:
    membership = await machine.log.membership()
    assert membership is not None
    return membership.machine

"""Several machines on one hub: what each sees in the end, whatever happened in between."""

import sqlite3
from contextlib import closing
from pathlib import Path

from replyscope.domain.hub import START, next_head
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.session import Parameters
from replyscope.hub.folder.bundle import decode_bundle
from replyscope.hub.folder.hub import FolderHub
from tests.hub.conftest import Make, settle
from tests.hub.machines import Machine, at, ended
from tests.support.build import make_exchange

_TRIGGERS = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'hub_*' ORDER BY name"
)


async def test_a_chat_goes_on_at_another_machine(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session("Parser bug", "Be brief.")
    await a.ask(session_id, "why?")
    await a.sync()
    await b.sync()
    assert b.picture() == a.picture()
    last = await b.ask(session_id, "go on")
    await b.sync()
    await a.sync()
    assert a.picture() == b.picture()
    assert (await a.store.load_session(session_id)).session.head_id == last


async def test_what_exists_before_init_leaves_too(make: Make) -> None:
    a = await make("a", joins=False)
    session_id = await a.start_session()
    await a.ask(session_id)
    await a.library.tag((session_id,), ("work",))
    b = await make("b")
    await a.join()
    await settle(a, b)
    assert b.picture() == a.picture()
    assert b.picture()["tags"] == [(session_id, "work")]


async def test_nothing_is_noted_or_leaves_before_init(make: Make) -> None:
    a = await make("a", joins=False)
    session_id = await a.start_session()
    await a.ask(session_id)
    assert a.rows("SELECT count(*) FROM hub_pending") == [(0,)]
    assert a.rows(_TRIGGERS) == []


async def test_the_triggers_of_another_version_are_replaced(make: Make, tmp_path: Path) -> None:
    a = await make("a")
    ours = a.rows(_TRIGGERS)
    await a.close()
    with closing(sqlite3.connect(a.path)) as connection:
        connection.execute("DROP TRIGGER hub_session_head_id")
        connection.execute(
            "CREATE TRIGGER hub_session_head_id AFTER UPDATE OF head_id ON session "
            "BEGIN DELETE FROM hub_pending; END"
        )
        connection.execute("CREATE TRIGGER hub_old AFTER INSERT ON tag BEGIN SELECT 1; END")
    again = Machine(tmp_path / "a", "a", tmp_path / "hub")
    await again.store.open()
    assert again.rows(_TRIGGERS) == ours
    await again.log.leave()
    assert again.rows(_TRIGGERS) == []
    await again.close()


async def test_a_session_that_went_on_in_two_places_has_two_branches(make: Make) -> None:
    a, b = await make("a"), await make("b", clock=at(1))
    session_id = await a.start_session()
    first = await a.ask(session_id, "first")
    await settle(a, b)
    here, there = await a.ask(session_id, "here"), await b.ask(session_id, "there")
    await settle(a, b)
    assert a.picture() == b.picture()
    stored = await a.store.load_session(session_id)
    parents = {message.id: message.parent_id for message in stored.messages}
    assert {parents[parents[one] or ""] for one in (here, there)} == {first}
    assert stored.session.head_id == there


async def test_fields_merge_one_by_one_and_the_later_change_wins(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id)
    await settle(a, b)
    await a.rename(session_id, "From a")
    await a.set_settings(session_id, parameters=Parameters(max_tokens=3, temperature=0.5))
    await b.library.pin((session_id,), 5)
    await b.library.tag((session_id,), ("two",))
    await b.set_settings(session_id, parameters=Parameters(max_tokens=9))
    await settle(a, b)
    assert a.picture() == b.picture()
    found = (await a.store.load_session(session_id)).session
    assert found.title == "From a"
    assert found.settings.parameters == Parameters(max_tokens=9, temperature=0.5)
    assert a.rows("SELECT pinned_at FROM session") == [(5,)]
    assert (await b.library.labels((session_id,)))[0].tags == ("two",)


async def test_a_removed_tag_stays_removed(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id)
    await a.library.tag((session_id,), ("one", "two"))
    await settle(a, b)
    await b.library.tag((session_id,), remove=("one",))
    await a.ask(session_id)
    await settle(a, b)
    assert a.picture() == b.picture()
    assert a.picture()["tags"] == [(session_id, "two")]


async def test_deleting_and_restoring_reach_the_others(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id)
    await settle(a, b)
    await a.library.set_deleted((session_id,), 7)
    await settle(a, b)
    assert b.rows("SELECT deleted_at FROM session") == [(7,)]
    await b.library.set_deleted((session_id,), None)
    await settle(a, b)
    assert a.rows("SELECT deleted_at FROM session") == [(None,)]


async def test_a_purge_removes_everywhere_and_absorbs_what_comes_late(
    make: Make, tmp_path: Path
) -> None:
    a, b, c = await make("a"), await make("b"), await make("c")
    session_id = await a.start_session("Secret title")
    await a.ask(session_id, "a plain word: elderberry")
    await settle(a, b, c)
    await c.ask(session_id, "elderberry again")  # c was away, and wrote meanwhile
    await a.purge(session_id)
    await settle(a, b)
    await settle(c, a, b)
    for one in (a, b, c):
        assert one.picture()["sessions"] == one.picture()["messages"] == []
        assert one.rows("SELECT session_id FROM hub_purged") == [(session_id,)]
    for file in (tmp_path / "hub").rglob("*.bundle"):
        bundle = decode_bundle(file.read_bytes())
        for block in bundle.blocks:
            for entry in bundle.entries(block):
                assert b"elderberry" not in entry.body
                assert b"Secret title" not in entry.body


async def test_a_fork_keeps_the_replies_of_a_purged_session(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id, "shared")
    stored = await a.store.load_session(session_id)
    fork_id = await a.start_session("The fork")
    user, reply = stored.messages
    await a.store.add_message(
        fork_id, Message("fork-user", Role.USER, user.parts, a.clock.now(), None)
    )
    copy = Message(
        "fork-reply", Role.ASSISTANT, (), a.clock.now(), "fork-user",
        (ReplySource(reply.sources[0].exchange_id, 0),),
    )  # fmt: skip
    await a.store.add_message(fork_id, copy)
    await settle(a, b)
    assert a.picture() == b.picture()
    await b.purge(session_id)
    await settle(a, b)
    assert a.picture() == b.picture()
    stored = await a.store.load_session(fork_id)
    assert [one.id for one in stored.exchanges.values()] == [reply.sources[0].exchange_id]


async def test_a_running_reply_waits_for_its_end(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id)
    opening = make_exchange(id="running", started_at=a.clock.now())
    head = (await a.store.load_session(session_id)).session.head_id
    message = Message(
        "reply", Role.ASSISTANT, (), a.clock.now(), head, (ReplySource("running", 0),)
    )
    journal = await a.store.begin_exchange(session_id, (message,), opening)
    report = await a.sync()
    assert report.waiting >= 1
    await b.sync()
    assert "reply" not in {row[0] for row in b.picture()["messages"]}
    await journal.finish(ended(opening, "done"))
    await settle(a, b)
    assert a.picture() == b.picture()
    assert a.rows("SELECT count(*) FROM hub_pending") == [(0,)]


async def test_a_clock_far_ahead_does_not_silence_the_others(make: Make) -> None:
    a, b = await make("a"), await make("b", clock=at(24 * 3650))
    session_id = await a.start_session()
    await a.ask(session_id)
    await settle(a, b)
    await b.rename(session_id, "From the future")
    await settle(a, b)
    await a.rename(session_id, "From today")
    await settle(a, b)
    assert (await b.store.load_session(session_id)).session.title == "From today"
    assert a.rows("SELECT at_ms < 1900000000000 FROM hub") == [(1,)]


async def test_times_far_ahead_do_not_put_a_session_before_all_others(make: Make) -> None:
    a, b = await make("a"), await make("b", clock=at(24 * 365))
    known = await a.start_session()
    await a.ask(known)
    await settle(a, b)
    await b.ask(known, "from the future")
    new = await b.start_session()
    await b.ask(new)
    await settle(a, b)
    now = a.clock.now()
    for session_id in (known, new):
        session = (await a.store.load_session(session_id)).session
        assert session.updated_at <= now
        assert len((await a.store.load_session(session_id)).messages) >= 2
    await a.log.rewind((await b.log.membership()).machine)  # type: ignore[union-attr]
    before = a.picture()
    await a.sync()
    assert a.picture() == before


async def test_a_machine_that_was_away_for_a_year(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id)
    await settle(a, b)
    for number in range(20):
        a.clock.at = at(24 * 18 * number).at
        await a.ask(session_id, f"month {number}")
        await a.rename(session_id, f"Month {number}")
        await a.sync()
    b.clock.at = a.clock.at
    await b.ask(session_id, "hello again")
    await settle(b, a)
    assert a.picture() == b.picture()
    assert (await b.store.load_session(session_id)).session.title == "Month 19"


async def test_a_purge_follows_a_push_whose_answer_was_lost(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id)
    membership = await a.log.membership()
    assert membership is not None
    batch = await a.log.next_batch(None, 0, 1)
    await a.log.intend(next_head(START, batch.entries), batch.seqs)
    FolderHub(a.hub_folder).push(membership.machine, "a", batch.entries, START)
    await a.purge(session_id)  # the answer has not come
    await settle(a, b)
    assert b.picture() == a.picture()
    assert await b.session_ids() == []


async def test_a_session_that_is_purged_while_it_is_read_does_not_leave(make: Make) -> None:
    a = await make("a")
    session_id = await a.start_session()
    await a.ask(session_id)
    batch = await a.log.next_batch(None, 0, 1)
    await a.purge(session_id)
    assert not await a.log.intend(next_head(START, batch.entries), batch.seqs)
    assert await a.log.left() == set()
    assert (await a.sync()).pushed == 0


async def test_two_machines_may_have_one_name(make: Make, tmp_path: Path) -> None:
    a, b = await make("a"), await make("b")
    for one in (a, b):
        await one.log.leave()
        await one.log.join("folder:", one.new_id(), "laptop")
        await one.ask(await one.start_session(), "hello")
    await settle(a, b)
    assert a.picture() == b.picture()
    assert [*FolderHub(tmp_path / "hub").status().machines.values()] == ["laptop", "laptop"]


async def test_leaving_stops_and_joining_again_goes_on(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id)
    await settle(a, b)
    await b.log.leave()
    await b.ask(session_id, "while away")
    assert b.rows(_TRIGGERS) == []
    await b.join()
    report = await b.sync()
    assert report.pushed <= 4  # what the hub has is not sent again
    await settle(a, b)
    assert a.picture() == b.picture()


async def test_the_history_of_requests_leaves_once(make: Make) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    long = "a long question " * 2_000
    for number in range(6):
        await a.ask(session_id, f"{number} {long}")
    first = await a.sync()
    await a.ask(session_id, "short")
    report = await a.sync()
    assert report.pushed_bytes < 8_000 < first.pushed_bytes
    await b.sync()
    assert a.picture() == b.picture()

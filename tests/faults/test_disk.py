"""A disk without room, at each kind of write: a sentence, nothing broken, and on it goes."""

import json
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from replyscope.cli.system import SystemClock, new_id
from replyscope.cli.wiring import describe
from replyscope.config.settings import change_settings
from replyscope.domain.errors import SettingsError, StoreFull
from replyscope.domain.event import Event, RequestSent, TextDelta, WireFrame
from replyscope.domain.exchange import Choice, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.session import Session, SessionSettings
from replyscope.domain.stores import Journal
from replyscope.engine.archive import Archive
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.provider.opening import translate_frames
from replyscope.store.library import SqliteLibrary
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore
from tests.cli.run import run_program
from tests.faults.aftermath import check_file, look_after
from tests.faults.small_disk import SmallDisk, small_disk
from tests.faults.stock import make_session, write_export, write_old_file
from tests.support.build import NOON, make_exchange, open_chat, user_message
from tests.support.server import LoopbackServer, reply
from tests.support.suite import Suite

BIG = random.Random(3).randbytes(200_000).hex()
"""More than may be left over in a page, and nothing that packs."""
RECORDED = (
    'data: {"model":"scripted","choices":[{"index":0,"delta":{"content":"Hello."},'
    '"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as mounted:
        yield mounted


@dataclass(slots=True)
class Full:
    """A store on a disk that is full, with a session, a message and a reply that streams."""

    store: SqliteStore
    library: SqliteLibrary
    index: SqliteSearchIndex
    journal: Journal


Write = Callable[[Full], Awaitable[object]]
OPENING = make_exchange(state=ExchangeState.IN_PROGRESS)


def _ended(full: Full) -> Awaitable[object]:
    choices = (Choice(0, BIG, finish_reason=FinishReason.STOP),)
    return full.journal.finish(replace(OPENING, state=ExchangeState.COMPLETED, choices=choices))


def _begun(full: Full) -> Awaitable[object]:
    message = Message("r2", Role.ASSISTANT, (), NOON, "m1", (ReplySource("x2"),))
    opening = replace(OPENING, id="x2", model=BIG)
    return full.store.begin_exchange("s1", [message], opening)


def _session(key: str) -> Session:
    return Session(key, "A title", NOON, NOON, SessionSettings(system=BIG))


WRITES: dict[str, Write] = {
    "a session": lambda full: full.store.create_session(_session("s2")),
    "a draft": lambda full: full.store.update_session(
        replace(_session("s1"), draft=BIG), _session("s1")
    ),
    "a message": lambda full: full.store.add_message("s1", user_message(BIG, "m2")),
    "a message's change": lambda full: full.store.update_message(user_message(BIG, "m1")),
    "a reply's beginning": _begun,
    "a request": lambda full: full.journal.record_request(
        RequestSent("POST", "http://h", (), b'{"messages":["' + BIG.encode() + b'"]}')
    ),
    "a journal segment": lambda full: full.journal.append([WireFrame(1.0, f"data: {BIG}\n\n")]),
    "a reply's end": _ended,
    "a prompt's history": lambda full: full.store.add_history(BIG),
    "what a server rejects": lambda full: full.store.remember_adaptation("u", "m", "n", BIG),
    "a tag": lambda full: full.library.tag(["s1"], [BIG]),
    "pins": lambda full: full.library.pin(["s1"], 1),
    "an imported session": lambda full: full.store.import_session(
        make_session(1, random.Random(1))
    ),
    "the index": lambda full: full.index.update(),
    "a purge": lambda full: full.library.purge(["stock00000"], NOON),
}


@asynccontextmanager
async def full_store(disk: SmallDisk) -> AsyncIterator[Full]:
    """A store with something of everything, and then no room on its disk."""
    store = SqliteStore(disk.folder / "sessions.db", "w")
    await store.create_session(_session("s1"))
    await store.add_message("s1", user_message("hello"))
    reply_to_it = Message("r1", Role.ASSISTANT, (), NOON, "m1", (ReplySource(OPENING.id),))
    journal = await store.begin_exchange("s1", [reply_to_it], OPENING)
    await store.import_session(make_session(0, random.Random(0)))

    def empty_wal(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    await store.database.maintain(empty_wal)
    disk.fill()
    try:
        yield Full(
            store,
            SqliteLibrary(lambda: store.database),
            SqliteSearchIndex(lambda: store.database, describe),
            journal,
        )
    finally:
        await store.close()


@pytest.mark.parametrize("what", list(WRITES))
async def test_each_write_without_room_says_so_and_goes_through_later(
    what: str, disk: SmallDisk
) -> None:
    async with full_store(disk) as full:
        with pytest.raises(StoreFull, match="There is no room on the disk of") as told:
            await WRITES[what](full)
        assert str(disk.folder) in str(told.value)
        assert "Free some space" in told.value.next_step
        assert await full.store.check_integrity() is None
        disk.empty()
        await WRITES[what](full)
        assert await full.store.check_integrity() is None
        assert len((await full.store.load_session("s1")).messages) >= 2
    check_file(disk.folder / "sessions.db")


async def drive(conversation: Conversation, target: Target, text: str) -> None:
    await conversation.send((TextPart(text),), target)


async def test_a_reply_that_finds_no_room_is_kept_and_saved_when_there_is_some(
    disk: SmallDisk, server: LoopbackServer, suite: Suite
) -> None:
    store = SqliteStore(disk.folder / "sessions.db", "w")
    archive = Archive(store, SystemClock(), new_id, translate=translate_frames)
    conversation = archive.new(SessionSettings())
    server.answer = lambda _request: reply("so ", BIG, " far")
    async with open_chat(server.base_url, SystemClock()) as provider:
        target = Target(provider._endpoint, provider, "m")

        def listen(event: Event) -> None:
            if isinstance(event, TextDelta) and event.text == "so ":
                disk.fill()

        await conversation.send((TextPart("hi"),), target, listen)
        text = f"so {BIG} far"
        assert isinstance(conversation.unsaved, StoreFull)
        assert conversation.read_messages()[-1].text == text
        with pytest.raises(StoreFull):  # nothing is sent that can't be saved
            await drive(conversation, target, BIG)
        assert len(server.requests) == 1
        assert [m.text for m in conversation.messages if m.role is Role.USER] == ["hi"]
        disk.empty()
        await conversation.endings.save()
        await drive(conversation, target, "on")
        assert archive.unsaved() == ()
    stored = await store.load_session(conversation.session.id)
    assert [e.choice(0).text for e in stored.exchanges.values()] == [text, text]
    assert len((await store.load_wire(next(iter(stored.exchanges.values())).id)).frames) == 6
    await store.close()
    check_file(disk.folder / "sessions.db")
    suite.say(
        f"a disk without room, at {len(WRITES)} kinds of writes and under a reply: each said so, "
        "nothing was damaged, and each went through when there was room"
    )


def test_the_settings_stay_as_they_were(disk: SmallDisk) -> None:
    path = disk.folder / "settings.toml"
    path.write_text('theme = "paper"\n')
    disk.fill()
    with pytest.raises(SettingsError, match="can't be changed"):
        change_settings(path, {("theme",): "ember", ("redact",): [BIG[:20_000]]})
    assert path.read_text() == 'theme = "paper"\n'
    assert sorted(p.name for p in disk.folder.iterdir()) == ["filler", "settings.toml"]
    disk.empty()
    change_settings(path, {("theme",): "ember"})
    assert 'theme = "ember"' in path.read_text()


Scenario = Callable[[SmallDisk, Path], None]


def export_leaves_nothing_half(disk: SmallDisk, folder: Path) -> None:
    write_export(folder / "in.json", 50, random.Random(1))
    assert run_program(folder, "sessions", "import", str(folder / "in.json")).returncode == 0
    ids = [f"stock{number:05}" for number in range(50)]
    out = disk.folder / "out.json"
    out.write_text("what was there")
    disk.fill()
    export = ("sessions", "export", *ids, "--format", "json", "-o", str(out))
    done = run_program(folder, *export)
    assert done.returncode == 2
    assert "out.json can't be written" in done.stderr
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_text() == "what was there"
    assert sorted(p.name for p in disk.folder.iterdir()) == ["filler", "out.json"]
    disk.empty()
    assert run_program(folder, *export).returncode == 0
    assert len(json.loads(out.read_text())["sessions"]) == 50


def import_takes_in_whole_sessions(disk: SmallDisk, folder: Path) -> None:
    file, count = folder / "in.json", 3_000
    write_export(file, count, random.Random(1))
    data = {"REPLYSCOPE_DATA_DIR": str(disk.folder / "data")}
    done = run_program(folder, "sessions", "import", str(file), **data)
    assert done.returncode == 5
    assert "There is no room on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    left = look_after(disk.folder)
    assert 0 < len(left.sessions) < count
    assert all(len(session.exchanges) == 2 for session in left.sessions)
    listed = run_program(folder, "sessions", "list", "--json", **data)
    assert len(json.loads(listed.stdout)) == len(left.sessions), listed.stderr
    found = run_program(folder, "sessions", "search", "stock", "--json", **data)
    assert found.returncode == 0, found.stderr


def migration_does_not_begin_without_its_backup(disk: SmallDisk, folder: Path) -> None:
    path = disk.folder / "data" / "sessions.db"
    path.parent.mkdir()
    count = 150  # with its backup, its index and the log of changes it fits on the disk
    write_old_file(path, 1, count, random.Random(1))
    data = {"REPLYSCOPE_DATA_DIR": str(path.parent)}
    disk.fill()
    nowhere = ("--base-url", "http://127.0.0.1:9/v1")
    for arguments in (("ask", "hi", *nowhere), ("sessions", "list")):
        done = run_program(folder, *arguments, **data)
        assert done.returncode == 5, done.stderr
        assert "There is no room on the disk" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(path.parent.glob("*.bak*")) == []
        as_it_is = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)
        with closing(as_it_is) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    disk.empty()
    listed = run_program(folder, "sessions", "list", "--json", **data)
    assert len(json.loads(listed.stdout)) == count
    check_file(path)
    check_file(path.with_name("sessions.db.v1.bak"))


def ask_says_so_before_it_sends(disk: SmallDisk, folder: Path) -> None:
    with LoopbackServer() as server:
        ask_without_room(disk, server, folder)


def ask_without_room(disk: SmallDisk, server: LoopbackServer, folder: Path) -> None:
    data = {"REPLYSCOPE_DATA_DIR": str(disk.folder / "data")}
    url = ("--base-url", server.base_url, "--model", "test-model")
    assert run_program(folder, "ask", "first", *url, **data).returncode == 0
    disk.fill()
    done = run_program(folder, "ask", BIG[:100_000], *url, **data)
    assert done.returncode == 5
    assert "There is no room on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(server.requests) == 1
    told = run_program(folder, "ask", "without", "--no-save", *url, **data)
    assert (told.returncode, told.stdout) == (0, "Hello world\n")
    listed = run_program(folder, "sessions", "list", "--json", **data)
    assert [s["title"] for s in json.loads(listed.stdout)] == ["first"]
    disk.empty()
    assert run_program(folder, "ask", "third", *url, **data).returncode == 0
    assert len(look_after(disk.folder).sessions) == 2


def first_start_says_so(disk: SmallDisk, folder: Path) -> None:
    disk.fill()
    data = {"REPLYSCOPE_DATA_DIR": str(disk.folder / "data")}
    done = run_program(folder, "sessions", "list", **data)
    assert done.returncode == 5
    assert "There is no room on the disk" in done.stderr
    disk.empty()
    assert run_program(folder, "sessions", "list", **data).returncode == 0


def an_archive_is_read_where_nothing_can_be_written(disk: SmallDisk, folder: Path) -> None:
    with LoopbackServer() as server:
        data = {"REPLYSCOPE_DATA_DIR": str(disk.folder / "data")}
        url = ("--base-url", server.base_url, "--model", "test-model")
        assert run_program(folder, "ask", "first", *url, **data).returncode == 0
        disk.lock()
        listed = run_program(folder, "sessions", "list", "--json", **data)
        assert [s["title"] for s in json.loads(listed.stdout)] == ["first"], listed.stderr
        readers = (
            ("sessions", "search", "Hello"),
            ("sessions", "export", "--query", "finish:stop"),
            ("stats",),
            ("verify",),
            ("backup", str(folder / "backup.db")),
        )
        for arguments in readers:
            done = run_program(folder, *arguments, **data)
            assert (done.returncode, done.stderr) == (0, ""), arguments
        refused = run_program(folder, "ask", "second", *url, **data)
        assert refused.returncode == 5
        assert "can't be written" in refused.stderr
        assert len(server.requests) == 1


def a_hub_is_seen_where_nothing_can_be_written(disk: SmallDisk, folder: Path) -> None:
    data = {"REPLYSCOPE_DATA_DIR": str(disk.folder / "data")}
    (folder / "reply.sse").write_text(RECORDED)
    (folder / "config").mkdir()
    (folder / "config" / "settings.toml").write_text('[hub]\nshare = "finish:stop"\n')
    data["REPLYSCOPE_CONFIG_DIR"] = str(folder / "config")
    for arguments in (
        ("sessions", "import", str(folder / "reply.sse")),
        ("hub", "init", f"folder:{folder / 'shared'}"),
    ):
        assert run_program(folder, *arguments, **data).returncode == 0
    disk.lock()
    for looks in (("status",), ("sync", "--dry-run")):
        done = run_program(folder, "hub", *looks, **data)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert "1 reply of 1 session" in done.stdout
    refused = run_program(folder, "hub", "sync", **data)
    assert refused.returncode == 5
    for said in ("can't be written", "The hub was not asked", "writable", "hub status"):
        assert said in refused.stderr


SCENARIOS: tuple[Scenario, ...] = (
    a_hub_is_seen_where_nothing_can_be_written,
    an_archive_is_read_where_nothing_can_be_written,
    export_leaves_nothing_half,
    import_takes_in_whole_sessions,
    migration_does_not_begin_without_its_backup,
    ask_says_so_before_it_sends,
    first_start_says_so,
)


def test_the_program_without_room(suite: Suite, tmp_path: Path) -> None:
    count = suite.count(len(SCENARIOS), least=2)
    chosen = suite.dice("disk").sample(SCENARIOS, count)
    for number, scenario in enumerate(chosen):
        folder = tmp_path / str(number)
        folder.mkdir()
        with small_disk(folder / "disk") as disk:
            scenario(disk, folder)
    done = ", ".join(scenario.__name__.replace("_", " ") for scenario in chosen)
    suite.say(f"the program on a disk without room: {done}; and each works when there is room")

"""Private sessions: they work as any other, and nothing of them comes near the file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from replyscope.cli.rule_effects import TerminalEffects
from replyscope.domain.errors import SessionNotFound, StoreFull
from replyscope.domain.exchange import Api
from replyscope.domain.message import ToolResultPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import Parameters, SessionSettings, Shelf
from replyscope.domain.tool import ToolSettings
from replyscope.engine.archive import Archive
from replyscope.engine.consent import Consent, say_yes
from replyscope.engine.conversation import Conversation
from replyscope.engine.remote import RemoteReplies
from replyscope.engine.rules import RuleBook
from replyscope.engine.tool_runner import Tooling
from replyscope.provider.openai_provider import OpenAIProvider
from replyscope.provider.opening import translate_frames
from replyscope.store.memory_store import MemoryStore
from replyscope.store.sqlite_store import SqliteStore
from replyscope.toolbox.toolbox import LocalToolbox
from tests.engine.test_conversation import Ids, drive, target_of
from tests.engine.test_remote import as_json, items, kept
from tests.engine.test_rules import rules_of
from tests.engine.test_tools import TOOLS, asks, in_turn
from tests.faults.small_disk import small_disk
from tests.hostile.held import texts_of
from tests.support.build import Memory, open_chat
from tests.support.responses import response
from tests.support.server import LoopbackServer, error, reply

WORD = "zebrafinch"
ORDINARY = SessionSettings()


@dataclass
class Both:
    """An archive with a file, and the private store beside it."""

    archive: Archive
    remote: RemoteReplies
    private: MemoryStore
    saved: SqliteStore
    path: Path

    def held(self) -> str:
        return texts_of(self.path)


@pytest.fixture
async def both(store: SqliteStore, clock: Clock, tmp_path: Path) -> AsyncIterator[Both]:
    (tmp_path / "mine.py").write_text(TOOLS)
    settings = ToolSettings(enabled=("tools:mine.py",), timeout_s=30)
    rule = f'[[rule]]\nwhen = "finish:stop"\ndo = "save"\nfile = "{tmp_path}/saved.json"\n'
    rules = rules_of(f'{rule}[[rule]]\nwhen = "finish:stop"\ndo = "flag"\n')
    box = LocalToolbox([tmp_path / "mine.py"], tmp_path, tmp_path / "kept", lambda: settings)
    tooling = Tooling(
        box,
        Consent(lambda: (), say_yes),
        lambda: settings,
        lambda: RuleBook(lambda: rules, TerminalEffects()),
    )
    private, ids = MemoryStore("writer-a"), Ids()
    archive = Archive(store, clock, ids, None, translate_frames, tooling, private)
    remote = RemoteReplies(store, clock, ids, private)
    yield Both(archive, remote, private, store, tmp_path / "sessions.db")
    await private.close()


async def private_of(both: Both, provider: OpenAIProvider, text: str = WORD) -> Conversation:
    conversation = both.archive.new(ORDINARY, is_private=True)
    await drive(conversation, provider, text)
    return conversation


async def test_a_private_session_is_opened_again_with_its_wire_and_the_file_knows_nothing(
    server: LoopbackServer, clock: Clock, both: Both
) -> None:
    async with open_chat(server.base_url, clock) as provider:
        ordinary = both.archive.new(ORDINARY)
        await drive(ordinary, provider, "in the open")
        before = both.held()
        private = await private_of(both, provider)
        await both.archive.rename(private.session.id, f"{WORD} renamed")
    (exchange,) = private.exchanges.values()
    again = await Archive(both.saved, clock, Ids(), private=both.private).open(private.session.id)
    assert again.is_private
    assert again.session.title == f"{WORD} renamed"
    assert [m.text for m in again.read_messages()] == [WORD, "Hello world"]
    wire = await both.archive.load_wire(exchange.id)
    assert wire.request is not None
    assert WORD.encode() in wire.request.body
    assert both.held() == before
    with pytest.raises(SessionNotFound):
        await both.saved.load_session(private.session.id)
    assert not ordinary.is_private
    (open_exchange,) = ordinary.exchanges.values()
    assert (await both.archive.load_wire(open_exchange.id)).frames


async def test_the_list_names_private_sessions_first_and_marks_them(
    server: LoopbackServer, clock: Clock, both: Both
) -> None:
    async with open_chat(server.base_url, clock) as provider:
        private = await private_of(both, provider)
        ordinary = both.archive.new(ORDINARY)
        await drive(ordinary, provider, "in the open")
    listed = await both.archive.list_sessions(limit=10, pinned_first=True)
    assert [(s.title, s.is_private) for s in listed] == [(WORD, True), ("in the open", False)]
    assert await both.archive.list_sessions(shelf=Shelf.DELETED) == ()
    assert await both.archive.newest_id() == ordinary.session.id
    assert both.archive.open_among([private.session.id]) == (private.session.id,)


async def test_a_fork_of_a_private_session_is_private_and_outlives_it(
    server: LoopbackServer, clock: Clock, both: Both
) -> None:
    async with open_chat(server.base_url, clock) as provider:
        private = await private_of(both, provider)
        fork = await both.archive.fork(private, private.messages[-1].id)
        assert fork.is_private
        await both.archive.delete(private.session.id)
        with pytest.raises(SessionNotFound):
            await both.archive.open(private.session.id)
        fork = await both.archive.open(fork.session.id)
        assert [m.text for m in fork.read_messages()] == [WORD, "Hello world"]
        await drive(fork, provider, "and on")
    assert [s.title for s in await both.archive.list_sessions()] == [f"{WORD} (fork)"]
    assert WORD not in both.held()
    await both.archive.delete(fork.session.id)
    assert both.private.is_empty
    assert await both.private.count_messages() == 0


async def test_a_full_turn_with_tools_leaves_no_file_and_no_rule_writes(
    server: LoopbackServer, clock: Clock, both: Both, tmp_path: Path
) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    async with open_chat(server.base_url, clock) as provider:
        in_turn(server, asks(("picture", "{}")), reply(WORD))
        private = await private_of(both, provider)
        (result,) = [
            part
            for message in private.messages
            for part in message.parts
            if isinstance(part, ToolResultPart)
        ]
        assert "not kept: nothing is saved here" in result.output
        assert not result.files
        assert private.exchanges[private.turn[-1]].firings == ("finish:stop → flag",)
        assert {path.name for path in tmp_path.iterdir()} == before
        server.requests.clear()
        await drive(both.archive.new(ORDINARY), provider)
    assert (tmp_path / "kept").is_dir()
    assert (tmp_path / "saved.json").exists()


async def test_what_a_server_rejects_is_known_to_private_sessions_until_the_end(
    server: LoopbackServer, clock: Clock, both: Both
) -> None:
    wrong = error(400, "Unsupported parameter: 'seed'", param="seed")
    server.answer = lambda request: wrong if "seed" in request else reply("so be it")
    memory = Memory()
    seeded = SessionSettings(parameters=Parameters(seed=7))
    async with open_chat(server.base_url, clock, memory=memory) as provider:
        private = both.archive.new(seeded, is_private=True)
        await drive(private, provider)
        await drive(private, provider, "once more")
        assert ["seed" in request for request in server.requests] == [True, False, False]
        assert memory.known == {}
        await drive(both.archive.new(seeded), provider)
        await drive(private, provider)
    assert memory.known == {}  # it was known already: nothing new was found


async def test_a_reply_kept_by_the_provider_is_private_when_it_is_fetched_again(
    server: LoopbackServer, clock: Clock, both: Both
) -> None:
    server.answer = lambda _request: response("thoughts", response_id="resp_p")
    server.routes = {
        ("GET", "/responses/resp_p"): as_json(kept("resp_p", WORD)),
        ("GET", "/responses/resp_p/input_items"): items(("i1", "what was asked")),
    }
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await private_of(both, provider)
        assert [seen.response_id for seen in await both.remote.list()] == ["resp_p"]
        fetched = await both.remote.fetch(provider.stored, "resp_p")
    assert (await both.archive.open(fetched)).is_private
    assert await both.saved.list_remote() == ()
    assert not [word for word in (WORD, "resp_p", "thoughts") if word in both.held()]


async def test_a_background_reply_that_is_private_is_not_left_to_the_server(
    clock: Clock, both: Both
) -> None:
    private, ordinary = both.archive.new(ORDINARY, is_private=True), both.archive.new(ORDINARY)
    private.leave()
    ordinary.leave()
    assert not private._runner.is_leaving
    assert ordinary._runner.is_leaving


async def test_a_private_session_goes_on_when_the_file_is_gone(
    server: LoopbackServer, clock: Clock, both: Both
) -> None:
    async with open_chat(server.base_url, clock) as provider:
        both.path.rename(both.path.with_name("elsewhere.db"))
        private = await private_of(both, provider)
        await private.retry(target_of(provider))
        both.path.with_name("elsewhere.db").rename(both.path)
    assert private.unsaved is None
    assert len(private.exchanges) == 2
    assert await both.archive.count_private() == 3


async def test_a_private_session_needs_no_room_on_the_disk(
    server: LoopbackServer, clock: Clock, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        store, private = SqliteStore(disk.folder / "sessions.db", "w"), MemoryStore("w")
        archive = Archive(store, clock, Ids(), private=private)
        async with open_chat(server.base_url, clock) as provider:
            await drive(archive.new(ORDINARY), provider, "in the open")
            disk.fill()
            conversation = archive.new(ORDINARY, is_private=True)
            await drive(conversation, provider, WORD)
            with pytest.raises(StoreFull):
                await drive(archive.new(ORDINARY), provider, "no room " * 100_000)
        assert conversation.unsaved is None
        assert [m.text for m in conversation.read_messages()] == [WORD, "Hello world"]
        assert WORD.encode() not in b"".join(
            path.read_bytes() for path in disk.folder.iterdir() if path.name.startswith("sessions")
        )
        disk.empty()
        await private.close()
        await store.close()

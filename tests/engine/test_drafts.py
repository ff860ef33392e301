"""A draft in an open session: spent by sending, kept by everything else."""

from dataclasses import replace

from replyscope.domain.message import FilePart
from replyscope.domain.ports import Clock
from replyscope.domain.session import Draft, SessionSettings
from replyscope.engine.archive import Archive
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids, drive
from tests.support.build import open_chat
from tests.support.server import LoopbackServer

DRAFT = Draft("half a thought", (FilePart("notes.txt", "some notes"),), 4)


async def test_sending_spends_the_whole_draft(
    server: LoopbackServer, store: SqliteStore, clock: Clock
) -> None:
    conversation = Archive(store, clock, Ids()).new(SessionSettings())
    conversation.session = conversation.session.with_draft(DRAFT)
    await conversation.save_head()
    stored = await store.load_session(conversation.session.id)
    assert stored.session.whole_draft == DRAFT
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
    stored = await store.load_session(conversation.session.id)
    assert stored.session.whole_draft == conversation.session.whole_draft == Draft()


async def test_what_another_window_does_leaves_the_draft(
    server: LoopbackServer, store: SqliteStore, clock: Clock
) -> None:
    mine = Archive(store, clock, Ids()).new(SessionSettings())
    await mine.save_head()
    mine.session = mine.session.with_draft(DRAFT)
    await mine.save_head()
    other = await Archive(store, clock, Ids()).open(mine.session.id)
    async with open_chat(server.base_url, clock) as provider:
        await drive(other, provider)
    assert await mine.catch_up()
    assert mine.session.whole_draft == DRAFT
    assert mine.read_messages()[-1].text == "Hello world"


async def test_a_fork_begins_without_a_draft(
    server: LoopbackServer, store: SqliteStore, clock: Clock
) -> None:
    archive = Archive(store, clock, Ids())
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
    conversation.session = conversation.session.with_draft(replace(DRAFT, cursor=None))
    await conversation.save_head()
    forked = await archive.fork(conversation, conversation.messages[-1].id)
    assert forked.session.whole_draft == Draft()

"""Sending, cancelling, continuing, recovering: on the real provider and a real store."""

import gc
import sqlite3
import threading
import weakref
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from replyscope.domain.errors import StoreError
from replyscope.domain.event import Event, StreamEnded
from replyscope.domain.exchange import ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.recovery import recover, refold
from replyscope.provider.openai_provider import OpenAIProvider
from replyscope.provider.opening import translate_frames
from replyscope.store.sqlite_store import SqliteStore
from tests.support.build import make_exchange, open_chat, user_message
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse
from tests.support.turns import running_to, says

HI = (TextPart("hi"),)


class Ids:
    def __init__(self, first: int = 0) -> None:
        self._count = first

    def __call__(self) -> str:
        self._count += 1
        return f"id{self._count:03}"


@pytest.fixture
def archive(store: SqliteStore, clock: Clock) -> Archive:
    return Archive(store, clock, Ids())


def target_of(provider: OpenAIProvider) -> Target:
    return Target(provider._endpoint, provider, "test-model")


async def drive(conversation: Conversation, provider: OpenAIProvider, text: str = "hi") -> None:
    await conversation.send((TextPart(text),), target_of(provider))


async def test_a_reply_is_on_disk_before_its_end_is_told(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    conversation = archive.new(SessionSettings(system="Be brief."))
    path = store._database.path
    assert path is not None
    told: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, StreamEnded):
            with closing(sqlite3.connect(path)) as other:
                told.extend(state for (state,) in other.execute("SELECT state FROM exchange"))

    async with open_chat(server.base_url, clock) as provider:
        await conversation.send(HI, target_of(provider), listen)
    assert told == [ExchangeState.COMPLETED.value]
    assert conversation.session.title == "hi"
    reopened = await store.load_session(conversation.session.id)
    assert reopened.messages == tuple(conversation.messages)
    assert tuple(reopened.exchanges.values()) == tuple(conversation.exchanges.values())
    assert conversation.read_messages()[-1].text == "Hello world"


async def test_folding_the_journal_gives_the_folded_exchange(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
    (exchange,) = conversation.exchanges.values()
    wire = await store.load_wire(exchange.id)
    assert wire.request is not None
    assert wire.request.body == b"".join([wire.request.body])
    opening = make_exchange(id=exchange.id)
    again = refold(opening, wire.frames, translate_frames)
    assert again.choices == exchange.choices
    assert again.usage == exchange.usage
    assert again.state is exchange.state


async def test_the_second_message_carries_the_history(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "one")
        await drive(conversation, provider, "two")
    roles = [(m["role"], m["content"]) for m in server.requests[1]["messages"]]
    assert roles == [("user", "one"), ("assistant", "Hello world"), ("user", "two")]


async def test_cancel_keeps_the_partial_reply(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("part"), done=False), gate])
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        async with running_to(says("part"), partial(conversation.send, HI, target_of(provider))):
            assert conversation.is_streaming
        gate.set()
    saved = await store.load_session(conversation.session.id)
    (exchange,) = saved.exchanges.values()
    assert exchange.state is ExchangeState.CANCELLED
    assert exchange.choice(0).text == "part"
    assert exchange.choice(0).finish_reason is FinishReason.CANCELLED
    assert not conversation.is_streaming


async def test_continuing_joins_the_reply_and_keeps_both_exchanges(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    server.answer = lambda _request: reply("Once upon", finish="length")
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        server.answer = lambda _request: reply(" a time.")
        await conversation.continue_reply(target_of(provider))
    assert len(conversation.messages) == 2
    assert conversation.read_messages()[-1].text == "Once upon a time."
    saved = await store.load_session(conversation.session.id)
    assert [e.choice(0).text for e in saved.exchanges.values()] == ["Once upon", " a time."]
    assert saved.messages == tuple(conversation.messages)


async def test_retry_makes_a_sibling_and_loses_nothing(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    server.answer = lambda _request: error(500, "boom")
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        server.answer = lambda _request: reply("better")
        await conversation.retry(target_of(provider))
    assert [m.role for m in conversation.messages] == [Role.USER, Role.ASSISTANT]
    assert conversation.read_messages()[-1].text == "better"
    count = await store._database.read(
        lambda c: c.execute("SELECT count(*) FROM message").fetchone()[0]
    )
    assert count == 3
    assert len(server.requests[-1]["messages"]) == 1


async def test_a_message_that_cannot_be_saved_is_not_sent(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    conversation = archive.new(SessionSettings())
    await store._database.write(lambda c: c.execute("DROP TABLE session"))
    async with open_chat(server.base_url, clock) as provider:
        with pytest.raises(StoreError):
            await drive(conversation, provider)
    assert conversation.messages == []
    assert server.requests == []


async def test_a_store_that_fails_in_mid_reply_costs_no_text(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("Hello"), done=False), gate])
    conversation = archive.new(SessionSettings())
    async with (
        open_chat(server.base_url, clock) as provider,
        running_to(says("Hello"), partial(conversation.send, HI, target_of(provider))),
    ):
        await store._database.write(lambda c: c.execute("ALTER TABLE segment RENAME TO gone"))
    gate.set()
    assert conversation.unsaved is not None
    assert conversation.read_messages()[-1].text == "Hello"
    await store._database.write(lambda c: c.execute("ALTER TABLE gone RENAME TO segment"))
    await conversation.endings.save()
    assert archive.unsaved() == ()
    stored = await store.load_session(conversation.session.id)
    assert next(iter(stored.exchanges.values())).choice(0).text == "Hello"
    assert len((await store.load_wire(next(iter(stored.exchanges.values())).id)).frames) == 1


async def test_a_session_that_was_left_takes_no_memory_unless_it_has_what_is_not_on_disk(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    async with open_chat(server.base_url, clock) as provider:
        conversation = archive.new(SessionSettings())
        saved_id = conversation.session.id
        await drive(conversation, provider)
        saved = weakref.ref(conversation)
        conversation = archive.new(SessionSettings())
        await drive(conversation, provider)
        gate = threading.Event()
        server.answer = lambda _request: Answer(chunks=[*sse(delta("part"), done=False), gate])
        async with running_to(says("part"), partial(conversation.send, HI, target_of(provider))):
            await store._database.write(lambda c: c.execute("ALTER TABLE segment RENAME TO gone"))
        gate.set()
        unsaved = weakref.ref(conversation)
        del conversation
        archive.new(SessionSettings())
        archive.new(SessionSettings())
        gc.collect()
        assert saved() is None
        assert archive.unsaved() == (unsaved(),)
        await store._database.write(lambda c: c.execute("ALTER TABLE gone RENAME TO segment"))
        assert await archive.open(saved_id) is await archive.open(saved_id)


async def test_dead_writers_replies_are_recovered_and_labelled(
    tmp_path: Path, clock: Clock
) -> None:
    dead = SqliteStore(tmp_path / "s.db", "dead")
    archive = Archive(dead, clock, Ids())
    conversation = archive.new(SessionSettings())
    await conversation.save_head()
    user = user_message("hi")
    await dead.add_message(conversation.session.id, user)
    message = Message("r", Role.ASSISTANT, (), clock.now(), user.id, (ReplySource("x1"),))
    journal = await dead.begin_exchange(
        conversation.session.id, [message], make_exchange(state=ExchangeState.IN_PROGRESS)
    )
    from replyscope.domain.event import WireFrame

    await journal.append([WireFrame(1.0, sse(delta("half"))[0].decode())])
    dead._hold.release()

    alive = SqliteStore(tmp_path / "s.db", "alive")
    assert await recover(alive, translate_frames) == 1
    assert await recover(alive, translate_frames) == 0
    saved = await alive.load_session(conversation.session.id)
    (exchange,) = saved.exchanges.values()
    assert exchange.state is ExchangeState.TRUNCATED
    assert exchange.choice(0).text == "half"
    assert exchange.failure is not None
    assert exchange.failure.kind == "interrupted"
    await alive.close()
    await dead.close()


async def test_rename_delete_and_restore(archive: Archive, store: SqliteStore) -> None:
    conversation = archive.new(SessionSettings())
    await conversation.save_head()
    session_id = conversation.session.id
    await archive.rename(session_id, "Mine")
    assert (await store.load_session(session_id)).session.title == "Mine"
    await archive.delete(session_id)
    assert await archive.list_sessions() == ()
    await archive.restore(session_id)
    assert [s.title for s in await archive.list_sessions()] == ["Mine"]
    assert await archive.newest_id() == session_id


async def test_a_given_title_is_kept(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    conversation = archive.new(SessionSettings())
    conversation.session = replace(conversation.session, title="Mine", is_title_given=True)
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "something else")
    assert conversation.session.title == "Mine"


async def test_a_private_store_writes_nothing(
    server: LoopbackServer, clock: Clock, tmp_path: Path
) -> None:
    private = SqliteStore(None, "w")
    await private.open()
    conversation = Archive(private, clock, Ids()).new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
    assert conversation.read_messages()[-1].text == "Hello world"
    assert not private.is_saving
    await private.close()
    assert list(tmp_path.rglob("*")) == []

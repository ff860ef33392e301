"""Choices, retries and edits are siblings in one tree; what a server knows is not sent again."""

import asyncio
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.errors import SessionMoved, StoreError
from replyscope.domain.event import Event, TextDelta, WireFrame
from replyscope.domain.exchange import Api, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import Parameters, SessionSettings, StoredSession
from replyscope.engine.archive import Archive
from replyscope.engine.conversation import Conversation
from replyscope.engine.recovery import refold
from replyscope.provider.openai_provider import OpenAIProvider
from replyscope.provider.opening import translate_frames
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids, drive, target_of
from tests.support.build import make_exchange, open_chat
from tests.support.responses import events, message, response
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage
from tests.support.turns import running_to, says

TWO = SessionSettings(parameters=Parameters(n=2))


def choice(index: int, text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    chunk = delta(text, finish=finish)
    chunk["choices"][0]["index"] = index
    return chunk


async def retry(conversation: Conversation, provider: OpenAIProvider) -> None:
    await conversation.retry(target_of(provider))


@pytest.fixture
def archive(store: SqliteStore, clock: Clock) -> Archive:
    return Archive(store, clock, Ids())


def texts(conversation: Conversation) -> list[str]:
    return [m.text for m in conversation.read_messages()]


def sibling_texts(conversation: Conversation, last: Message) -> list[str]:
    found = []
    for sibling in conversation.tree.siblings(last):
        source = sibling.sources[-1]
        found.append(conversation.exchanges[source.exchange_id].choice(source.choice_index).text)
    return found


async def test_choices_of_one_request_are_siblings_that_carry_on_and_come_back(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    server.answer = lambda _request: Answer(
        chunks=sse(
            choice(1, "second"),  # llama.cpp may begin with any of them
            choice(0, "first"),
            choice(1, finish="length"),
            choice(0, finish="stop"),
            usage(),
        )
    )
    conversation = archive.new(TWO)
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        assert server.requests[0]["n"] == 2
        assert sibling_texts(conversation, conversation.messages[-1]) == ["first", "second"]
        assert texts(conversation) == ["hi", "first"]
        other = conversation.tree.siblings(conversation.messages[-1])[1]
        await conversation.go_to(other.id)
        (exchange,) = conversation.exchanges.values()
        assert exchange.choice(1).finish_reason is FinishReason.LENGTH
        server.answer = lambda _request: reply("carried on")
        await drive(conversation, provider, "go on")
    said = [m["content"] for m in server.requests[1]["messages"]]
    assert said == ["hi", "second", "go on"]
    again = await Archive(store, clock, Ids()).open(conversation.session.id)
    assert texts(again)[:3] == ["hi", "second", "go on"]
    assert sibling_texts(again, again.messages[1]) == ["first", "second"]


async def test_responses_has_no_n_so_choices_stream_side_by_side(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    server.answer = lambda _request: response(f"answer {len(server.requests)}")
    conversation = archive.new(SessionSettings(parameters=Parameters(n=3)))
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider)
    assert len(conversation.turn) == len(server.requests) == 3
    assert all("n" not in request for request in server.requests)
    found = sibling_texts(conversation, conversation.messages[-1])
    assert sorted(found) == ["answer 1", "answer 2", "answer 3"]
    assert not conversation.is_streaming


async def test_the_fault_of_one_choice_costs_no_other_and_the_first_is_raised(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    server.answer = lambda _request: response("answer")
    conversation = archive.new(SessionSettings(parameters=Parameters(n=4)))
    await store._database.write(
        lambda c: c.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON exchange"
            " WHEN (SELECT count(*) FROM exchange) >= 2"
            " BEGIN SELECT RAISE(ABORT, 'no third one'); END"
        )
    )
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        with pytest.raises(StoreError, match="no third one"):
            await drive(conversation, provider)
    assert len(server.requests) == 2
    saved = await store.load_session(conversation.session.id)
    assert [e.choice(0).text for e in saved.exchanges.values()] == ["answer", "answer"]
    assert all(e.state is ExchangeState.COMPLETED for e in saved.exchanges.values())


async def test_cancelling_choices_side_by_side_saves_what_each_said(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    gate = threading.Event()
    begun = events("part", response_id="resp_c")
    cut = next(n for n, event in enumerate(begun) if event.get("delta") == "part") + 1
    server.answer = lambda _request: Answer(chunks=[*sse(*begun[:cut], done=False), gate])
    conversation = archive.new(SessionSettings(parameters=Parameters(n=3)))
    count = 0

    def all_said(event: Event) -> bool:
        nonlocal count
        count += isinstance(event, TextDelta)
        return count == 3

    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        send = partial(conversation.send, (TextPart("hi"),), target_of(provider))
        async with running_to(all_said, send):
            assert len(conversation.lives) == 3
        assert not conversation.is_streaming
        gate.set()
    saved = await store.load_session(conversation.session.id)
    kept = [(e.choice(0).text, e.state) for e in saved.exchanges.values()]
    assert kept == [("part", ExchangeState.CANCELLED)] * 3


async def test_a_retry_and_an_edit_never_overwrite(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "question")
        await retry(conversation, provider)
        assert texts(conversation) == ["question", "reply 2"]
        assert sibling_texts(conversation, conversation.messages[-1]) == ["reply 1", "reply 2"]
        asked = conversation.messages[0]
        edited = (TextPart("better question"),)
        await conversation.send(edited, target_of(provider), instead_of=asked)
    assert [m["content"] for m in server.requests[2]["messages"]] == ["better question"]
    assert texts(conversation) == ["better question", "reply 3"]
    first, second = conversation.tree.siblings(conversation.messages[0])
    await conversation.go_to(first.id)
    assert texts(conversation) == ["question", "reply 2"]
    again = await Archive(store, clock, Ids()).open(conversation.session.id)
    assert texts(again) == ["question", "reply 2"]
    await again.go_to(second.id)
    assert texts(again) == ["better question", "reply 3"]


async def test_what_the_server_keeps_is_named_instead_of_sent_again(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    server.answer = lambda _request: response("kept", response_id="resp_kept")
    stored = Parameters(store=True)
    conversation = archive.new(SessionSettings(system="Be brief.", parameters=stored))
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider, "one")
        await drive(conversation, provider, "two")
    second = server.requests[1]
    assert second["previous_response_id"] == "resp_kept"
    assert second["input"] == [{"role": "user", "content": "two"}]
    assert second["instructions"] == "Be brief."


async def test_a_gateway_that_says_it_stores_is_sent_everything_unless_asked_to_store(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    server.answer = lambda _request: response("kept", response_id="resp_kept")
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider, "one")
        await drive(conversation, provider, "two")
    second = server.requests[1]
    assert "previous_response_id" not in second
    assert [item["role"] for item in second["input"]] == ["user", "assistant", "user"]


async def test_a_server_that_takes_no_earlier_response_gets_everything_instead(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    def answer(request: dict[str, Any]) -> Answer:
        if "previous_response_id" in request:
            return error(400, "this server does not support 'previous_response_id'.")
        return response("said")

    server.answer = answer
    conversation = archive.new(SessionSettings(parameters=Parameters(store=True)))
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider, "one")
        await drive(conversation, provider, "two")
        await drive(conversation, provider, "three")
    assert ["previous_response_id" in request for request in server.requests] == [
        False,
        True,
        False,
        False,
    ]
    assert len(server.requests[2]["input"]) == 3
    second = list(conversation.exchanges.values())[1]
    assert "previous_response_id was rejected" in second.adaptations[0]


async def test_items_go_back_verbatim_where_the_server_keeps_nothing(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    reasoning = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Thinking."}],
        "encrypted_content": "gAAA",
    }
    server.answer = lambda _request: response("said", items=(reasoning,), store=False)
    settings = SessionSettings(parameters=Parameters(store=False))
    conversation = archive.new(settings)
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider, "one")
        await drive(conversation, provider, "two")
    first, second = server.requests
    assert first["include"] == ["reasoning.encrypted_content"]
    assert "previous_response_id" not in second
    assert second["input"] == [
        {"role": "user", "content": "one"},
        reasoning,
        message("said"),
        {"role": "user", "content": "two"},
    ]
    (exchange, _) = conversation.exchanges.values()
    assert exchange.choice(0).reasoning == "Thinking."


async def test_continuing_asks_for_one_answer(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    server.answer = lambda _request: reply("half", finish="length")
    conversation = archive.new(TWO)
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        await conversation.continue_reply(target_of(provider))
    assert ["n" in request for request in server.requests] == [True, False]
    assert texts(conversation)[-1] == "halfhalf"


async def test_a_session_can_be_saved_twice_at_once(archive: Archive, store: SqliteStore) -> None:
    conversation = archive.new(SessionSettings())
    await asyncio.gather(conversation.save_head(), conversation.save_head())
    cut = asyncio.create_task(archive.new(SessionSettings()).save_head())
    await asyncio.sleep(0)
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    assert len(await store.list_sessions()) >= 1


async def test_a_journal_that_ends_with_the_end_is_a_whole_reply(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    server.answer = lambda _request: response("whole")
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider)
    (exchange,) = conversation.exchanges.values()
    wire = await store.load_wire(exchange.id)
    opening = make_exchange(api=Api.RESPONSES)
    whole = refold(opening, wire.frames, translate_frames)
    assert (whole.state, whole.failure) == (ExchangeState.COMPLETED, None)
    cut = refold(opening, wire.frames[:-1], translate_frames)
    assert cut.state is ExchangeState.TRUNCATED


def test_a_reply_that_talks_of_the_marker_is_not_thereby_done() -> None:
    frame = WireFrame(1.0, sse(delta("it ends with [DONE]"))[0].decode())
    assert refold(make_exchange(), [frame], translate_frames).state is ExchangeState.TRUNCATED


async def test_half_an_item_goes_back_as_text(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    whole = list(response("broken").chunks)
    server.answer = lambda _request: Answer(chunks=whole[:3], cut=True)
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider, "one")
        (exchange,) = conversation.exchanges.values()
        assert exchange.state is ExchangeState.TRUNCATED
        server.answer = lambda _request: response("whole")
        await drive(conversation, provider, "two")
    assert server.requests[1]["input"] == [
        {"role": "user", "content": "one"},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "broken"}],
        },
        {"role": "user", "content": "two"},
    ]


async def test_the_end_of_a_reply_that_streamed_when_a_session_was_opened_is_loaded(
    server: LoopbackServer, clock: Clock, archive: Archive, tmp_path: Path
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def answer(_request: object) -> Answer:
        begun.set()
        return Answer(chunks=[go_on, *sse(delta("Hello"))])

    server.answer = answer
    store = SqliteStore(tmp_path / "sessions.db", "another")
    ids = Ids()
    other = Archive(store, clock, lambda: f"b{ids()}")
    there = other.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        streaming = asyncio.create_task(drive(there, provider, "one"))
        await asyncio.to_thread(begun.wait)
        conversation = await archive.open(there.session.id)
        await conversation.save_head()  # a change by this window
        go_on.set()
        await streaming
        assert await conversation.catch_up()
        (exchange,) = conversation.exchanges.values()
        assert exchange.state.is_terminal
        assert not await conversation.catch_up()
    await store.close()


async def test_a_deletion_right_after_a_reply_is_seen(
    server: LoopbackServer, clock: Clock, archive: Archive, tmp_path: Path
) -> None:
    conversation = archive.new(SessionSettings())
    other_store = SqliteStore(tmp_path / "sessions.db", "another")
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "one")
        await Archive(other_store, clock, Ids()).delete(conversation.session.id)
        assert await conversation.catch_up()
        assert conversation.session.deleted_at is not None
        assert not await conversation.catch_up()
    await other_store.close()


class LateStore(SqliteStore):
    """A store whose sessions arrive late: after `has_read`, when `may_arrive` is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "late")
        self.has_read, self.may_arrive = asyncio.Event(), asyncio.Event()

    async def load_session(self, session_id: str) -> StoredSession:
        stored = await super().load_session(session_id)
        self.has_read.set()
        await self.may_arrive.wait()
        return stored


async def test_what_arrives_late_does_not_replace_what_was_written_meanwhile(
    server: LoopbackServer, clock: Clock, archive: Archive, tmp_path: Path
) -> None:
    store = LateStore(tmp_path / "sessions.db")
    conversation = Archive(store, clock, Ids()).new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "one")
        there = await archive.open(conversation.session.id)
        there.session = replace(there.session, title="Renamed")
        await there.save_head()
        catching_up = asyncio.create_task(conversation.catch_up())
        await store.has_read.wait()
        await drive(conversation, provider, "two")
        store.may_arrive.set()
        assert not await catching_up
        await drive(conversation, provider, "three")  # it was not continued elsewhere
        assert await conversation.catch_up()
        assert conversation.session.title == "Renamed"
        assert not await conversation.catch_up()
    await store.close()


async def test_a_window_takes_in_what_another_one_did_before_it_sends(
    server: LoopbackServer, clock: Clock, archive: Archive, tmp_path: Path
) -> None:
    conversation = archive.new(SessionSettings())
    other_store = SqliteStore(tmp_path / "sessions.db", "another")
    ids = Ids()
    other = Archive(other_store, clock, lambda: f"b{ids()}")
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "one")
        assert not await conversation.catch_up()
        there = await other.open(conversation.session.id)
        await drive(there, provider, "from the other window")
        with pytest.raises(SessionMoved, match="another window"):
            await drive(conversation, provider, "two")
        assert texts(conversation)[2:] == ["from the other window", "Hello world"]
        assert len(server.requests) == 2
        await drive(conversation, provider, "two")
        assert await there.catch_up()
        assert texts(there) == texts(conversation)
    await other_store.close()
    assert len(server.requests[2]["messages"]) == 5


async def test_nobody_sends_into_a_reply_that_streams_in_another_window(
    server: LoopbackServer, clock: Clock, archive: Archive, tmp_path: Path
) -> None:
    conversation = archive.new(SessionSettings())
    other_store = SqliteStore(tmp_path / "sessions.db", "another")
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "one")
        gate = threading.Event()
        server.answer = lambda _request: Answer(chunks=[*sse(delta("part"), done=False), gate])
        send = partial(conversation.send, (TextPart("two"),), target_of(provider))
        async with running_to(says("part"), send):
            there = await Archive(other_store, clock, lambda: "never").open(conversation.session.id)
            with pytest.raises(SessionMoved, match="streaming a reply in this session"):
                await drive(there, provider, "three")
        gate.set()
    await other_store.close()


async def test_a_name_given_in_one_window_survives_a_message_sent_in_another(
    server: LoopbackServer, clock: Clock, archive: Archive, tmp_path: Path
) -> None:
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "one")
        elsewhere = SqliteStore(tmp_path / "sessions.db", "another")
        await Archive(elsewhere, clock, Ids()).rename(conversation.session.id, "A better name")
        await drive(conversation, provider, "two")
        stored = await elsewhere.load_session(conversation.session.id)
        await elsewhere.close()
    assert stored.session.title == "A better name"
    assert len(stored.branch) == 4

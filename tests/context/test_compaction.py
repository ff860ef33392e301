"""A conversation goes on from a summary in a new branch; the old branch stays."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from replyscope.domain.errors import OverLimit, ReplyscopeError, SessionMoved
from replyscope.domain.exchange import SENDABLE, Api
from replyscope.domain.message import Role
from replyscope.domain.ports import Clock
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import Parameters, Schema, SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.aside import ask_aside
from replyscope.engine.compaction import Compaction
from replyscope.engine.conversation import Conversation
from replyscope.engine.message_marks import pin
from replyscope.engine.spending import SpendingAnswer
from replyscope.inspection.context import fit_into, tokens_of
from replyscope.inspection.request_parts import TokenSource, request_size
from replyscope.provider.openai_provider import OpenAIProvider
from replyscope.store.sqlite_store import SqliteStore
from tests.context.test_marks import contents, mark
from tests.engine.test_conversation import Ids, drive, target_of
from tests.engine.test_tools import Workshop, asks, in_turn
from tests.hands.test_spending import HI, PRICES, Person, opened, settings, with_limit
from tests.hands.test_spending import target_of as limited_target
from tests.support.build import open_chat
from tests.support.responses import response
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage

COMPACTED = {
    "id": "resp_c",
    "object": "response.compaction",
    "created_at": 1,
    "output": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "one"}]},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA"},
    ],
    "usage": {"input_tokens": 90, "output_tokens": 9, "total_tokens": 99},
}


@pytest.fixture
def archive(store: SqliteStore, clock: Clock) -> Archive:
    return Archive(store, clock, Ids())


def texts(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.read_messages()]


async def talk(conversation: Conversation, provider: OpenAIProvider) -> None:
    await drive(conversation, provider, "one")
    await drive(conversation, provider, "two")


async def test_the_session_goes_on_from_the_edited_summary_and_the_old_branch_stays(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    conversation = archive.new(SessionSettings(system="Be brief."))
    async with open_chat(server.base_url, clock) as provider:
        await talk(conversation, provider)
        mark(conversation, 3, pin)
        first, pinned = conversation.messages[0], conversation.messages[3]
        compaction = Compaction(conversation)
        assert await compaction.summarise(target_of(provider)) == "reply 3"
        assert compaction.price.startswith("12 tokens")
        await compaction.accept("They counted to two.")
        await drive(conversation, provider, "three")
        asked = server.requests[2]["messages"]
        assert [entry["role"] for entry in asked] == [
            *("system", "user", "assistant", "user", "assistant", "user")
        ]
        assert asked[-1]["content"].startswith("Summarise this conversation")
        assert contents(server.requests[3]) == [
            "Be brief.",
            "Summary of the conversation so far:\n\nThey counted to two.",
            "reply 2",
            "three",
        ]
        root, copy = conversation.messages[:2]
        assert conversation.tree.siblings(root) == (first, root)
        assert copy.sources == pinned.sources
        assert conversation.session.settings.mark_of(copy.id) == "pinned"
        again = await Archive(store, clock, Ids(50)).open(conversation.session.id)
        assert texts(again) == texts(conversation)
        await again.go_to(first.id)
        assert texts(again)[:4] == ["one", "reply 1", "two", "reply 2"]
        await drive(again, provider, "and on")
    assert contents(server.requests[4])[1:] == ["one", "reply 1", "two", "reply 2", "and on"]


async def test_a_server_that_keeps_replies_gets_the_summary_before_a_pinned_reply(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    server.answer = lambda _request: response("x", response_id=f"resp_{len(server.requests)}")
    conversation = archive.new(SessionSettings(parameters=Parameters(store=True)))
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await talk(conversation, provider)
        mark(conversation, 3, pin)
        compaction = Compaction(conversation)
        await compaction.summarise(target_of(provider))
        await compaction.accept("They counted to two.")
        exchanges = conversation.exchanges
        known = fit_into(
            conversation.read_messages(), exchanges, (), 1_000, conversation.session.settings
        )
        request = ModelRequest("m", tuple(conversation.read_messages()))
        size = request_size(request, request.messages, exchanges)
        await drive(conversation, provider, "three")
        await drive(conversation, provider, "four")
    asked = server.requests[3]
    assert "previous_response_id" not in asked
    assert "They counted to two." in json.dumps(asked["input"])
    assert server.requests[4]["previous_response_id"] == "resp_4"
    # The usage of the pinned reply is of a request in the old branch.
    assert size.source is TokenSource.ESTIMATED
    assert size.tokens + tokens_of(()) == known.tokens


async def test_a_cancelled_compaction_returns_to_the_conversation(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await talk(conversation, provider)
        compaction = Compaction(conversation)
        await compaction.summarise(target_of(provider))
        # As after a kill: nothing is done before the person accepts the summary.
        killed = await Archive(store, clock, Ids(50)).open(conversation.session.id)
        assert texts(killed) == ["one", "reply 1", "two", "reply 2"]
        assert texts(conversation) == ["one", "reply 1", "two", "reply 2"]
        await drive(conversation, provider, "three")
    assert contents(server.requests[3]) == ["one", "reply 1", "two", "reply 2", "three"]
    spent = [exchange.id for exchange in conversation.exchanges.values()]
    assert len(spent) == 4


async def test_a_kill_while_a_summary_streams_leaves_the_end_of_the_conversation(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await talk(conversation, provider)
        before = texts(conversation)
        gate = threading.Event()
        ending = sse(delta(finish="stop"), usage())
        answer = Answer(chunks=[*sse(delta("part"), done=False), gate, *ending])
        server.answer = lambda _request: answer
        has_begun = asyncio.Event()
        compaction, target = Compaction(conversation), target_of(provider)
        summary = asyncio.create_task(compaction.summarise(target, lambda _: has_begun.set()))
        await has_begun.wait()
        try:
            # What is on disk now is what a killed program leaves.
            killed = await Archive(store, clock, Ids(50)).open(conversation.session.id)
            assert texts(killed) == before
            assert not await conversation.catch_up()
        finally:
            gate.set()
        assert await summary == "part"
        assert texts(conversation) == before
        await killed.go_to(killed.tree.messages[-1].id)  # the summary is still another version
        server.answer = lambda _request: reply("later")
        await drive(killed, provider, "three")
    assert contents(server.requests[-1]) == [*before, "three"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (error(500, "overloaded"), "overloaded"),
        (reply("", finish="stop"), "the reply is empty"),
    ],
    ids=["failed", "empty"],
)
async def test_without_a_summary_nothing_changes_and_the_reason_is_said(
    server: LoopbackServer, clock: Clock, archive: Archive, answer: Answer, why: str
) -> None:
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await talk(conversation, provider)
        server.answer = lambda _request: answer
        before = conversation.session.head_id
        with pytest.raises(ReplyscopeError, match=why):
            await Compaction(conversation).summarise(target_of(provider))
    assert conversation.session.head_id == before


async def test_a_summary_that_was_cut_says_so(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    server.answer = lambda _request: reply("half", finish="length")
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await talk(conversation, provider)
        compaction = Compaction(conversation)
        assert await compaction.summarise(target_of(provider)) == "half"
    assert compaction.price.endswith("it was cut at a limit")


async def test_a_summary_has_no_tools_schema_or_limits(
    server: LoopbackServer, clock: Clock, store: SqliteStore, tmp_path: Path
) -> None:
    workshop = Workshop(store, clock, tmp_path)
    in_turn(server, asks(("add", '{"a": 1, "b": 2}')), reply("It is 3."), reply("A sum."))
    await workshop.send(server, clock)
    conversation = workshop.conversation
    mark(conversation, 1, pin)
    parameters = Parameters(n=3, max_tokens=5, temperature=0.5)
    settings = conversation.session.settings
    conversation.change_settings(
        SessionSettings(parameters=parameters, schema=Schema("s", "{}"), pinned=settings.pinned)
    )
    async with open_chat(server.base_url, clock) as provider:
        compaction = Compaction(conversation)
        await compaction.summarise(target_of(provider))
        await compaction.accept("A sum.")
    sent = server.requests[2]
    assert sent["temperature"] == 0.5
    assert not {"n", "max_tokens", "max_completion_tokens", "tools", "response_format"} & set(sent)
    roles = [message.role for message in conversation.messages]
    assert roles == [Role.USER, Role.ASSISTANT, Role.TOOL]


def compacts(server: LoopbackServer, body: object = COMPACTED) -> None:
    answer = Answer(content_type="application/json", chunks=[json.dumps(body).encode()])
    server.routes["POST", "/responses/compact"] = answer
    server.answer = lambda _request: response("x", response_id="resp_1", store=False)


async def test_the_server_compacts_and_gets_its_items_back(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    compacts(server)
    conversation = archive.new(SessionSettings(system="Be brief."))
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await talk(conversation, provider)
        first = conversation.messages[0]
        compaction = Compaction(conversation)
        await compaction.compact_at_server(target_of(provider))
        await compaction.accept()
        again = await Archive(store, clock, Ids(50)).open(conversation.session.id)
        await drive(again, provider, "three")
    assert server.paths[2] == "POST /v1/responses/compact"
    body = json.loads(server.bodies[0])
    assert set(body) == {"model", "input", "instructions"}
    assert len(body["input"]) == 4
    sent = server.requests[-1]["input"]
    assert sent[:2] == COMPACTED["output"]
    assert sent[2:] == [{"role": "user", "content": "three"}]
    assert "previous_response_id" not in server.requests[-1]
    assert compaction.price.startswith("99 tokens")
    assert again.tree.siblings(again.messages[0])[0] == first


async def test_another_model_does_not_get_a_compaction_that_it_cannot_read(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    compacts(server)
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await talk(conversation, provider)
        compaction, target = Compaction(conversation), target_of(provider)
        await compaction.compact_at_server(target)
        await compaction.accept()
        other = replace(target, model="another-model")
        before = (conversation.session, len(server.paths))
        starts: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: conversation.send(HI, other),
            lambda: Compaction(conversation).summarise(other),
            lambda: ask_aside(conversation, HI, other, None),
        )
        for start in starts:
            with pytest.raises(ReplyscopeError, match=f"Only {target.model} at"):
                await start()
        assert (conversation.session, len(server.paths)) == before
        await conversation.send(HI, target)
        await conversation.go_to(conversation.tree.messages[0].id)
        await conversation.send(HI, other)


@pytest.mark.parametrize(
    "body", [{"object": "response.compaction", "output": []}, {"error": {"message": "no"}}, []]
)
async def test_a_server_that_does_not_compact_is_named(
    server: LoopbackServer, clock: Clock, archive: Archive, body: object
) -> None:
    compacts(server, body)
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await talk(conversation, provider)
        before = conversation.session.head_id
        with pytest.raises(ReplyscopeError, match="did not compact"):
            await Compaction(conversation).compact_at_server(target_of(provider))
        del server.routes["POST", "/responses/compact"]
        with pytest.raises(ReplyscopeError, match="did not compact"):
            await Compaction(conversation).compact_at_server(target_of(provider))
    assert conversation.session.head_id == before


async def test_only_the_responses_api_compacts_at_the_server(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await talk(conversation, provider)
        with pytest.raises(ReplyscopeError, match="Only the Responses API"):
            await Compaction(conversation).compact_at_server(target_of(provider))
    with pytest.raises(ReplyscopeError, match="nothing to compact"):
        Compaction(archive.new(SessionSettings()))


async def test_a_session_that_another_window_continued_is_not_compacted(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await talk(conversation, provider)
        elsewhere = await Archive(store, clock, Ids(50)).open(conversation.session.id)
        compaction = Compaction(conversation)
        await drive(elsewhere, provider, "three")
        with pytest.raises(SessionMoved):
            await compaction.summarise(target_of(provider))
    assert len(server.requests) == 3
    assert texts(conversation) == texts(elsewhere)
    assert conversation.session.settings.left_out == ()


async def test_a_conversation_that_the_server_keeps_is_not_compacted(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    server.answer = lambda _request: response("x")
    kept = Parameters().changed({"conversation": "conv_1"})
    conversation = archive.new(SessionSettings(parameters=kept))
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await talk(conversation, provider)
        for start in (Compaction.summarise, Compaction.compact_at_server):
            with pytest.raises(ReplyscopeError, match="parameter conversation"):
                await start(Compaction(conversation), target_of(provider))
    assert len(server.requests) == 2


@pytest.mark.parametrize("api", SENDABLE)
async def test_a_compaction_asks_before_it_passes_a_spending_limit(
    server: LoopbackServer, tmp_path: Path, api: Api
) -> None:
    is_chat = api is Api.CHAT
    compacts(server)
    server.answer = lambda _: reply("part") if is_chat else response("part", response_id="resp_1")
    settings(tmp_path, f"{PRICES}[limits]\nsession = 0.0001\n")
    person = Person(SpendingAnswer.ONCE, SpendingAnswer.NO, SpendingAnswer.ONCE)
    services = await opened(tmp_path, server, person)
    try:
        assert services.endpoint is not None
        services.endpoint = replace(services.endpoint, api=api)
        conversation = services.archive.new(with_limit())
        target = await limited_target(services)
        await conversation.send(HI, target)
        before = conversation.session
        for way in (Compaction.summarise, Compaction.compact_at_server)[: 1 if is_chat else 2]:
            person.answers = [SpendingAnswer.NO, SpendingAnswer.ONCE]
            asked, sent = len(person.asked), len(server.paths)
            with pytest.raises(OverLimit):
                await way(Compaction(conversation), target)
            assert len(server.paths) == sent
            assert conversation.session.head_id == before.head_id
            assert conversation.session.settings == before.settings
            compaction = Compaction(conversation)
            await way(compaction, target)
            assert (len(person.asked) - asked, len(server.paths) - sent) == (2, 1)
            before = conversation.session
    finally:
        await services.close()

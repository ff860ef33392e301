"""Several models answer one question at once: their replies are siblings."""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.errors import OverLimit
from replyscope.domain.event import Event, StreamEnded, TextDelta
from replyscope.domain.exchange import Api, ExchangeState
from replyscope.domain.message import Role, TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.spending import SpendingAnswer
from replyscope.provider.openai_provider import OpenAIProvider
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids, drive, target_of
from tests.engine.test_rules import conversation_with
from tests.engine.test_tools import Workshop, asks, workshop
from tests.hands import test_spending as spending
from tests.support.build import open_chat
from tests.support.responses import response
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse
from tests.support.turns import running_to

__all__ = ["workshop"]

HI = (TextPart("hi"),)
MODELS = ("one", "two", "three")


@pytest.fixture
def conversation(store: SqliteStore, clock: Clock) -> Conversation:
    return Archive(store, clock, Ids()).new(SessionSettings())


def targets(provider: OpenAIProvider, models: Sequence[str] = MODELS) -> list[Target]:
    return [replace(target_of(provider), model=model) for model in models]


def siblings(conversation: Conversation) -> dict[str, str]:
    """The texts of the answers to the first question, by model."""
    found = {}
    for message in conversation.tree.children(conversation.messages[0].id):
        exchange = conversation.exchanges[message.sources[-1].exchange_id]
        found[exchange.model] = exchange.choice(0).text
    return found


async def test_all_are_asked_before_one_answers_and_each_end_is_on_disk_when_it_is_told(
    server: LoopbackServer, clock: Clock, conversation: Conversation, store: SqliteStore
) -> None:
    gate = threading.Event()
    asked: list[dict[str, Any]] = []
    on_disk: list[int] = []
    path = store._database.path
    assert path is not None

    def answer(request: dict[str, Any]) -> Answer:
        if request["model"] not in MODELS:
            return reply("first")
        asked.append(request)
        if len(asked) == len(MODELS):
            gate.set()
        return Answer(chunks=[gate, *sse(delta(f"I am {request['model']}"), delta(finish="stop"))])

    server.answer = answer

    def listen(event: Event) -> None:
        if isinstance(event, StreamEnded):
            with closing(sqlite3.connect(path)) as other:
                query = "SELECT count(*) FROM exchange WHERE state = 'completed'"
                on_disk.extend(count for (count,) in other.execute(query))

    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        await conversation.retry_each(targets(provider), listen)
    said = [[m["content"] for m in request["messages"]] for request in asked]
    assert said == [["hi"]] * 3
    assert siblings(conversation) == {
        "test-model": "first", "one": "I am one", "two": "I am two", "three": "I am three"
    }  # fmt: skip
    assert len(on_disk) == len(MODELS)
    assert all(count >= told for told, count in enumerate(on_disk, start=2))
    assert conversation.read_messages()[-1].text == "I am three"
    reopened = await Archive(store, clock, Ids()).open(conversation.session.id)
    assert [m.text for m in reopened.read_messages()] == ["hi", "I am three"]


async def test_a_failing_model_stops_no_other(
    server: LoopbackServer, clock: Clock, conversation: Conversation
) -> None:
    server.answer = lambda request: (
        error(404, "no such model") if request["model"] == "two" else reply(request["model"])
    )
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        assert await conversation.retry_each(targets(provider)) is None
    assert siblings(conversation) == {
        "test-model": "test-model", "one": "one", "two": "", "three": "three"
    }  # fmt: skip


async def test_cancelling_saves_what_each_said(
    server: LoopbackServer, clock: Clock, conversation: Conversation
) -> None:
    gate = threading.Event()
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        server.answer = lambda _request: Answer(chunks=[*sse(delta("part"), done=False), gate])
        count = 0

        def all_said(event: Event) -> bool:
            nonlocal count
            count += isinstance(event, TextDelta)
            return count == len(MODELS)

        async with running_to(all_said, partial(conversation.retry_each, targets(provider))):
            assert len(conversation.lives) == len(MODELS)
        gate.set()
    assert not conversation.is_streaming
    *_, one, two, three = conversation.exchanges.values()
    for exchange in (one, two, three):
        assert (exchange.choice(0).text, exchange.state) == ("part", ExchangeState.CANCELLED)


async def test_the_first_one_that_begins_is_shown_while_they_stream(
    server: LoopbackServer, clock: Clock, store: SqliteStore
) -> None:
    conversation = Archive(store, clock, Ids()).new(SessionSettings(parameters=Parameters(n=3)))
    server.answer = lambda _request: response(f"answer {len(server.requests)}")
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider)
    question, shown = conversation.messages
    assert shown.id == conversation.tree.children(question.id)[0].id


async def test_the_tools_of_each_reply_run_with_consent_when_all_have_ended(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    def answer(request: dict[str, Any]) -> Answer:
        results = [m["content"] for m in request["messages"] if m["role"] == "tool"]
        if request["model"] == "test-model" or results:
            return reply(f"{request['model']} got {results}")
        number = MODELS.index(request["model"])
        return asks(("add", f'{{"a": {number}, "b": 1}}'))

    server.answer = answer
    async with open_chat(server.base_url, clock) as provider:
        await drive(workshop.conversation, provider)
        assert await workshop.conversation.retry_each(targets(provider)) is None
    ends = [m.text for m in workshop.conversation.read_messages()]
    assert ends[-1] == "three got ['3']"
    ended = [e.choice(0).text for e in workshop.conversation.exchanges.values()]
    assert ended[-3:] == ["one got ['1']", "two got ['2']", "three got ['3']"]
    roles = [m.role for m in workshop.conversation.messages]
    assert roles == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]


async def test_a_rule_continues_the_reply_that_it_fired_for(
    server: LoopbackServer, store: SqliteStore, clock: Clock, tmp_path: Path
) -> None:
    rule = '[[rule]]\nwhen = "finish:length"\ndo = "continue"\nmax = 1\n'
    conversation = conversation_with(rule, store, clock, tmp_path)

    def answer(request: dict[str, Any]) -> Answer:
        is_second = request["messages"][-1]["role"] == "assistant"
        is_cut = request["model"] == "one" and not is_second
        return reply("b" if is_second else "a", finish="length" if is_cut else "stop")

    server.answer = answer
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        await conversation.retry_each(targets(provider))
    (one,) = [m for m in conversation.tree.messages if len(m.sources) == 2]
    models = [conversation.exchanges[source.exchange_id].model for source in one.sources]
    assert models == ["one", "one"]
    assert len(server.requests) == 5


async def test_each_model_is_asked_about_before_the_first_request(
    server: LoopbackServer, tmp_path: Path
) -> None:
    spending.settings(tmp_path, f"{spending.PRICES}[limits]\nsession = 0.008\n")
    person = spending.Person(SpendingAnswer.NO)
    services = await spending.opened(tmp_path, server, person)
    try:
        conversation = services.archive.new(spending.with_limit(7))
        target = await spending.target_of(services)
        await conversation.send(HI, target)
        free = replace(target, model="unpriced")
        with pytest.raises(OverLimit):
            await conversation.retry_each([target, free])
        assert [request["model"] for request in server.requests] == ["test-model", "unpriced"]
        person.answers = [SpendingAnswer.NO]
        with pytest.raises(OverLimit):
            await conversation.retry_each([target])
        assert conversation.read_messages()[-1].text == "Hello world"
    finally:
        await services.close()

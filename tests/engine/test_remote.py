"""Replies that a provider keeps: fetched with what led to them, stopped, deleted, indexed."""

import json
from typing import Any

import pytest

from replyscope.domain.errors import ProviderError
from replyscope.domain.exchange import Api
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role
from replyscope.domain.ports import Clock
from replyscope.domain.remote import RemoteState
from replyscope.domain.session import SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.remote import RemoteReplies
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids, drive
from tests.support.build import open_chat
from tests.support.responses import events, response
from tests.support.server import Answer, LoopbackServer, delta, error, sse


def as_json(value: object) -> Answer:
    return Answer(content_type="application/json", chunks=[json.dumps(value).encode()])


def kept(response_id: str, text: str, *, after: str | None = None) -> dict[str, Any]:
    """A response as the server would hand it out."""
    made: dict[str, Any] = events(text, response_id=response_id)[-1]["response"]
    return {**made, "created_at": 1_790_000_000, "previous_response_id": after}


def items(*said: tuple[str, str]) -> Answer:
    data = [
        {
            "type": "message",
            "id": item_id,
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
        }
        for item_id, text in said
    ]
    return as_json({"object": "list", "data": data, "has_more": False})


@pytest.fixture
def remote(store: SqliteStore, clock: Clock) -> RemoteReplies:
    return RemoteReplies(store, clock, Ids())


async def test_a_reply_comes_with_its_input_and_the_replies_before_it(
    server: LoopbackServer, clock: Clock, remote: RemoteReplies, store: SqliteStore
) -> None:
    server.routes = {
        ("GET", "/responses/resp_1"): as_json(kept("resp_1", "first answer")),
        ("GET", "/responses/resp_1/input_items"): items(("i1", "first question")),
        ("GET", "/responses/resp_2"): as_json(kept("resp_2", "second answer", after="resp_1")),
        ("GET", "/responses/resp_2/input_items"): items(
            ("i1", "first question"), ("i2", "second question")
        ),
    }
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        session_id = await remote.fetch(provider.stored, "resp_2")
    conversation = await Archive(store, clock, Ids()).open(session_id)
    said = [(m.role, m.text) for m in conversation.read_messages()]
    assert said == [
        (Role.USER, "first question"),
        (Role.ASSISTANT, "first answer"),
        (Role.USER, "second question"),
        (Role.ASSISTANT, "second answer"),
    ]
    assert conversation.session.title == "first question"
    last = list(conversation.exchanges.values())[-1]
    assert last.response_id == "resp_2"
    assert last.choice(0).finish_reason is FinishReason.STOP
    assert last.usage is not None
    assert {r.response_id: r.state for r in await remote.list()} == {
        "resp_1": RemoteState.KEPT,
        "resp_2": RemoteState.KEPT,
    }


async def test_a_stored_completion_is_fetched_too(
    server: LoopbackServer, clock: Clock, remote: RemoteReplies, store: SqliteStore
) -> None:
    completion = {
        "id": "chatcmpl-9",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "test-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "kept"},
                "finish_reason": "length",
            }
        ],
    }
    asked = {"id": "m1", "role": "user", "content": "a question"}
    server.routes = {
        ("GET", "/chat/completions/chatcmpl-9"): as_json(completion),
        ("GET", "/chat/completions/chatcmpl-9/messages"): as_json(
            {"object": "list", "data": [asked], "has_more": False}
        ),
    }
    async with open_chat(server.base_url, clock) as provider:
        session_id = await remote.fetch(provider.stored, "chatcmpl-9")
    stored = await store.load_session(session_id)
    assert next(iter(stored.exchanges.values())).choice(0).finish_reason is FinishReason.LENGTH
    assert stored.branch[0].text == "a question"


async def test_every_id_that_was_seen_is_in_the_index(
    server: LoopbackServer, clock: Clock, remote: RemoteReplies, archive: Archive
) -> None:
    server.answer = lambda _request: response("x", response_id="resp_seen", store=False)
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider)
    (seen,) = await remote.list()
    assert (seen.response_id, seen.state) == ("resp_seen", RemoteState.NOT_KEPT)
    assert seen.session_id == conversation.session.id


async def test_what_has_expired_and_what_is_not_supported_are_told_apart(
    server: LoopbackServer, clock: Clock, remote: RemoteReplies, archive: Archive
) -> None:
    server.answer = lambda _request: Answer(
        chunks=sse(*({**c, "id": "chatcmpl-gone"} for c in (delta("x"), delta(finish="stop"))))
    )
    conversation = archive.new(SessionSettings())
    gone = error(404, "Chat completion chatcmpl-gone not found.")
    server.routes = {("GET", "/chat/completions/chatcmpl-gone"): gone}
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        with pytest.raises(ProviderError) as expired:
            await remote.fetch(provider.stored, "chatcmpl-gone")
        with pytest.raises(ProviderError, match="not supported by this server"):
            await remote.cancel(provider.stored, "resp_5")
    assert expired.value.failure.kind == "expired"
    states = {reply.response_id: reply.state for reply in await remote.list()}
    assert states["chatcmpl-gone"] is RemoteState.EXPIRED


async def test_a_reply_is_stopped_and_deleted_at_the_provider(
    server: LoopbackServer, clock: Clock, remote: RemoteReplies, archive: Archive
) -> None:
    server.answer = lambda _request: response("x", response_id="resp_d")
    server.routes = {
        ("POST", "/responses/resp_d/cancel"): as_json(
            {**kept("resp_d", ""), "status": "cancelled"}
        ),
        ("DELETE", "/responses/resp_d"): as_json({"id": "resp_d", "deleted": True}),
    }
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider)
        assert await remote.cancel(provider.stored, "resp_d") == "cancelled"
        await remote.delete(provider.stored, "resp_d")
    assert [reply.state for reply in await remote.list()] == [RemoteState.DELETED]
    assert server.paths[-2:] == [
        "POST /v1/responses/resp_d/cancel",
        "DELETE /v1/responses/resp_d",
    ]


@pytest.fixture
def archive(store: SqliteStore, clock: Clock) -> Archive:
    return Archive(store, clock, Ids())

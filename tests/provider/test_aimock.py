"""Ten stories against aimock, a server that nobody here wrote: five on each API."""

from collections.abc import Iterator
from typing import Any

import pytest

from replyscope.domain.exchange import SENDABLE, Api, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import SessionSettings
from replyscope.engine.archive import Archive
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids, target_of
from tests.support.aimock import running
from tests.support.build import ask, open_chat, run

pytestmark = pytest.mark.installs
APIS = pytest.mark.parametrize("api", SENDABLE)
LONG = "A reply that is long enough to be cut somewhere in its middle. " * 6
WEATHER = {"id": "call_w1", "name": "get_weather", "arguments": '{"city":"Paris"}'}
FIXTURES: list[dict[str, Any]] = [
    {"match": {"userMessage": "hello"}, "response": {"content": "Hello there, friend."}},
    {"match": {"userMessage": "weather"}, "response": {"toolCalls": [WEATHER]}},
    {
        "match": {"userMessage": "drop"},
        "response": {"content": LONG},
        "chunkSize": 5,
        "latency": 60,
        "disconnectAfterMs": 350,
    },
    {
        "match": {"userMessage": "fail"},
        "response": {
            "error": {"message": "No tokens for you", "type": "rate_limit_error"},
            "status": 429,
        },
    },
    {
        "match": {"userMessage": "cut"},
        "response": {"content": "As far as it", "finishReason": "length"},
    },
    {"match": {"userMessage": "again"}, "response": {"content": "Once more."}},
]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("aimock"), FIXTURES) as url:
        yield url


@APIS
async def test_a_reply_streams(base_url: str, clock: Clock, api: Api) -> None:
    async with open_chat(base_url, clock, api=api) as provider:
        exchange = await run(provider, ask("hello"))
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.choice(0).text == "Hello there, friend."
    assert exchange.choice(0).finish_reason is FinishReason.STOP
    assert exchange.frame_count > 2


@APIS
async def test_a_tool_is_asked_for(base_url: str, clock: Clock, api: Api) -> None:
    async with open_chat(base_url, clock, api=api) as provider:
        exchange = await run(provider, ask("weather"))
    (call,) = exchange.choice(0).tool_calls
    assert (call.id, call.name, call.arguments) == ("call_w1", "get_weather", '{"city":"Paris"}')
    assert exchange.choice(0).finish_reason is FinishReason.TOOL_CALLS


@APIS
async def test_a_connection_that_drops_keeps_what_came(
    base_url: str, clock: Clock, api: Api
) -> None:
    async with open_chat(base_url, clock, api=api) as provider:
        exchange = await run(provider, ask("drop"))
    assert exchange.state is ExchangeState.TRUNCATED
    assert LONG.startswith(exchange.choice(0).text)
    assert 0 < len(exchange.choice(0).text) < len(LONG)


@APIS
async def test_an_error_is_told_with_its_words(base_url: str, clock: Clock, api: Api) -> None:
    async with open_chat(base_url, clock, api=api) as provider:
        exchange = await run(provider, ask("fail"))
    assert exchange.failure is not None
    assert (exchange.failure.kind, exchange.failure.status) == ("rate_limit", 429)
    assert "No tokens for you" in exchange.failure.message


@APIS
async def test_a_cut_reply_says_so_and_the_conversation_goes_on(
    base_url: str, clock: Clock, store: SqliteStore, api: Api
) -> None:
    conversation = Archive(store, clock, Ids()).new(SessionSettings())
    async with open_chat(base_url, clock, api=api) as provider:
        for text in ("cut", "again"):
            await conversation.send((TextPart(text),), target_of(provider))
    first, second = conversation.exchanges.values()
    if api is Api.CHAT:
        assert first.choice(0).finish_reason is FinishReason.LENGTH
    else:  # it says incomplete, but not why: nothing is made up
        assert first.state is ExchangeState.INCOMPLETE
        assert first.choice(0).finish_reason is FinishReason.OTHER
        assert first.choice(0).finish_reason_raw == "incomplete"
    assert second.choice(0).text == "Once more."

"""Redirects of the model API: the key, the headers and the conversation stay at one origin."""

from collections.abc import Iterator

import pytest

from replyscope.domain.errors import ProviderError
from replyscope.domain.exchange import SENDABLE, Api, Exchange
from replyscope.domain.ports import Clock
from tests.support.build import ask, open_chat, run
from tests.support.server import Answer, LoopbackServer, reply

ALL = pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
HEADERS = (("x-api-key", "opensesame-1"), ("x-custom", "mine"))


@pytest.fixture
def other() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


def moved(status: int, target: str) -> Answer:
    return Answer(status, "text/plain", [], headers={"location": target})


def message_of(exchange: Exchange) -> str:
    assert exchange.failure is not None
    assert exchange.failure.kind == "redirected"
    return f"{exchange.failure.message} {exchange.failure.next_step}"


@ALL
@pytest.mark.parametrize("api", SENDABLE)
async def test_another_origin_is_named_and_gets_nothing(
    server: LoopbackServer, other: LoopbackServer, clock: Clock, status: int, api: Api
) -> None:
    path = "/chat/completions" if api is Api.CHAT else "/responses"
    login = other.base_url.replace("http://", "http://me:pa55word@")
    server.answer = lambda _request: moved(status, f"{login}{path}?token=pa55word")
    async with open_chat(
        server.base_url, clock, api=api, headers=HEADERS, organization="org-1"
    ) as provider:
        told = message_of(await run(provider, ask("a secret plan")))
    assert f"redirects to {other.base_url}{path} ({status})" in told
    assert f"set the base URL to {other.base_url}." in told
    assert "pa55word" not in told
    assert (other.requests, other.bodies, other.paths) == ([], [], [])


@ALL
async def test_a_list_of_models_is_not_fetched_from_another_origin(
    server: LoopbackServer, other: LoopbackServer, clock: Clock, status: int
) -> None:
    server.routes["GET", "/models"] = moved(status, f"{other.base_url}/models")
    other.routes["GET", "/models"] = Answer(200, "application/json", [b'{"data": []}'])
    async with open_chat(server.base_url, clock, headers=HEADERS) as provider:
        with pytest.raises(ProviderError, match="redirects to"):
            await provider.list_models()
    assert other.paths == []


@pytest.mark.parametrize(
    "target", ["//127.0.0.1:1/v1", "https://127.0.0.1/v1", "ftp://x/", "http://["]
)
async def test_however_another_origin_is_written_it_gets_nothing(
    server: LoopbackServer, clock: Clock, target: str
) -> None:
    server.answer = lambda _request: moved(307, target)
    async with open_chat(server.base_url, clock) as provider:
        assert "redirects to" in message_of(await run(provider, ask()))


@pytest.mark.parametrize("status", [307, 308])
async def test_the_same_origin_may_move_a_request(
    server: LoopbackServer, clock: Clock, status: int
) -> None:
    moves = iter([moved(status, "/v1/elsewhere")])
    server.answer = lambda _request: next(moves, reply("Hello"))
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.choice(0).text == "Hello"
    assert server.paths == ["/v1/chat/completions", "/v1/elsewhere"]


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_would_lose_the_body_is_named(
    server: LoopbackServer, clock: Clock, status: int
) -> None:
    server.answer = lambda _request: moved(status, "/v2/chat/completions")
    async with open_chat(server.base_url, clock) as provider:
        told = message_of(await run(provider, ask()))
    assert f"/v2/chat/completions ({status})" in told
    assert server.paths == ["/v1/chat/completions"]


@ALL
async def test_the_same_origin_may_move_its_list(
    server: LoopbackServer, clock: Clock, status: int
) -> None:
    server.routes["GET", "/models"] = moved(status, "/v1/models/")
    async with open_chat(server.base_url, clock) as provider:
        assert [model.id for model in await provider.list_models()] == ["test-model"]

"""The request that is shown is the request that is sent; its tokens are counted on request."""

import json
from dataclasses import replace

import pytest

from replyscope.domain.errors import ProviderError
from replyscope.domain.event import RequestSent
from replyscope.domain.exchange import SENDABLE, Api
from replyscope.domain.ports import Clock
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import Parameters
from replyscope.domain.tool import Tool
from replyscope.inspection.sharing.request_code import as_curl, as_python
from tests.support.build import Memory, ask, collect, open_chat
from tests.support.responses import response
from tests.support.server import Answer, LoopbackServer, error

TOOL = Tool("add", "Add.", '{"type": "object", "properties": {}}', "shipped", "add")
FULL = replace(
    ask("hé \ud800", system="Be brief.", tools=(TOOL,)),
    parameters=Parameters().changed(
        {"temperature": 0.2, "extra": {"own": [1]}, "extra_headers": {"X-Own": "1"}}
    ),
)


def counted(body: str) -> Answer:
    return Answer(content_type="application/json", chunks=[body.encode()])


@pytest.mark.parametrize("api", SENDABLE)
@pytest.mark.parametrize("request_", [ask(), FULL], ids=["small", "full"])
async def test_the_preview_is_the_request_that_is_sent(
    server: LoopbackServer, clock: Clock, api: Api, request_: ModelRequest
) -> None:
    if api is Api.RESPONSES:
        server.answer = lambda _request: response("hi")
    async with open_chat(server.base_url, clock, api=api) as provider:
        preview = await provider.preview(request_)
        assert server.requests == []
        events = await collect(provider, request_)
    (sent,) = (event for event in events if isinstance(event, RequestSent))
    assert preview == sent
    assert json.loads(preview.body) == server.requests[0]
    assert "sk-planted" not in f"{preview}{as_curl(preview, str)}{as_python(preview, str)}"


async def test_a_request_that_cannot_be_built_is_an_error_in_words(
    server: LoopbackServer, clock: Clock
) -> None:
    async with open_chat(server.base_url, clock, key="schlüssel") as provider:
        with pytest.raises(ProviderError, match="key"):
            await provider.preview(ask())


async def test_the_preview_has_what_was_adapted_before(
    server: LoopbackServer, clock: Clock
) -> None:
    memory = Memory()
    async with open_chat(server.base_url, clock, memory=memory) as provider:
        await memory.remember(provider._endpoint.public_url, "test-model", "temperature", "drop")
        preview = await provider.preview(FULL)
    assert "temperature" not in json.loads(preview.body)


@pytest.mark.parametrize("api", SENDABLE)
async def test_the_server_counts_the_tokens_of_the_request(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    answer = counted('{"object": "response.input_tokens", "input_tokens": 321}')
    server.routes["POST", "/responses/input_tokens"] = answer
    async with open_chat(server.base_url, clock, api=api) as provider:
        assert await provider.count_input(FULL) == 321
    body = json.loads(server.bodies[0])
    assert set(body) == {"model", "input", "instructions", "tools"}
    assert body["input"] == [{"role": "user", "content": "hé \ufffd"}]
    assert body["tools"][0]["name"] == "add"
    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        error(404, "Not Found"),
        error(501, "no"),
        counted("{}"),
        counted('{"input_tokens": true}'),
        counted('{"input_tokens": -1}'),
        counted("[]"),
    ],
    ids=["404", "501", "empty", "true", "negative", "list"],
)
async def test_a_server_that_does_not_count_is_named(
    server: LoopbackServer, clock: Clock, answer: Answer
) -> None:
    server.routes["POST", "/responses/input_tokens"] = answer
    async with open_chat(server.base_url, clock) as provider:
        with pytest.raises(ProviderError, match="does not count tokens"):
            await provider.count_input(ask())


async def test_other_errors_of_a_count_are_the_servers(
    server: LoopbackServer, clock: Clock
) -> None:
    server.routes["POST", "/responses/input_tokens"] = error(401, "Incorrect API key")
    async with open_chat(server.base_url, clock) as provider:
        with pytest.raises(ProviderError, match="Incorrect API key"):
            await provider.count_input(ask())

"""Real clients through the relay, and many at once."""

import asyncio
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import openai
import pytest

from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse
from tests.support.suite import Suite
from tests.watch.bench import (
    Stage,
    post,
    read_request,
    relaying,
    relaying_in_a_process,
    serving,
    upstream_at,
)

Relaying = Callable[..., AbstractAsyncContextManager[Stage]]
ASK: Any = {"model": "test-model", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def scripted() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        server.answer = lambda request: reply("Hello", f" {request['messages'][0]['content']}")
        yield server


async def _ask_async(stage: Stage, text: str) -> str:
    async with openai.AsyncOpenAI(base_url=stage.url, api_key="none", max_retries=0) as client:
        asked = {**ASK, "messages": [{"role": "user", "content": text}]}
        stream = await client.chat.completions.create(**asked, stream=True)
        return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


def _ask_sync(stage: Stage) -> str:
    with openai.OpenAI(base_url=stage.url, api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(**ASK, stream=True)
        return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


async def test_the_sdk_streams_through_it(scripted: LoopbackServer) -> None:
    async with relaying(upstream_at(scripted.base_url)) as stage:
        assert await _ask_async(stage, "you") == "Hello you"
        assert await asyncio.to_thread(_ask_sync, stage) == "Hello hi"
        first, second = await stage.watcher.ended(2)
    assert first.request.client.name == "AsyncOpenAI/Python"
    assert second.request.client.name == "OpenAI/Python"
    assert first.body.count(b"data: ") == second.body.count(b"data: ") == 5


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
async def test_the_process_of_a_client_is_known(scripted: LoopbackServer) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    known = threading.Event()
    scripted.answer = lambda _request: Answer(chunks=[known, *sse(delta("Hello"))])
    async with relaying(upstream_at(scripted.base_url)) as stage:
        stage.watcher.hear = known.set  # the client must not end before it is found
        url = f"{stage.url}/chat/completions"
        argv = [curl, "-sS", "--max-time", "20", "-d", json.dumps({**ASK, "stream": True}), url]
        done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, check=True)
        (call,) = await stage.watcher.ended(1)
    assert done.stdout == call.body
    assert b"[DONE]" in call.body
    assert call.request.client.name == "curl"
    assert call.request.client.pid is not None
    assert call.request.client.command.endswith(url)


async def test_an_error_of_the_server_reaches_the_client(scripted: LoopbackServer) -> None:
    scripted.answer = lambda _request: error(429, "slow down", code="rate_limit")
    async with relaying(upstream_at(scripted.base_url)) as stage:
        with pytest.raises(openai.RateLimitError, match="slow down"):
            await _ask_async(stage, "hi")
        (call,) = await stage.watcher.ended(1)
    assert call.status == 429


@pytest.mark.parametrize("relay", [relaying, relaying_in_a_process])
async def test_many_clients_at_once_are_not_mixed(suite: Suite, relay: Relaying) -> None:
    """200 clients with keep-alive; each response repeats its request in pieces."""
    clients, calls = suite.count(200, least=40), 5

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            body = (await read_request(reader)).partition(b"\r\n\r\n")[2]
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for byte in range(0, len(body), 3):
                part = body[byte : byte + 3]
                writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                await asyncio.sleep(0)
            writer.write(b"0\r\n\r\n")

    async def client(stage: Stage, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        for call in range(calls):
            body = f"client {number} call {call}".encode()
            writer.write(post(body))
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            got = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                got += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
            assert got == body
        writer.close()

    async with serving(echo) as url, relay(upstream_at(url)) as stage:
        await asyncio.gather(*(client(stage, number) for number in range(clients)))
        seen = await stage.watcher.ended(clients * calls)
    assert all(call.body == call.request.body for call in seen)
    assert len({call.request.body for call in seen}) == clients * calls

"""The content encodings of responses: those that were asked for, and no others."""

import gzip
import zlib

import pytest

from replyscope.domain.exchange import SENDABLE, Api
from replyscope.domain.ports import Clock
from tests.support.build import ask, open_chat, run
from tests.support.server import Answer, LoopbackServer, delta, sse

TEXT = b"".join(sse(delta("hi"), delta(finish="stop")))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(TEXT)), ("deflate", zlib.compress(TEXT)), ("identity", TEXT)],
)
async def test_an_accepted_encoding_is_read(
    server: LoopbackServer, clock: Clock, encoding: str, body: bytes
) -> None:
    server.answer = lambda _: Answer(chunks=[body], headers={"content-encoding": encoding})
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.choice(0).text == "hi"
    assert server.headers[-1]["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("api", SENDABLE)
@pytest.mark.parametrize("encoding", ["br", "zstd", "BR", "gzip, br", "compress", "made-up"])
async def test_another_encoding_is_a_failure(
    server: LoopbackServer, clock: Clock, api: Api, encoding: str
) -> None:
    answer = Answer(chunks=[b"\x00" * 64], headers={"content-encoding": encoding})
    server.answer = lambda _: answer
    server.routes[("POST", "/responses")] = answer
    async with open_chat(server.base_url, clock, api=api) as provider:
        exchange = await run(provider, ask())
    assert exchange.failure is not None
    assert "cannot be decompressed" in exchange.failure.message
    assert "was not accepted" in exchange.failure.message

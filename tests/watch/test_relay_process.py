"""A relay in a process of its own forwards calls while the loop of its owner is busy."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import openai
import pytest

from replyscope.domain.watched import CallListener, Refuse, WatchedRequest
from replyscope.serving.gate import Decision, Send
from tests.support.server import LoopbackServer, reply
from tests.watch.bench import (
    answering,
    post,
    relaying_in_a_process,
    serving,
    talk,
    upstream_at,
)
from tests.watch.test_gate import PATH, GateBy
from tests.watch.test_injected_faults import JSON, MESSAGES


def ask(url: str) -> str:
    """The reply to a question, awaited without an event loop."""
    with openai.OpenAI(base_url=url, api_key="k", max_retries=0, timeout=30) as client:
        stream = client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        return "".join(one.choices[0].delta.content or "" for one in stream if one.choices)


async def test_calls_are_forwarded_while_the_owner_is_busy(server: LoopbackServer) -> None:
    server.answer = lambda _request: reply("An answer")
    async with relaying_in_a_process(upstream_at(server.base_url)) as stage:
        assert [ask(stage.url), ask(stage.url)] == ["An answer", "An answer"]  # it blocks this loop
        assert stage.watcher.count == 0
        seen = await stage.watcher.ended(2)
    assert [one.status for one in seen] == [200, 200]
    assert all(one.body.endswith(b"data: [DONE]\n\n") for one in seen)
    assert all(one.times == sorted(one.times) for one in seen)


async def test_calls_are_reported_in_the_loop_of_the_owner(server: LoopbackServer) -> None:
    threads: list[int] = []
    server.answer = lambda _request: reply("An answer")
    async with relaying_in_a_process(upstream_at(server.base_url)) as stage:
        stage.watcher.hear = lambda: threads.append(threading.get_ident())
        await asyncio.to_thread(ask, stage.url)
        await stage.watcher.ended(1)
    assert threads == [threading.get_ident()]


async def test_all_that_was_forwarded_is_reported_once_it_is_closed(
    server: LoopbackServer,
) -> None:
    server.answer = lambda _request: reply("An answer")
    async with relaying_in_a_process(upstream_at(server.base_url)) as stage:
        ask(stage.url)
        await stage.close()
        assert stage.watcher.count == 1
        (seen,) = await stage.watcher.ended(1)
    assert seen.body.endswith(b"data: [DONE]\n\n")  # the client reads no further


async def test_what_has_no_room_is_forwarded_and_reported_as_missing(
    server: LoopbackServer,
) -> None:
    server.answer = lambda _request: reply("x" * 20_000)
    async with relaying_in_a_process(upstream_at(server.base_url), most_waiting=8_000) as stage:
        assert ask(stage.url) == "x" * 20_000
        (seen,) = await stage.watcher.ended(1)
    assert seen.request.body
    assert seen.status == 200
    assert len(seen.body) < 20_000
    assert "no room in memory" in (seen.lack or "")


async def test_a_request_that_has_no_room_is_reported_without_its_body(
    server: LoopbackServer,
) -> None:
    server.answer = lambda _request: reply("ok")
    async with relaying_in_a_process(upstream_at(server.base_url), most_waiting=100) as stage:
        assert ask(stage.url) == "ok"
        (seen,) = await stage.watcher.ended(1)
    assert seen.request.is_cut
    assert seen.request.body == b""


class _Failing:
    """An observer that fails. Implements CallObserver."""

    def called(self, request: WatchedRequest) -> CallListener:
        raise RuntimeError("no disk")


async def test_an_observer_that_fails_is_reported_once(server: LoopbackServer) -> None:
    server.answer = lambda _request: reply("ok")
    async with relaying_in_a_process(upstream_at(server.base_url), observer=_Failing()) as stage:
        assert [ask(stage.url), ask(stage.url)] == ["ok", "ok"]
        await stage.close()
    assert stage.reports == [
        "A call could not be recorded (RuntimeError: no disk). Forwarding continues."
    ]


async def _decided(
    decide: Callable[[WatchedRequest], Awaitable[Decision]],
) -> tuple[bytes, list[bytes]]:
    heads: list[bytes] = []
    async with (
        serving(answering(JSON, heads=heads)) as url,
        relaying_in_a_process(upstream_at(url), gate=GateBy(decide)) as stage,
    ):
        got = await talk(stage.port, post(b'{"model":"m"}', PATH, "Connection: close"))
    return got, heads


async def test_a_gate_decides_in_the_loop_of_the_owner() -> None:
    owner = asyncio.get_running_loop()

    async def refuse(_request: WatchedRequest) -> Decision:
        assert asyncio.get_running_loop() is owner
        return Refuse(403, "No.")

    got, heads = await _decided(refuse)
    assert got.startswith(b"HTTP/1.1 403")
    assert heads == []

    async def send(_request: WatchedRequest) -> Decision:
        return Send(b'{"model":"other"}')

    got, heads = await _decided(send)
    assert got.startswith(b"HTTP/1.1 200")
    assert heads[0].endswith(b'{"model":"other"}')


async def test_a_gate_is_told_that_the_client_has_left() -> None:
    is_asked, is_left = asyncio.Event(), asyncio.Event()

    async def wait(_request: WatchedRequest) -> Decision:
        is_asked.set()
        try:
            await asyncio.get_running_loop().create_future()
            return Send()
        except asyncio.CancelledError:
            is_left.set()
            raise

    async with relaying_in_a_process(
        upstream_at("http://127.0.0.1:9/v1"), gate=GateBy(wait)
    ) as stage:
        _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"{}"))
        async with asyncio.timeout(20):
            await is_asked.wait()
            writer.close()
            await is_left.wait()
        (seen,) = await stage.watcher.ended(1)
    assert seen.fault == "client"


async def test_a_port_in_use_is_an_error_of_the_start() -> None:
    upstream = upstream_at("http://127.0.0.1:9/v1")
    async with relaying_in_a_process(upstream) as stage:
        with pytest.raises(OSError, match="address already in use"):
            async with relaying_in_a_process(upstream, port=stage.port):
                pass

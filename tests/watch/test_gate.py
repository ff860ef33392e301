"""A gate decides about requests before they are forwarded."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from replyscope.domain.event import WireFrame, WireRecord
from replyscope.domain.watched import Refuse, WatchedRequest
from replyscope.serving.faults.plan import FaultPlan
from replyscope.serving.faults.terms import parse_rule
from replyscope.serving.gate import AnswerRecorded, Decision, Send
from replyscope.serving.mock.playing import choose_form
from replyscope.serving.mock.recording import Recording
from tests.support.build import make_exchange
from tests.watch.bench import answering, post, relaying, serving, talk, upstream_at
from tests.watch.test_injected_faults import JSON, MESSAGES, SSE, STREAM, client_of

PATH = "/v1/chat/completions"


@dataclass
class GateBy:
    """Decides by a function. Implements Gate."""

    answer: Callable[[WatchedRequest], Awaitable[Decision]]

    async def decide(self, request: WatchedRequest) -> Decision:
        return await self.answer(request)


def always(decision: Decision) -> GateBy:
    """A gate that decides the same each time."""

    async def answer(_request: WatchedRequest) -> Decision:
        return decision

    return GateBy(answer)


def answering_recorded(recording: Recording) -> GateBy:
    """A gate that answers with a recorded reply, without its pauses."""

    async def answer(request: WatchedRequest) -> Decision:
        return AnswerRecorded(choose_form(recording, request.body, speed=0).playback())

    return GateBy(answer)


def recorded(cut: bool = False) -> Recording:
    """A recorded stream of two words."""
    frames = [
        WireFrame(float(n), f"{text}\n\n")
        for n, text in enumerate(STREAM.decode().split("\n\n")[:-1])
    ]
    exchange = make_exchange(is_detached=cut)
    return Recording(exchange, WireRecord(None, frames[:2] if cut else frames))


async def test_masked_keys_are_put_back_into_an_edited_request() -> None:
    key, heads = "sk-a-key-of-the-program", list[bytes]()
    body = json.dumps({"model": "m", "user": key, "metadata": {"a": key}}).encode()

    async def edit(request: WatchedRequest) -> Decision:
        assert key.encode() not in request.body
        return Send(request.body.replace(b'"m"', b'"other"'))

    async with (
        serving(answering(JSON, heads=heads)) as url,
        relaying(upstream_at(url), gate=GateBy(edit)) as stage,
    ):
        asked = post(body, PATH, f"Authorization: Bearer {key}", "Connection: close")
        await talk(stage.port, asked)
        (seen,) = await stage.watcher.ended(1)
    assert heads[0].endswith(body.replace(b'"m"', b'"other"'))
    assert key.encode() not in seen.request.body
    assert key not in seen.request.intervention


async def test_it_is_said_when_masked_keys_can_not_be_put_back() -> None:
    keys = ("sk-a-key-of-the-program", "sk-another-key-of-it")

    async def edit(_request: WatchedRequest) -> Decision:
        return Send('{"user": "•••"}'.encode())

    async with (
        serving(answering(JSON)) as url,
        relaying(upstream_at(url), gate=GateBy(edit)) as stage,
    ):
        heads = (f"Authorization: Bearer {keys[0]}", f"X-Api-Key: {keys[1]}", "Connection: close")
        await talk(stage.port, post(json.dumps({"user": " ".join(keys)}).encode(), PATH, *heads))
        await stage.watcher.ended(1)
    (said,) = stage.reports
    assert "sent with ••• instead of its keys" in said


async def test_a_request_that_is_sent_passes_unchanged() -> None:
    heads: list[bytes] = []
    last = SSE.replace(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
    seen: list[WatchedRequest] = []

    async def look(request: WatchedRequest) -> Decision:
        seen.append(request)
        return Send()

    async with (
        serving(answering(last, heads=heads)) as url,
        relaying(upstream_at(url), gate=GateBy(look)) as stage,
    ):
        sent = post(b'{"a": 1}', "/v1/responses", "Authorization: Bearer sk-a-secret-0123456789")
        assert await talk(stage.port, sent) == last
        (call,) = await stage.watcher.ended(1)
    assert b"Bearer sk-a-secret-0123456789" in heads[0]
    assert heads[0].endswith(b'\r\n\r\n{"a": 1}')
    assert seen[0].body == b'{"a": 1}'
    assert "sk-a-secret" not in repr(seen[0].headers)
    assert (call.body, call.request.intervention) == (STREAM, "")


@pytest.mark.parametrize("coding", ["Content-Encoding: identity", "X: y"])
async def test_an_edited_request_is_recorded_as_it_was_sent(coding: str) -> None:
    heads: list[bytes] = []
    edited = b'{"model": "other", "n": 1}'
    last = JSON.replace(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
    async with (
        serving(answering(last, heads=heads)) as url,
        relaying(upstream_at(url), gate=always(Send(edited))) as stage,
    ):
        got = await talk(stage.port, post(b'{"model": "first"}', "/v1/chat/completions", coding))
        (call,) = await stage.watcher.ended(1)
    assert got == last
    head, _, body = heads[0].partition(b"\r\n\r\n")
    assert body == edited == call.request.body
    assert head.lower().count(b"content-length") == 1
    assert call.request.intervention == (
        "The request was edited in replyscope watch before it was sent; "
        'model was "first"; n was added'
    )


async def test_a_refused_request_is_not_forwarded() -> None:
    gate = always(Refuse(403, "Not today."))
    async with relaying(upstream_at("http://127.0.0.1:9/v1"), gate=gate) as stage:
        async with client_of(stage, max_retries=0) as client:
            for _ in range(2):  # over one connection
                with pytest.raises(openai.PermissionDeniedError, match=r"Not today\."):
                    await client.chat.completions.create(model="m", messages=MESSAGES)
        calls = await stage.watcher.ended(2)
    assert [call.status for call in calls] == [403, 403]
    assert "was refused" in calls[0].request.intervention


@pytest.mark.parametrize("streams", [False, True])
async def test_a_recorded_reply_is_the_answer(streams: bool) -> None:
    gate = answering_recorded(recorded())
    async with relaying(upstream_at("http://127.0.0.1:9/v1"), gate=gate) as stage:
        async with client_of(stage, max_retries=0) as client:
            asked: Any = {"model": "m", "messages": MESSAGES}
            if streams:
                chunks = await client.chat.completions.create(stream=True, **asked)
                text = "".join([c.choices[0].delta.content or "" async for c in chunks])
            else:
                reply = await client.chat.completions.create(**asked)
                text = reply.choices[0].message.content
        (call,) = await stage.watcher.ended(1)
    assert text == "Hello world"
    assert call.fault is None
    assert "answered with the recorded reply" in call.request.intervention


async def test_a_recorded_reply_that_was_cut_is_cut_again() -> None:
    gate = answering_recorded(recorded(cut=True))
    async with relaying(upstream_at("http://127.0.0.1:9/v1"), gate=gate) as stage:
        got = await talk(stage.port, post(json.dumps({"stream": True}).encode()))
        (call,) = await stage.watcher.ended(1)
    assert b"Hello" in got
    assert not got.endswith(b"0\r\n\r\n")
    assert call.fault == "The recorded reply was cut off here."


async def test_a_held_call_waits_and_others_pass() -> None:
    held, go_on = asyncio.Event(), asyncio.Event()

    async def hold(request: WatchedRequest) -> Decision:
        if request.body == b"held":
            held.set()
            await go_on.wait()
        return Send()

    async with (
        serving(
            answering(JSON.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nConnection: close"))
        ) as url,
        relaying(upstream_at(url), gate=GateBy(hold)) as stage,
    ):
        first = asyncio.create_task(talk(stage.port, post(b"held")))
        await held.wait()
        assert b"200 OK" in await talk(stage.port, post(b"other"))
        assert not first.done()
        go_on.set()
        assert b"200 OK" in await first
        assert len(await stage.watcher.ended(2)) == 2


async def test_a_client_that_leaves_ends_the_hold() -> None:
    held, cancelled = asyncio.Event(), asyncio.Event()

    async def hold(_request: WatchedRequest) -> Decision:
        held.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()
        return Send()

    async with relaying(upstream_at("http://127.0.0.1:9/v1"), gate=GateBy(hold)) as stage:
        _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"{}"))
        await held.wait()
        writer.close()
        await cancelled.wait()
        (call,) = await stage.watcher.ended(1)
    assert (call.status, call.fault) == (None, "client")


async def test_faults_hit_what_the_gate_has_sent() -> None:
    plan = FaultPlan([parse_rule("status=500")], 1, lambda _query, _request: True)
    async with relaying(
        upstream_at("http://127.0.0.1:9/v1"), gate=always(Send(b"{}")), faults=plan
    ) as stage:
        await talk(stage.port, post(b'{"a": 1}', "/v1/responses", "Connection: close"))
        (call,) = await stage.watcher.ended(1)
    assert (call.status, call.request.body, call.request.fault) == (500, b"{}", "status=500")

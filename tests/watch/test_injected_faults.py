"""Faults that `watch --fault` injects, as clients get them and as the observer reports them."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replyscope.domain.sse import FrameSplitter, parse_frame
from replyscope.serving.faults.body import Cut, FaultyBody, Pause
from replyscope.serving.faults.plan import FaultPlan
from replyscope.serving.faults.terms import parse_rule
from tests.conftest import RECORDED
from tests.support.suite import Suite
from tests.watch.bench import (
    Stage,
    answering,
    post,
    read_request,
    relaying,
    serving,
    talk,
    upstream_at,
)

PATH = "/v1/chat/completions"
STREAMS = sorted(RECORDED.rglob("*.sse")) if RECORDED.is_dir() else []
MESSAGES: Any = [{"role": "user", "content": "hi"}]
CHUNKS: list[Any] = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello "}}]},
    {"choices": [{"index": 0, "delta": {"content": "world"}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
]
STREAM = "".join(f"data: {json.dumps(one)}\n\n" for one in CHUNKS).encode() + b"data: [DONE]\n\n"
CALL = {"name": "f", "arguments": '{"a": [1, 2]}'}
WHOLE: dict[str, Any] = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "Hi",
        "tool_calls": [{"id": "t", "type": "function", "function": CALL}]}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 40, "total_tokens": 41},
}  # fmt: skip


def response(body: bytes, kind: str, *headers: str, status: str = "200 OK") -> bytes:
    """A response that keeps the connection open."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


SSE = response(STREAM, "text/event-stream")
JSON = response(json.dumps(WHOLE).encode(), "application/json")


@asynccontextmanager
async def troubled(
    answer: bytes, *rules: str, waits: list[float] | None = None
) -> AsyncIterator[Stage]:
    """A relay with fault rules, before a server that always gives one answer."""
    waited = waits if waits is not None else []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    plan = FaultPlan([parse_rule(rule) for rule in rules], 1, lambda _query, _request: True)
    async with (
        serving(answering(*[answer] * 20)) as url,
        relaying(upstream_at(url), faults=plan, wait=wait) as stage,
    ):
        yield stage


@asynccontextmanager
async def client_of(stage: Stage, **options: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=stage.url, api_key="k", **options) as client:
        yield client


async def test_the_sdk_retries_after_an_injected_429() -> None:
    async with troubled(JSON, "first=2 status=429 retry-after=0.01") as stage:
        async with client_of(stage, max_retries=2) as client:
            reply = await client.chat.completions.create(model="m", messages=MESSAGES)
        calls = await stage.watcher.ended(3)
    assert reply.choices[0].message.content == "Hi"
    assert [call.status for call in calls] == [429, 429, 200]
    assert ("retry-after", "0.01") in calls[0].headers
    fault = "first=2 status=429 retry-after=0.01"
    assert [call.request.fault for call in calls] == [fault, fault, ""]
    assert [call.fault for call in calls] == [None, None, None]


async def test_the_synchronous_sdk_gets_the_error_in_its_form() -> None:
    async with troubled(JSON, "status=503") as stage:
        client = openai.OpenAI(base_url=stage.url, api_key="k", max_retries=0)
        with client, pytest.raises(openai.InternalServerError, match="--fault 'status=503'") as got:
            await asyncio.to_thread(client.chat.completions.create, model="m", messages=MESSAGES)
        (call,) = await stage.watcher.ended(1)
    assert (got.value.status_code, got.value.code, call.status) == (503, "injected_fault", 503)


async def test_an_error_has_the_form_of_the_api() -> None:
    async with troubled(JSON, "status=529") as stage, httpx2.AsyncClient() as client:
        got = await client.post(f"{stage.url}/messages", json={})
    assert got.status_code == 529
    assert got.json()["type"] == "error"


@pytest.mark.parametrize("place", [0, 1, 50, len(STREAM) - 1])
async def test_a_cut_reply_ends_at_its_place(place: int) -> None:
    async with troubled(SSE, f"cut=after:{place}b") as stage:
        head, _, body = (await talk(stage.port, post(b"{}"))).partition(b"\r\n\r\n")
        (call,) = await stage.watcher.ended(1)
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == call.body == STREAM[:place]
    assert call.fault == f"The fault 'cut=after:{place}b' of watch closed the connection."


async def test_the_sdk_sees_a_cut_as_a_broken_connection() -> None:
    async with troubled(SSE, "cut=after:100b") as stage, client_of(stage, max_retries=0) as client:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIConnectionError):
            async for _ in stream:
                pass


async def test_a_reply_that_is_shorter_is_not_cut() -> None:
    async with troubled(JSON, "cut=after:1mb") as stage, client_of(stage) as client:
        reply = await client.chat.completions.create(model="m", messages=MESSAGES)
        (call,) = await stage.watcher.ended(1)
    assert reply.choices[0].message.content == "Hi"
    assert call.fault is None


@pytest.mark.parametrize(
    ("rule", "misses"),
    [
        ("cut=after:1mb", True),
        ("garble=arguments", True),
        ("finish=stop", True),
        ("finish=length", False),
        ("stall=1s after:9mb", True),
        ("stall=1s", False),
        ("slow=20tok/s", False),
        ("slow=20tok/s garble=arguments", False),
        ("status=429", False),
    ],
)
async def test_it_is_reported_that_a_fault_found_nothing_to_change(rule: str, misses: bool) -> None:
    async with troubled(SSE, rule) as stage:
        await talk(stage.port, post(b'{"model":"m"}', PATH, "Connection: close"))
        (call,) = await stage.watcher.ended(1)
    assert call.request.fault == rule
    assert call.has_missed is misses


async def test_pauses_are_made_where_the_rule_says() -> None:
    waits: list[float] = []
    async with troubled(SSE, "first=1 stall=5s", "first=1 stall=3s after:50b", "slow=20tok/s",
                        waits=waits) as stage, httpx2.AsyncClient() as client:  # fmt: skip
        bodies = [(await client.post(f"{stage.url}/chat/completions", json={})).content
                  for _ in range(3)]  # fmt: skip
    assert bodies == [STREAM] * 3
    assert waits == [5.0, 3.0, 0.05, 0.05, 0.05]  # one for each frame but [DONE]


async def test_a_whole_reply_is_slow_by_its_tokens() -> None:
    waits: list[float] = []
    async with troubled(JSON, "slow=20tok/s", waits=waits) as stage, client_of(stage) as client:
        await client.chat.completions.create(model="m", messages=MESSAGES)
    assert waits == [2.0]


@pytest.mark.parametrize("packed", [False, True])
async def test_another_finish_reason_and_broken_arguments(packed: bool) -> None:
    body = json.dumps(WHOLE).encode()
    answer = response(gzip.compress(body), "application/json", "Content-Encoding: gzip")
    rule = "finish=length garble=arguments"
    async with troubled(answer if packed else JSON, rule) as stage, client_of(stage) as client:
        raw = await client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES)
        (call,) = await stage.watcher.ended(1)
    (choice,) = raw.parse().choices
    assert choice.finish_reason == "length"
    assert choice.message.tool_calls is not None
    function: Any = choice.message.tool_calls[0]
    assert function.function.arguments == '{"a": [1, 2'
    assert raw.headers["x-replyscope-fault"] == rule
    assert "content-encoding" not in raw.headers
    assert json.loads(call.body)["choices"][0]["finish_reason"] == "length"


async def test_a_streamed_reply_gets_another_finish_reason() -> None:
    async with troubled(SSE, "finish=content_filter") as stage, client_of(stage) as client:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        reasons = [chunk.choices[0].finish_reason async for chunk in stream]
    assert reasons == [None, None, "content_filter"]


async def test_a_response_becomes_incomplete() -> None:
    done: dict[str, Any] = {"id": "r", "object": "response", "status": "completed", "output": []}
    done |= {"model": "m", "incomplete_details": None}
    event = {"type": "response.completed", "sequence_number": 1, "response": done}
    stream = f"event: response.completed\ndata: {json.dumps(event)}\n\n".encode()
    answer = response(stream, "text/event-stream; charset=utf-8")
    async with troubled(answer, "finish=length") as stage, client_of(stage) as client:
        got = [one async for one in await client.responses.create(model="m", input="", stream=True)]
        (call,) = await stage.watcher.ended(1)
    last: Any = got[-1]
    assert (last.type, last.response.status) == ("response.incomplete", "incomplete")
    assert last.response.incomplete_details.reason == "max_output_tokens"
    assert call.body.startswith(b"event: response.incomplete\n")


@pytest.mark.parametrize(
    "rule", ["first=1 status=500", "first=1 stall=1s", "first=1 finish=length"]
)
async def test_the_connection_can_be_used_again(rule: str) -> None:
    async with troubled(JSON, rule) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"1") + post(b"22") + post(b"333"))
        statuses = []
        for _ in range(3):
            head = await reader.readuntil(b"\r\n\r\n")
            statuses.append(int(head.split()[1]))
            if b"chunked" in head:
                await reader.readuntil(b"0\r\n\r\n")
            else:
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
                await reader.readexactly(int(length))
        writer.close()
        calls = await stage.watcher.ended(3)
    assert statuses[1:] == [200, 200]
    assert [bool(call.request.fault) for call in calls] == [True, False, False]
    assert [call.request.body for call in calls] == [b"1", b"22", b"333"]


async def test_a_stalled_call_does_not_hold_up_another_one() -> None:
    stalled, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_seconds: float) -> None:
        stalled.set()
        await go_on.wait()

    plan = FaultPlan([parse_rule("first=1 stall=5s")], 1, lambda _query, _request: True)
    async with (
        serving(answering(JSON, JSON)) as url,
        relaying(upstream_at(url), faults=plan, wait=wait) as stage,
        httpx2.AsyncClient() as client,
    ):
        first = asyncio.create_task(client.post(f"{stage.url}/chat/completions", json={}))
        await stalled.wait()
        assert (await client.post(f"{stage.url}/chat/completions", json={})).status_code == 200
        assert not first.done()
        go_on.set()
        assert (await first).json() == WHOLE


async def test_a_client_that_leaves_ends_a_stalled_call() -> None:
    stalled = asyncio.Event()

    async def wait(_seconds: float) -> None:
        stalled.set()
        await asyncio.get_running_loop().create_future()

    plan = FaultPlan([parse_rule("stall=5s")], 1, lambda _query, _request: True)
    async with (
        serving(answering(JSON)) as url,
        relaying(upstream_at(url), faults=plan, wait=wait) as stage,
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"{}"))
        await stalled.wait()
        writer.close()
        (call,) = await stage.watcher.ended(1)
    assert (call.status, call.fault) == (None, "client")


async def test_calls_that_are_not_hit_pass_unchanged() -> None:
    heads: list[bytes] = []
    plan = FaultPlan([parse_rule("p=0 status=500")], 1, lambda _query, _request: True)
    last = SSE.replace(
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nconnection: close\r\nX-Odd:   a \r\n"
    )
    async with (
        serving(answering(last, heads=heads)) as url,
        relaying(upstream_at(url), faults=plan) as stage,
    ):
        sent = post(b'{"a": 1}', "/v1/responses", "Accept-Encoding: br", "Expect: 100-continue")
        got = await talk(stage.port, sent)
        (call,) = await stage.watcher.ended(1)
    assert got == b"HTTP/1.1 100 \r\n\r\n" + last or got.endswith(b"\r\n\r\n" + last)
    assert b"Accept-Encoding: br" in heads[0]
    assert b"Expect" not in heads[0]
    assert heads[0].endswith(b'\r\n\r\n{"a": 1}')
    assert (call.body, call.request.fault) == (STREAM, "")


async def test_an_encoding_that_is_not_known_is_passed_on() -> None:
    answer = response(b"packed", "text/event-stream", "Content-Encoding: xyz")
    async with troubled(answer, "finish=length cut=after:3b") as stage:
        head, _, body = (await talk(stage.port, post(b"{}"))).partition(b"\r\n\r\n")
    assert b"Content-Encoding: xyz" in head
    assert body == b"pac"


async def test_a_break_of_the_upstream_stays_one() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(SSE[:-10])

    plan = FaultPlan([parse_rule("slow=99tok/s")], 1, lambda _query, _request: True)

    async def wait(_seconds: float) -> None:
        pass

    async with (
        serving(handle) as url,
        relaying(upstream_at(url), faults=plan, wait=wait) as stage,
    ):
        got = await talk(stage.port, post(b"{}"))
        (call,) = await stage.watcher.ended(1)
    assert call.fault == "upstream"
    assert got.endswith(call.body)


RULES = (
    "cut=after:{n}b",
    "stall=1s after:{n}b",
    "stall=1s",
    "slow=9tok/s",
    "finish=length",
    "finish=stop",
    "garble=arguments",
    "slow=9tok/s garble=arguments cut=after:{n}b",
)


@pytest.mark.skipif(not STREAMS, reason="the recorded streams are not here")
async def test_any_fault_on_any_recorded_stream_is_valid_http(suite: Suite) -> None:
    dice, number = suite.dice("faults on recorded streams"), 0
    for path in STREAMS:
        body = path.read_bytes()
        answer = response(gzip.compress(body), "text/event-stream", "Content-Encoding: gzip")
        rules = [rule.format(n=dice.randrange(len(body))) for rule in RULES]
        chosen = [
            f"first=1 {rule}"
            for rule in dice.sample(rules, min(len(rules), suite.count(8, least=2)))
        ]
        async with troubled(answer, *chosen) as stage, httpx2.AsyncClient() as client:
            for count, rule in enumerate(chosen, 1):
                number += 1
                got = bytearray()
                try:
                    async with client.stream("POST", f"{stage.url}/responses", json={}) as reply:
                        assert "content-encoding" not in reply.headers
                        async for part in reply.aiter_bytes():
                            got += part
                except httpx2.RemoteProtocolError:
                    assert "cut=" in rule, path
                call = (await stage.watcher.ended(count))[-1]
                assert (call.body, call.request.fault) == (bytes(got), rule), path
                _check(rule, body, bytes(got))
    suite.say(f"{number:,} faults on {len(STREAMS)} recorded streams were valid HTTP")


def _check(rule: str, body: bytes, got: bytes) -> None:
    if "finish" in rule or "garble" in rule:
        if "cut" not in rule:
            assert len(_payloads(got)) == len(_payloads(body))
    elif "cut" in rule:
        assert body.startswith(got)
        assert len(got) == int(rule.rpartition(":")[2].removesuffix("b"))
    else:
        assert got == body


def _payloads(body: bytes) -> list[str]:
    splitter = FrameSplitter()
    frames = [*splitter.feed(body), splitter.finish()]
    parsed = [parse_frame(frame.decode()) for frame in frames]
    return [one[1] for one in parsed if one is not None]


@given(
    st.binary(max_size=200), st.integers(0, 250), st.integers(0, 250), st.lists(st.integers(0, 200))
)
@settings(max_examples=200)
def test_the_places_do_not_depend_on_the_parts(
    body: bytes, cut: int, stall: int, places: list[int]
) -> None:
    rule = parse_rule(f"cut=after:{cut}b stall=1s after:{stall}b")
    faulty = FaultyBody(rule, "text/plain")
    edges = [0, *sorted(places), len(body)]
    steps = [s for a, b in pairwise(edges) for s in faulty.feed(body[a:b])]
    steps += list(faulty.finish())
    until = steps.index(Cut()) if Cut() in steps else len(steps)
    assert b"".join(s for s in steps[:until] if isinstance(s, bytes)) == body[:cut]
    assert (Cut() in steps) == (cut < len(body))
    if Pause(1.0) in steps[:until]:
        at = steps.index(Pause(1.0))
        assert sum(len(s) for s in steps[:at] if isinstance(s, bytes)) == stall

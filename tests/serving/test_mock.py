"""Recorded exchanges are served to the real SDK as they once came: bytes, heads and breaks."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Api, ExchangeState
from replyscope.domain.fold import fold_events
from replyscope.domain.foreign import Batch
from replyscope.domain.ports import Clock
from replyscope.domain.shared import Shared
from replyscope.engine.importing import import_batch
from replyscope.serving.mock.recording import Recording
from replyscope.serving.mock.server import MockServer
from replyscope.store.sqlite_store import SqliteStore
from tests.conftest import RECORDED
from tests.support.build import ask, collect, make_exchange, open_chat
from tests.support.importing import read_file
from tests.support.responses import response
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage

STREAMS = sorted(RECORDED.rglob("*.sse")) if RECORDED.is_dir() else []


async def record(
    server: LoopbackServer,
    clock: Clock,
    answer: Answer,
    text: str = "hi",
    api: Api = Api.CHAT,
    **more: Any,
) -> Recording:
    """What the real provider recorded of one answer."""
    server.answer = lambda _request: answer
    async with open_chat(server.base_url, clock, api=api) as provider:
        events = await collect(provider, replace(ask(text), **more))
    exchange = fold_events(make_exchange(id=f"x-{text}", api=api), events)
    request = next(event for event in events if isinstance(event, RequestSent))
    frames = tuple(event for event in events if isinstance(event, WireFrame))
    return Recording(exchange, WireRecord(request, frames))


@asynccontextmanager
async def playing(
    recordings: Sequence[Recording], **options: Any
) -> AsyncIterator[tuple[openai.AsyncOpenAI, int]]:
    """A client of a server that plays these, and the server's port."""
    mock = MockServer(recordings, **{"speed": 0.0, **options})
    port = await mock.start(0)
    base_url = f"http://127.0.0.1:{port}/v1"
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
    try:
        yield client, port
    finally:
        await client.close()
        await mock.close()


def said(text: str = "hi") -> Any:
    return [{"role": "user", "content": text}]


async def bytes_of(client: openai.AsyncOpenAI, api: Api) -> bytes:
    """The body that a program which streams gets."""
    raw: Any
    if api is Api.CHAT:
        raw = client.chat.completions.with_streaming_response.create(
            model="any", messages=said(), stream=True
        )
    else:
        raw = client.responses.with_streaming_response.create(model="any", input="hi", stream=True)
    async with raw as answer:
        body: bytes = await answer.read()
    return body


async def test_every_recorded_stream_is_served_byte_for_byte(store: SqliteStore) -> None:
    if not STREAMS:
        pytest.skip("the recorded streams are not beside this checkout")
    for path in STREAMS:
        await the_same_bytes_come_back(path, store)


async def the_same_bytes_come_back(path: Path, store: SqliteStore) -> None:
    batch = read_file(path)
    (shared,) = batch.items
    assert isinstance(shared, Shared)
    await import_batch(Batch(iter([shared]), 1, batch.place), store, is_dry=False)
    stored = await store.load_session(shared.session.id)
    (exchange,) = stored.exchanges.values()
    found = Recording(exchange, await store.load_wire(exchange.id))
    async with playing([found]) as (client, _):
        assert await bytes_of(client, exchange.api) == path.read_bytes(), path.name


@pytest.mark.parametrize(
    "stream",
    [
        b'data: {"choices": []}\r\n\r\n: ping\r\n\r\ndata: [DONE]\r\n\r\n',
        b'\xef\xbb\xbfdata: {"choices": []}\n\ndata: [DONE]',
        b'event: x\ndata: {"choices": []}\n\n\ndata: [DONE]\n',
    ],
)
async def test_line_ends_and_marks_of_an_imported_stream_stay(
    store: SqliteStore, tmp_path: Path, stream: bytes
) -> None:
    path = tmp_path / "one.sse"
    path.write_bytes(stream)
    await the_same_bytes_come_back(path, store)


async def test_a_client_that_does_not_stream_gets_the_whole_completion(
    server: LoopbackServer, clock: Clock
) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"a": 1}'}}
    second = delta("Other")
    second["choices"][0].update(index=1, finish_reason="length")
    answer = Answer(
        chunks=sse(
            delta("", role="assistant"),
            delta("Hello"),
            delta(" you", reasoning_content="I think"),
            delta(tool_calls=[call]),
            delta(tool_calls=[more]),
            second,
            delta(finish="tool_calls"),
            usage(),
        ),
        headers={"x-request-id": "req_9"},
    )
    found = await record(server, clock, answer)
    async with playing([found]) as (client, _):
        raw = await client.chat.completions.with_raw_response.create(model="any", messages=said())
        assert raw.headers["x-request-id"] == "req_9"
        assert raw.headers["x-replyscope-folded"] == "true"
        whole = raw.parse()
    first, other = whole.choices
    assert first.message.content == "Hello you"
    assert first.message.role == "assistant"
    assert first.message.model_extra == {"reasoning_content": "I think"}
    (asked,) = first.message.tool_calls or []
    assert asked.type == "function"
    assert (asked.id, asked.function.name, asked.function.arguments) == ("c1", "f", '{"a": 1}')
    assert (first.finish_reason, other.finish_reason) == ("tool_calls", "length")
    assert other.message.content == "Other"
    assert whole.object == "chat.completion"
    assert whole.usage is not None
    assert whole.usage.total_tokens == 12


async def test_a_response_comes_whole_and_again_by_its_id(
    server: LoopbackServer, clock: Clock
) -> None:
    answer = response("Recorded ", "words.", response_id="resp_7")
    found = await record(server, clock, answer, api=Api.RESPONSES)
    async with playing([found]) as (client, _):
        whole = await client.responses.create(model="any", input="hi")
        assert whole.output_text == "Recorded words."
        again = await client.responses.retrieve("resp_7")
        assert again.to_dict() == whole.to_dict()
        stream = await client.responses.retrieve("resp_7", stream=True, starting_after=2)
        numbers = [event.sequence_number async for event in stream]
        assert numbers == list(range(3, len(found.frames)))
        with pytest.raises(openai.NotFoundError, match="Nothing was recorded"):
            await client.responses.retrieve("resp_8")


async def test_a_recorded_error_comes_with_its_status_headers_and_body(
    server: LoopbackServer, clock: Clock
) -> None:
    refusal = error(429, "Rate limit reached", code="rate_limited")
    refusal.headers.update({"retry-after": "7", "x-ratelimit-remaining-requests": "0"})
    found = await record(server, clock, refusal)
    assert [frame.text for frame in found.frames] == ["".join(c.decode() for c in texts(refusal))]
    async with playing([found]) as (client, _):
        for stream in (True, False):
            with pytest.raises(openai.RateLimitError, match="Rate limit reached") as raised:
                await client.chat.completions.create(model="any", messages=said(), stream=stream)
            assert raised.value.code == "rate_limited"
            assert raised.value.response.headers["retry-after"] == "7"
            assert raised.value.response.headers["x-ratelimit-remaining-requests"] == "0"


def texts(answer: Answer) -> Iterator[bytes]:
    return (chunk for chunk in answer.chunks if isinstance(chunk, bytes))


async def test_a_reply_that_broke_off_breaks_off_again(
    server: LoopbackServer, clock: Clock
) -> None:
    cut = Answer(chunks=sse(delta("Half a"), done=False), cut=True)
    found = await record(server, clock, cut)
    assert found.exchange.state is ExchangeState.TRUNCATED
    async with playing([found]) as (client, _):
        stream = await client.chat.completions.create(model="any", messages=said(), stream=True)
        came = []

        async def read() -> None:
            async for chunk in stream:
                came.append(chunk.choices[0].delta.content)

        with pytest.raises(openai.APIConnectionError) as raised:
            await read()
        assert "incomplete chunked read" in str(raised.value.__cause__)
        assert came == ["Half a"]
        with pytest.raises(openai.BadRequestError, match=r"was interrupted.*stream=true"):
            await client.chat.completions.create(model="any", messages=said())


async def test_a_reply_without_an_end_marker_ends_in_order(
    server: LoopbackServer, clock: Clock
) -> None:
    found = await record(server, clock, Answer(chunks=sse(delta("All."), done=False)))
    async with playing([found]) as (client, _):
        stream = await client.chat.completions.create(model="any", messages=said(), stream=True)
        assert [chunk.choices[0].delta.content async for chunk in stream] == ["All."]


async def test_an_answer_that_was_not_streamed_comes_as_it_was(
    server: LoopbackServer, clock: Clock
) -> None:
    body = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Whole."},
                "finish_reason": "stop",
            }
        ],
    }
    text = json.dumps(body, indent=1).encode()
    found = await record(server, clock, Answer(content_type="application/json", chunks=[text]))
    assert found.exchange.choice(0).text == "Whole."
    async with playing([found]) as (client, _):
        raw = await client.chat.completions.with_raw_response.create(model="any", messages=said())
        assert raw.content == text
        assert raw.headers["content-length"] == str(len(text))


async def test_what_was_asked_chooses_the_reply(server: LoopbackServer, clock: Clock) -> None:
    apples = await record(server, clock, reply("Apples!"), "apples")
    pears = await record(server, clock, reply("Pears!"), "pears")

    async def answer(client: openai.AsyncOpenAI, messages: Any) -> tuple[str | None, str]:
        raw = await client.chat.completions.with_raw_response.create(model="any", messages=messages)
        return raw.parse().choices[0].message.content, raw.headers["x-replyscope-fit"]

    system = {"role": "system", "content": "Be kind."}
    parts = [{"role": "user", "content": [{"type": "text", "text": "apples"}]}]
    async with playing([apples, pears]) as (client, _):
        assert await answer(client, said("pears")) == ("Pears!", "same")
        assert await answer(client, parts) == ("Apples!", "same")
        assert await answer(client, [system, *said("pears")]) == ("Pears!", "question")
        with pytest.raises(openai.NotFoundError, match=r"none has the same.*--any"):
            await answer(client, said("plums"))
        with pytest.raises(openai.NotFoundError, match="all chat"):
            await client.responses.create(model="any", input="apples")
    async with playing([apples, pears], answers_any=True) as (client, _):
        assert await answer(client, said("plums")) == ("Apples!", "any")
        assert await answer(client, said("plums")) == ("Pears!", "any")


async def test_the_same_question_gets_its_replies_in_turn(
    server: LoopbackServer, clock: Clock
) -> None:
    first = await record(server, clock, reply("One"))
    second = await record(server, clock, reply("Two"))
    second = Recording(make_exchange(id="x-other", status=200), second.record)
    async with playing([first, second]) as (client, _):
        answers = [
            (await client.chat.completions.create(model="any", messages=said())).choices[0]
            for _ in range(3)
        ]
    assert [answer.message.content for answer in answers] == ["One", "Two", "Two"]


async def test_the_requested_model_chooses_among_replies_to_the_same_question(
    server: LoopbackServer, clock: Clock
) -> None:
    small = await record(server, clock, reply("Small."), model="small")
    large = await record(server, clock, reply("Large."), model="large")
    large = Recording(replace(large.exchange, id="x-large"), large.record)
    async with playing([large, small]) as (client, _):

        async def answer(model: str) -> str | None:
            made = await client.chat.completions.create(model=model, messages=said())
            return made.choices[0].message.content

        asked = [await answer(model) for model in ("large", "small", "large", "small", "other")]
    assert asked == ["Large.", "Small.", "Large.", "Small.", "Small."]


async def test_frames_come_at_the_pace_of_the_recording(clock: Clock) -> None:
    frames = [
        WireFrame(at, f"data: {json.dumps(delta(text))}\n\n")
        for at, text in ((50.0, "a"), (350.0, "b"))
    ]
    found = Recording(make_exchange(), WireRecord(None, frames))
    for speed, least, most in ((1.0, 0.29, 30.0), (0.0, 0.0, 0.29)):
        async with playing([found], speed=speed) as (client, _):
            stream = await client.chat.completions.create(model="m", messages=said(), stream=True)
            times = [time.monotonic() async for _ in stream]
        assert least <= times[1] - times[0] < most


async def exchange_bytes(port: int, *requests: bytes) -> bytes:
    """What comes back on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_connection_is_kept_open_between_requests(
    server: LoopbackServer, clock: Clock
) -> None:
    found = await record(server, clock, reply("Kept."))
    body = json.dumps({"model": "m", "messages": said(), "stream": True}).encode()
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:9], body[9:])) + b"0\r\n\r\n"
    async with playing([found]) as (_, port):
        answer = await exchange_bytes(
            port,
            b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
            b"GET /v1/models/test-model HTTP/1.1\r\nHost: [::1]:1\r\n\r\n",
        )
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"Kept." in answer


async def test_only_loopback_names_are_answered(server: LoopbackServer, clock: Clock) -> None:
    found = await record(server, clock, reply("Mine."))
    async with playing([found], answers_any=True) as (_, port):
        answer = await exchange_bytes(
            port, b"POST /v1/chat/completions HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        )
        broken = await exchange_bytes(port, b"nonsense\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert b"Mine." not in answer
    assert broken.startswith(b"HTTP/1.1 400 ")


async def test_headers_of_the_old_connection_are_not_sent(clock: Clock) -> None:
    headers = (
        ("content-type", "text/event-stream"),
        ("Content-Encoding", "gzip"),
        ("content-length", "3"),
        ("set-cookie", "a=b"),
        ("alt-svc", 'h3=":443"'),
        ("openai-version", "2020\r\nx-made-up: 1"),
    )
    exchange = make_exchange(status=200, headers=headers)
    frames = [WireFrame(0.0, "data: [DONE]\n\n")]
    async with playing([Recording(exchange, WireRecord(None, frames))]) as (client, _):
        raw = client.chat.completions.with_streaming_response.create(
            model="m", messages=said(), stream=True
        )
        async with raw as answer:
            assert await answer.read() == b"data: [DONE]\n\n"
            kept = {name.lower() for name in answer.headers}
    assert kept.isdisjoint({"content-encoding", "content-length", "set-cookie", "alt-svc"})
    assert "x-made-up" not in kept
    assert answer.headers["openai-version"] == "2020  x-made-up: 1"


async def test_each_step_of_a_tool_loop_gets_its_own_reply(
    server: LoopbackServer, clock: Clock
) -> None:
    function = {"name": "now", "arguments": "{}"}
    call = {"index": 0, "id": "c1", "type": "function", "function": function}
    asked = Answer(chunks=sse(delta(tool_calls=[call]), delta(finish="tool_calls"), usage()))
    first = await record(server, clock, asked, "What time is it?")
    second = await record(server, clock, reply("Noon."), "later")
    steps = [
        *said("What time is it?"),
        {"role": "assistant", "tool_calls": [{k: call[k] for k in ("id", "type", "function")}]},
        {"role": "tool", "tool_call_id": "c1", "content": "12:00"},
    ]
    body = json.dumps({"model": "m", "messages": steps}).encode()
    sent = RequestSent("POST", "http://127.0.0.1/v1/chat/completions", (), body)
    second = Recording(second.exchange, WireRecord(sent, second.frames))
    async with playing([second, first]) as (client, _):
        messages = said("What time is it?")
        answer = await client.chat.completions.create(model="any", messages=messages)
        message = answer.choices[0].message
        assert message.tool_calls is not None
        told = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "12:01"}
        following: Any = [*messages, message, told]
        raw = await client.chat.completions.with_raw_response.create(
            model="any", messages=following
        )
        assert raw.parse().choices[0].message.content == "Noon."
        assert raw.headers["x-replyscope-fit"] == "question"  # the tool said otherwise

"""The real SDK against a real loopback server: what is sent, and what is made of answers."""

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.event import (
    Event,
    RequestAdapted,
    RequestSent,
    StreamEnded,
    TextDelta,
    WireFrame,
)
from replyscope.domain.exchange import Api, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.fold import fold_events
from replyscope.domain.message import FilePart, ImagePart, Message, Role, TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import Parameters
from replyscope.provider.chat_completions import ChatCompletions
from replyscope.provider.openai_provider import OpenAIProvider
from replyscope.provider.opening import translate_frames
from tests.support.build import (
    NOON,
    Memory,
    ask,
    collect,
    make_exchange,
    open_chat,
    run,
    user_message,
)
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage


async def test_a_reply_streams_with_finish_usage_and_every_frame(
    server: LoopbackServer, clock: Clock
) -> None:
    async with open_chat(server.base_url, clock) as provider:
        events = await collect(provider, ask())
        exchange = await run(provider, ask())
    frames = [e.text for e in events if isinstance(e, WireFrame)]
    assert len(frames) == 5
    assert frames[-1] == "data: [DONE]\n\n"
    assert isinstance(events[0], RequestSent)
    assert isinstance(events[-1], StreamEnded)
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.choice(0).text == "Hello world"
    assert exchange.choice(0).finish_reason is FinishReason.STOP
    assert exchange.usage is not None
    assert exchange.usage.output_tokens == 7
    assert exchange.usage.reasoning_tokens is None


async def test_the_request_is_recorded_byte_for_byte_with_the_key_masked(
    server: LoopbackServer, clock: Clock
) -> None:
    async with open_chat(server.base_url, clock) as provider:
        events = await collect(provider, ask("my key is sk-planted-key-123"))
    sent = events[0]
    assert isinstance(sent, RequestSent)
    assert server.headers[0]["authorization"] == "Bearer sk-planted-key-123"
    assert "planted" not in repr(sent)
    assert sent.url == f"{server.base_url}/chat/completions"


async def test_parts_become_what_the_api_wants(server: LoopbackServer, clock: Clock) -> None:
    parts = (
        TextPart("look"),
        FilePart("a.txt", "text"),
        ImagePart("p.png", "image/png", b"\x89PNG"),
    )
    request = ModelRequest(
        "test-model",
        (Message("m", Role.USER, parts, NOON),),
        system="Be brief.",
        parameters=Parameters(max_tokens=9, temperature=0.5),
    )
    async with open_chat(server.base_url, clock) as provider:
        await collect(provider, request)
    body = server.requests[0]
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    kinds = [part["type"] for part in body["messages"][1]["content"]]
    assert kinds == ["text", "text", "image_url"]
    assert body["messages"][1]["content"][2]["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    assert body["max_tokens"] == 9
    assert body["temperature"] == 0.5
    assert body["stream_options"] == {"include_usage": True}


async def test_a_rejected_parameter_is_renamed_once_said_and_remembered(
    server: LoopbackServer, clock: Clock
) -> None:
    def answer(request: dict[str, object]) -> Answer:
        if "max_tokens" in request:
            return error(
                400,
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                param="max_tokens",
                code="unsupported_parameter",
            )
        return reply("ok")

    server.answer = answer
    memory = Memory()
    request = ask(parameters=Parameters(max_tokens=5))
    async with open_chat(server.base_url, clock, memory=memory) as provider:
        events = await collect(provider, request)
        again = await collect(provider, request)
    notes = [e.note for e in events if isinstance(e, RequestAdapted)]
    assert notes == ["max_tokens was rejected; sent as max_completion_tokens instead"]
    assert not any(isinstance(e, RequestAdapted) for e in again)
    assert [r.get("max_completion_tokens") for r in server.requests] == [None, 5, 5]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("'temperature' does not support 0.2 with this model.", "temperature"),
        ("Unrecognized request argument supplied: stream_options", "stream_options"),
    ],
)
async def test_other_rejected_parameters_are_dropped(
    server: LoopbackServer, clock: Clock, message: str, name: str
) -> None:
    server.answer = lambda request: error(400, message) if name in request else reply("ok")
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask(parameters=Parameters(temperature=0.2)))
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.adaptations == (f"{name} was rejected; sent without it",)


@pytest.mark.parametrize(
    ("message", "parameters"),
    [
        ("temperature: range: 0..1", Parameters(temperature=1.5)),
        ("max_tokens is too large: 100000", Parameters(max_tokens=100_000)),
        ("'store' is not supported: false", Parameters(store=False)),
    ],
)
async def test_a_value_that_is_refused_is_the_persons_to_change(
    server: LoopbackServer, clock: Clock, message: str, parameters: Parameters
) -> None:
    server.answer = lambda _request: error(400, message)
    memory = Memory()
    async with open_chat(server.base_url, clock, memory=memory) as provider:
        exchange = await run(provider, ask(parameters=parameters))
    assert exchange.state is ExchangeState.FAILED
    assert len(server.requests) == 1
    assert memory.known == {}


async def test_what_is_left_out_is_told_each_time(server: LoopbackServer, clock: Clock) -> None:
    server.answer = lambda request: (
        error(400, "temperature is not supported") if "temperature" in request else reply("ok")
    )
    async with open_chat(server.base_url, clock) as provider:
        await run(provider, ask(parameters=Parameters(temperature=0.2)))
        again = await run(provider, ask(parameters=Parameters(temperature=0.2)))
        without = await run(provider, ask())
    assert again.adaptations == ("temperature was left out: this model rejects it",)
    assert without.adaptations == ()


async def test_half_a_character_in_the_history_can_be_sent(
    server: LoopbackServer, clock: Clock
) -> None:
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask("before \ud83d after"))
    assert exchange.state is ExchangeState.COMPLETED
    assert server.requests[0]["messages"][0]["content"] == "before \ufffd after"


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices":[null]}',
        b'{"choices":[{"message":"text"}]}',
        b'{"choices":[{"message":{"tool_calls":[null]}}]}',
        b'{"choices":[{"message":{"tool_calls":5}}]}',
        b"[" * 5_000 + b"]" * 5_000,
    ],
)
async def test_a_misshapen_answer_is_a_failure_never_a_crash(
    server: LoopbackServer, clock: Clock, body: bytes
) -> None:
    server.answer = lambda _request: Answer(content_type="application/json", chunks=[body])
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.state is ExchangeState.FAILED
    assert exchange.failure is not None


async def test_an_echoed_key_is_in_no_part_of_the_exchange(
    server: LoopbackServer, clock: Clock
) -> None:
    server.answer = lambda _request: Answer(
        chunks=sse(
            {**delta("you sent sk-planted-key-123"), "debug": "sk-planted-key-123 opensesame99"},
            delta(finish="stop"),
        ),
        headers={"x-ratelimit-remaining-tokens": "41"},
    )
    headers = (("X-Api-Token", "opensesame99"),)
    async with open_chat(server.base_url, clock, headers=headers) as provider:
        exchange = await run(provider, ask())
    assert exchange.choice(0).text == "you sent •••"
    assert "planted" not in repr(exchange)
    assert "opensesame" not in repr(exchange)
    assert ("x-ratelimit-remaining-tokens", "41") in exchange.headers


@pytest.mark.parametrize("models", ['[{"id": "b"}, {"id": "a"}, 5, {}]', "null", '{"data": 5}'])
async def test_model_lists_of_any_shape_are_read(
    server: LoopbackServer, clock: Clock, models: str
) -> None:
    server.models_body = models
    async with open_chat(server.base_url, clock) as provider:
        found = await provider.list_models()
    assert [model.id for model in found] == (["a", "b"] if models.startswith("[") else [])


async def test_a_rejected_system_role_becomes_developer_then_user(
    server: LoopbackServer, clock: Clock
) -> None:
    def answer(request: dict[str, object]) -> Answer:
        messages = request["messages"]
        assert isinstance(messages, list)
        role = messages[0]["role"]
        if role != "user":
            return error(400, f"'messages[0].role' does not support '{role}' with this model.")
        return reply("ok")

    server.answer = answer
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask(system="Be kind."))
    assert exchange.state is ExchangeState.COMPLETED
    assert len(exchange.adaptations) == 2
    assert server.requests[-1]["messages"] == [{"role": "user", "content": "Be kind.\n\nhi"}]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (error(401, "Incorrect API key provided: sk-planted-key-123."), "authentication", "key"),
        (error(404, "The model `x` does not exist"), "not_found", "does not exist"),
        (error(429, "Rate limit reached"), "rate_limit", "limits the request rate"),
        (
            error(429, "You exceeded your current quota", code="insufficient_quota"),
            "quota",
            "quota",
        ),
        (error(500, "boom"), "server", "boom"),
        (
            error(400, "This model's maximum context length is 10 tokens."),
            "context_overflow",
            "exceeds the context window",
        ),
        (Answer(503, "text/html", [b"<html><title>Bad gateway</title>"]), "server", "Bad gateway"),
        (
            Answer(200, "text/html", [b"<!doctype html><title>Welcome</title>"]),
            "not_a_stream",
            "Welcome",
        ),
        (Answer(200, "application/json", [b'{"error":{"message":"no"}}']), "server", "no"),
        (Answer(chunks=[b"data: {garbage\n\n"]), "garbled", "not JSON"),
    ],
)
async def test_every_error_is_a_sentence_with_a_next_step(
    server: LoopbackServer, clock: Clock, answer: Answer, kind: str, words: str
) -> None:
    server.answer = lambda _request: answer
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.state is ExchangeState.FAILED
    assert exchange.failure is not None
    assert exchange.failure.kind == kind
    assert words in exchange.failure.message
    assert exchange.failure.next_step
    assert "127.0.0.1" in exchange.failure.message
    assert "planted" not in repr(exchange)


async def test_request_id_and_status_of_an_error_are_kept(
    server: LoopbackServer, clock: Clock
) -> None:
    server.answer = lambda _request: error(500, "boom", code="internal")
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert (exchange.status, exchange.request_id) == (500, "req_1")
    assert exchange.failure is not None
    assert exchange.failure.code == "internal"


async def test_an_unreachable_server_is_said_so(clock: Clock) -> None:
    async with open_chat("http://127.0.0.1:9/v1", clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.failure is not None
    assert exchange.failure.kind == "unreachable"
    assert "127.0.0.1:9" in exchange.failure.message


async def test_an_address_that_is_none_and_a_server_without_tls_are_told_apart(
    server: LoopbackServer, clock: Clock
) -> None:
    kinds = []
    for url in ("ftp://example", "example/v1", server.base_url.replace("http:", "https:")):
        async with open_chat(url, clock) as provider:
            exchange = await run(provider, ask())
        assert exchange.failure is not None
        kinds.append((exchange.failure.kind, "http://" in exchange.failure.next_step))
    assert kinds == [("bad_url", True), ("bad_url", True), ("tls", True)]


async def test_done_without_a_reason_is_unstated(server: LoopbackServer, clock: Clock) -> None:
    server.answer = lambda _request: Answer(chunks=sse(delta("text")))
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.choice(0).finish_reason is FinishReason.UNSTATED


async def test_a_server_that_never_hangs_up_takes_no_time_once_all_was_said(
    server: LoopbackServer, clock: Clock
) -> None:
    hangs_up = threading.Event()
    said = sse(delta("all"), delta(finish="stop"), usage(), done=False)
    server.answer = lambda _request: Answer(chunks=[*said, hangs_up])
    async with open_chat(server.base_url, clock) as provider, asyncio.timeout(20):
        exchange = await run(provider, ask())
    hangs_up.set()
    assert exchange.state is ExchangeState.COMPLETED
    assert (exchange.choice(0).text, exchange.done_marker) == ("all", False)


async def test_a_choice_that_is_still_open_is_waited_for(
    server: LoopbackServer, clock: Clock
) -> None:
    goes_on = threading.Event()
    second = {**delta("later", finish="stop"), "id": "chatcmpl-1"}
    second["choices"][0]["index"] = 1
    begun = {**delta(""), "id": "chatcmpl-1"}
    begun["choices"][0]["index"] = 1
    first = sse(delta("one"), begun, delta(finish="stop"), usage(), done=False)
    server.answer = lambda _request: Answer(chunks=[*first, goes_on, *sse(second)])
    async with open_chat(server.base_url, clock) as provider:
        asyncio.get_running_loop().call_later(1.5, goes_on.set)
        exchange = await run(provider, ask())
    assert [choice.text for choice in exchange.choices] == ["one", "later"]


async def test_an_error_in_mid_stream_keeps_text_and_that_chunks_usage(
    server: LoopbackServer, clock: Clock
) -> None:
    broken = {**usage(), "error": {"message": "overloaded", "code": "busy"}}
    server.answer = lambda _request: Answer(chunks=sse(delta("so far"), broken, done=False))
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.state is ExchangeState.FAILED
    assert exchange.choice(0).text == "so far"
    assert exchange.choice(0).finish_reason is FinishReason.ERROR
    assert exchange.usage is not None
    assert exchange.failure is not None
    assert "overloaded" in exchange.failure.message


async def test_a_server_that_does_not_stream_is_read_all_the_same(
    server: LoopbackServer, clock: Clock
) -> None:
    body = (
        b'{"id":"c1","model":"test-model","choices":[{"index":0,"finish_reason":"stop",'
        b'"message":{"role":"assistant","content":"whole"}}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}'
    )
    server.answer = lambda _request: Answer(200, "application/json", [body])
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.choice(0).text == "whole"
    assert exchange.choice(0).finish_reason is FinishReason.STOP
    assert exchange.usage is not None


async def test_the_request_is_shown_before_the_server_answers(
    server: LoopbackServer, clock: Clock
) -> None:
    gate = threading.Event()

    def answer(_request: dict[str, object]) -> Answer:
        gate.wait(30)
        return reply("late")

    server.answer = answer
    async with open_chat(server.base_url, clock) as provider:
        events: list[Event] = []

        def listen(event: Event) -> None:
            events.append(event)
            if isinstance(event, RequestSent):
                gate.set()

        await provider.stream(ask(), listen)
    assert isinstance(events[0], RequestSent)
    assert isinstance(events[-1], StreamEnded)


async def test_a_fault_of_the_listener_ends_the_request_and_is_no_failure_of_the_server(
    server: LoopbackServer, clock: Clock
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("a"), done=False), gate])
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, WireFrame):
            raise BrokenPipeError("nobody reads")

    async with open_chat(server.base_url, clock) as provider:
        with pytest.raises(BrokenPipeError, match="nobody reads"):
            await provider.stream(ask(), listen)
    gate.set()
    assert isinstance(events[-1], WireFrame)


async def test_other_tasks_get_turns_while_a_reply_is_read_that_has_come_as_a_whole(
    clock: Clock,
) -> None:
    body = b"".join(sse(*(delta(f"w{number}") for number in range(800))))
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(
        lambda _request: httpx2.Response(200, headers=headers, content=body)
    )
    memory = Memory()
    endpoint = Endpoint("test", "http://test.invalid/v1", Api.CHAT, max_retries=0)
    provider = OpenAIProvider(
        ChatCompletions(), endpoint, "sk-key", clock, memory.recall, memory.remember, transport
    )
    between = most = turns = 0

    def listen(event: Event) -> None:
        nonlocal between, most
        between += isinstance(event, TextDelta)
        most = max(most, between)

    async def take_turns() -> None:
        nonlocal between, turns
        while True:
            await asyncio.sleep(0)
            turns, between = turns + 1, 0

    other = asyncio.create_task(take_turns())
    await provider.stream(ask(), listen)
    other.cancel()
    await provider.aclose()
    assert turns >= 100
    assert most <= 8


async def test_models_are_listed(server: LoopbackServer, clock: Clock) -> None:
    server.models = ["b-model", "a-model"]
    async with open_chat(server.base_url, clock) as provider:
        models = await provider.list_models()
    assert [model.id for model in models] == ["a-model", "b-model"]


async def test_continuing_asks_for_more_of_the_last_reply(
    server: LoopbackServer, clock: Clock
) -> None:
    said = Message("m2", Role.ASSISTANT, (TextPart("Once upon"),), NOON)
    request = ModelRequest("test-model", (user_message("tell"), said), continues=True)
    async with open_chat(server.base_url, clock) as provider:
        await collect(provider, request)
    roles = [message["role"] for message in server.requests[0]["messages"]]
    assert roles == ["user", "assistant", "user"]


async def test_a_whole_answer_reads_the_same_when_it_is_replayed(
    server: LoopbackServer, clock: Clock
) -> None:
    message = {"role": "assistant", "content": "Not streamed."}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    text = json.dumps(body, indent=1).replace("\n", "\n\n").encode()
    answer = Answer(content_type="application/json", chunks=[text])
    server.answer = lambda _request: answer
    async with open_chat(server.base_url, clock) as provider:
        events = await collect(provider, ask())
    frames = [event for event in events if isinstance(event, WireFrame)]
    ended = [event for event in events if isinstance(event, StreamEnded)]
    live = fold_events(make_exchange(), events).choices
    again = fold_events(make_exchange(), [*translate_frames(Api.CHAT, frames), *ended]).choices
    assert live[0].text == "Not streamed."
    assert again == live


async def test_the_body_of_an_error_is_kept_on_the_wire(
    server: LoopbackServer, clock: Clock
) -> None:
    said = error(401, "Incorrect API key provided: sk-planted-key-123.")
    server.answer = lambda _request: said
    async with open_chat(server.base_url, clock) as provider:
        events = await collect(provider, ask())
    (frame,) = [event for event in events if isinstance(event, WireFrame)]
    assert "Incorrect API key" in frame.text
    assert "sk-planted-key-123" not in frame.text


async def test_a_model_that_misses_reasoning_content_is_sent_a_blank_one_from_then_on(
    server: LoopbackServer, clock: Clock
) -> None:
    def answer(request: dict[str, Any]) -> Answer:
        replies = [m for m in request["messages"] if m["role"] == "assistant"]
        if all("reasoning_content" in reply for reply in replies):
            return reply("ok")
        words = (
            "thinking is enabled but reasoning_content is missing in assistant tool call message"
        )
        return error(400, words)

    server.answer = answer
    said = Message("a1", Role.ASSISTANT, (TextPart("before"),), NOON)
    request = replace(ask(), messages=(user_message("hi"), said, user_message("and?", "m2")))
    async with open_chat(server.base_url, clock, memory=Memory()) as provider:
        first, second = await run(provider, request), await run(provider, request)
    assert first.state is second.state is ExchangeState.COMPLETED
    assert "reasoning_content" in first.adaptations[0]
    assert len(server.requests) == 3

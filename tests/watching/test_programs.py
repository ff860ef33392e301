"""Real programs against a loopback server: their calls are recorded, and can be taken over."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role, TextPart, ToolResultPart
from replyscope.domain.ports import Clock
from replyscope.engine.archive import Archive
from replyscope.engine.live_reply import Target
from replyscope.inspection.explain import explain
from replyscope.inspection.figures import api_words
from replyscope.inspection.sharing.request_code import as_curl, as_python
from replyscope.provider.opening import translate_frames
from tests.support.build import open_chat
from tests.support.responses import response
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse
from tests.watching.programs import Program, Said, messages_stream
from tests.watching.watched import JSON, SSE, Watched, answer, chat_stream, open_watched


@dataclass
class Tapped:
    """A loopback server whose requests and responses are kept as a relay sees them."""

    server: LoopbackServer
    answers: list[Answer]
    seen: list[tuple[bytes, Answer]] = field(default_factory=list)

    def answer(self, request: dict[str, Any]) -> Answer:
        """Answer a request with the next answer."""
        made = self.answers.pop(0)
        self.seen.append((json.dumps(request).encode(), made))
        return made

    async def record(self, watched: Watched, path: str = "/chat/completions") -> list[Exchange]:
        """Report the calls to an archive."""
        for body, made in self.seen:
            listener = watched.begin(body, path)
            data = b"".join(chunk for chunk in made.chunks if isinstance(chunk, bytes))
            kind = (("content-type", made.content_type), *made.headers.items())
            answer(listener, data, status=made.status, headers=kind)
            await watched.settle()
        self.seen.clear()
        return [exchange for exchange, _ in watched.ended]


def tap(server: LoopbackServer, *answers: Answer) -> Tapped:
    """A server that gives these answers in turn."""
    tapped = Tapped(server, list(answers))
    server.answer = tapped.answer
    return tapped


LOOK = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}


def tool_answer(call_id: str) -> Answer:
    """A streamed reply with a call."""
    call = {"index": 0, "id": call_id, "type": "function"}
    function = {"name": "look", "arguments": '{"at": 1}'}
    first = delta(None, tool_calls=[{**call, "function": function}])
    return Answer(chunks=sse(delta("I look. "), first, delta(finish="tool_calls")))


def whole_answer(text: str) -> Answer:
    """A reply without a stream."""
    message = {"role": "assistant", "content": text}
    body = {
        "id": "c9",
        "object": "chat.completion",
        "created": 1,
        "model": "test-model",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
    }
    return Answer(content_type="application/json", chunks=[json.dumps(body).encode()])


async def test_an_agent_with_the_openai_sdk_is_one_session(
    server: LoopbackServer, tmp_path: Path
) -> None:
    tapped = tap(
        server,
        error(429, "Slow down."),
        tool_answer("call_1"),
        tool_answer("call_2"),
        whole_answer("It is done."),
    )
    client = openai.AsyncOpenAI(base_url=server.base_url, api_key="sk-x", max_retries=0)
    messages: list[Any] = [
        {"role": "developer", "content": "You look at things."},
        {"role": "user", "content": "Look twice."},
    ]
    with pytest.raises(openai.RateLimitError):
        await client.chat.completions.create(model="test-model", messages=messages)
    for _ in range(2):
        async with client.chat.completions.stream(
            model="test-model",
            messages=messages,
            tools=[LOOK],  # type: ignore[list-item]
        ) as stream:
            final = await stream.get_final_completion()
        message = final.choices[0].message
        assert message.tool_calls
        messages.append(message.model_dump())  # as the SDK gives it, with all of its fields
        call_id = message.tool_calls[0].id
        messages.append({"role": "tool", "tool_call_id": call_id, "content": f"saw {call_id}"})
    await client.chat.completions.create(model="test-model", messages=messages)
    await client.close()
    async with open_watched(tmp_path) as watched:
        exchanges = await tapped.record(watched)
        (summary,) = await watched.store.list_sessions()
        stored = await watched.session(summary.id)
    assert len(exchanges) == 4
    assert [m.role for m in stored.branch] == [
        Role.USER,
        Role.ASSISTANT,
        Role.TOOL,
        Role.ASSISTANT,
        Role.TOOL,
        Role.ASSISTANT,
    ]
    assert len(stored.messages) == 7  # with the reply that was refused
    assert stored.session.settings.system == "You look at things."
    results = [p for m in stored.branch for p in m.parts if isinstance(p, ToolResultPart)]
    assert [(p.name, p.output) for p in results] == [
        ("look", "saw call_1"),
        ("look", "saw call_2"),
    ]
    assert exchanges[-1].usage is not None
    assert exchanges[-1].usage.output_tokens == 7
    assert exchanges[-1].choice(0).text == "It is done."


async def test_the_sdks_responses_agent_is_one_session(
    server: LoopbackServer, tmp_path: Path
) -> None:
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look"}
    calls = ({**item, "arguments": "{}", "status": "completed"},)
    answers = [response(response_id="resp_1", items=calls), response("Seen.", response_id="resp_2")]
    seen: list[tuple[bytes, Answer]] = []
    client = openai.AsyncOpenAI(base_url=server.base_url, api_key="sk-x", max_retries=0)
    given: list[Any] = [{"role": "user", "content": "Look."}]
    for made in answers:
        server.routes[("POST", "/responses")] = made
        stream = await client.responses.create(
            model="test-model", input=given, instructions="Be brief.", stream=True
        )
        async for event in stream:
            if event.type == "response.completed":
                given += [one.model_dump(exclude_unset=True) for one in event.response.output]
        output = {"type": "function_call_output", "call_id": "call_1", "output": "a cat"}
        given.append(output)
        seen.append((server.bodies[-1], made))
    await client.close()
    async with open_watched(tmp_path) as watched:
        tapped = Tapped(server, [], seen)
        await tapped.record(watched, "/responses")
        (summary,) = await watched.store.list_sessions()
        stored = await watched.session(summary.id)
    assert [m.role for m in stored.branch] == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("stop_sequence", FinishReason.STOP),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("refusal", FinishReason.REFUSAL),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("pause_turn", FinishReason.OTHER),
    ],
)
async def test_a_message_of_anthropic_is_read(
    tmp_path: Path, stop: str, finish: FinishReason
) -> None:
    calls = (("toolu_1", "look", {"at": 1}),) if stop == "tool_use" else ()
    program = Program(Api.MESSAGES)
    async with open_watched(tmp_path) as watched:
        exchange, _ = await watched.call(
            program.body([Said("Hi", is_user=True)], max_tokens=100),
            messages_stream(Said("Hello.", calls), stop),
            "/messages",
        )
        wire = await watched.store.load_wire(exchange.id)
    choice = exchange.choice(0)
    assert (choice.text, choice.reasoning) == ("Hello.", "Let me think.")
    assert (choice.finish_reason, choice.finish_reason_raw) == (finish, stop)
    assert [(c.id, c.kind, c.arguments) for c in choice.tool_calls] == [
        ("toolu_1", "function", '{"at": 1}') for _ in calls
    ]
    usage = exchange.usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (100, 90, 25)
    assert usage.total_tokens == 125
    assert exchange.max_tokens == 100
    assert exchange.answered_model == "claude-test"
    assert explain(exchange).sentence
    assert "continue with another provider" in api_words(exchange)
    assert all(isinstance(frame, WireFrame) for frame in wire.frames)
    again = list(translate_frames(Api.MESSAGES, wire.frames))
    assert len(again) > len(wire.frames)


async def test_a_whole_message_and_an_error_of_anthropic_are_read(tmp_path: Path) -> None:
    program = Program(Api.MESSAGES)
    body = program.body([Said("Hi", is_user=True)])
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "text", "text": "Hello."},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 4},
    }
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    midway = messages_stream(Said("Hello."))[:600] + (
        b"\n\nevent: error\ndata: " + json.dumps(failed).encode() + b"\n\n"
    )
    async with open_watched(tmp_path) as watched:
        whole, _ = await watched.call(body, json.dumps(message).encode(), "/messages", headers=JSON)
        refused, _ = await watched.call(
            body, json.dumps(failed).encode(), "/messages", status=529, headers=JSON
        )
        broken, _ = await watched.call(body, midway, "/messages", headers=SSE)
    choice = whole.choice(0)
    assert (choice.text, choice.reasoning) == ("Hello.", "Hm.")
    assert choice.tool_calls[0].arguments == '{"at": 1}'
    assert choice.finish_reason is FinishReason.TOOL_CALLS
    for exchange in (refused, broken):
        assert exchange.failure is not None
        assert "Overloaded" in exchange.failure.message
        assert exchange.choice(0).finish_reason is FinishReason.ERROR


@pytest.mark.parametrize("api", list(Api))
async def test_a_watched_session_is_taken_over(
    server: LoopbackServer, clock: Clock, tmp_path: Path, api: Api
) -> None:
    """The person goes on by hand, with a provider of theirs, from the last reply."""
    program = Program(api, system="Be brief.")
    call = ("call_1", "look", {"at": 1})
    history = [Said("Look.", is_user=True)]
    numbers = iter(range(100))
    async with open_watched(tmp_path) as watched:
        _, session_id = await watched.call(
            program.body(history), program.reply(Said("I look.", (call,))), program.path
        )
        history += [Said("I look.", (call,)), Said(results=(("call_1", "a cat"),))]
        await watched.call(program.body(history), program.reply(Said("It is a cat.")), program.path)
        archive = Archive(watched.store, clock, lambda: f"mine{next(numbers)}")
        conversation = await archive.open(session_id)
        server.answer = lambda _request: reply("Grey.")
        async with open_chat(server.base_url, clock) as provider:
            target = Target(Endpoint("test", server.base_url), provider, "test-model")
            await conversation.send((TextPart("Its colour?"),), target)
        (sent,) = server.requests
        stored = await watched.session(session_id)
    assert [m["role"] for m in sent["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert sent["messages"][2]["tool_calls"][0]["id"] == "call_1"
    assert sent["messages"][3]["content"] == "a cat"
    assert len(stored.branch) == 6
    assert stored.session.client


async def test_first_tokens_and_pauses_are_timed(tmp_path: Path) -> None:
    program = Program()
    async with open_watched(tmp_path) as watched:
        listener = watched.begin(program.body([Said("Go", is_user=True)]))
        frames = chat_stream("One two").split(b"\n\n")
        listener.responded(200, SSE, 120.0)
        for number, frame in enumerate(frames[:-1]):
            listener.received(frame + b"\n\n", 150.0 + 100 * number)
        listener.ended(None, 2_000.0)
        await watched.settle()
    ((exchange, _),) = watched.ended
    timing = exchange.timing
    assert (timing.first_event_ms, timing.first_token_ms) == (150.0, 250.0)
    assert timing.duration_ms == 2_000.0
    assert timing.longest_pause_ms >= 1_000.0


async def test_many_calls_at_once_are_not_mixed(tmp_path: Path) -> None:
    async with open_watched(tmp_path) as watched:
        program = Program()
        listeners = [
            watched.begin(program.body([Said(f"Question {number}", is_user=True)]))
            for number in range(100)
        ]
        replies = [program.reply(Said(f"Answer {number}")) for number in range(100)]
        for listener in listeners:
            listener.responded(200, SSE, 1.0)
        for start in range(0, max(map(len, replies)), 200):
            for listener, data in zip(listeners, replies, strict=True):
                listener.received(data[start : start + 200], 2.0)
            await asyncio.sleep(0)
        for listener in listeners:
            listener.ended(None, 3.0)
        await watched.settle()
        sessions = [await watched.session(s.id) for s in await watched.store.list_sessions()]
    assert len(sessions) == 100
    for stored in sessions:
        question, said = stored.branch
        choice = stored.exchanges[said.sources[0].exchange_id].choice(0)
        assert choice.text == question.text.replace("Question", "Answer")


async def test_a_message_of_anthropic_is_exported_for_its_sdk(tmp_path: Path) -> None:
    program = Program(Api.MESSAGES)
    async with open_watched(tmp_path) as watched:
        exchange, _ = await watched.call(
            program.body([Said("Hi", is_user=True)], max_tokens=9, new_field=1),
            program.reply(Said("Hello.")),
            "/v1/messages",
            base_url="https://api.anthropic.com",
            headers_sent=(("x-api-key", "•••"), ("anthropic-version", "2023-06-01")),
        )
        request = (await watched.store.load_wire(exchange.id)).request
    assert request is not None
    curl, python = as_curl(request, str), as_python(request, str)
    assert "https://api.anthropic.com/v1/messages" in curl
    assert '-H "x-api-key: $ANTHROPIC_API_KEY"' in curl
    assert "Bearer" not in curl
    assert "client.messages.create(" in python
    assert 'Anthropic(base_url="https://api.anthropic.com")' in python
    assert "extra_body={'new_field': 1}" in python
    compile(python, "exported.py", "exec")

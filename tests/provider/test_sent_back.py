"""What a server attached to its replies goes back to it verbatim, and to nobody else."""

import itertools
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import Api
from replyscope.domain.message import TextPart
from replyscope.domain.ports import Clock
from replyscope.engine.live_reply import Target
from replyscope.provider.history import sent_id
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_tools import Workshop, in_turn
from tests.support.build import Memory, open_chat
from tests.support.responses import response
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage
from tests.support.streams import entry
from tests.support.suite import sample

ADD = '{"a": 2, "b": 3}'
SIGNED = {"extra_content": {"google": {"thought_signature": "AY89=="}}}
STEPS = [
    {"type": "reasoning.text", "text": "I add.", "index": 0, "format": "x", "signature": "s"},
    {"type": "reasoning.encrypted", "data": "gAAA", "index": 1, "id": "rs"},
]


def asks(message: dict[str, Any], call: dict[str, Any], arguments: str = ADD) -> Answer:
    """A reply that asks for a sum, with fields of its own in the message and in the call."""
    wire = entry(0, "call_0", "add", arguments, type="function")
    function = {**wire["function"], **call.pop("function", {})}
    wire = {**wire, **call, "function": function}
    return Answer(
        chunks=sse(delta(**message), delta(tool_calls=[wire]), delta(finish="tool_calls"), usage())
    )


def replies_sent(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [m for m in request["messages"] if m["role"] == "assistant"]


ATTACHED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a thought signature in a call": ({}, SIGNED),
    "a field within a function": ({}, {"function": {"thought_signature": "AY89=="}}),
    "reasoning_content": ({"reasoning_content": "I add."}, {}),
    "reasoning": ({"reasoning": "I add."}, {}),
    "reasoning_details": ({"reasoning_details": STEPS}, {}),
    "reasoning and its details": ({"reasoning": "I add.", "reasoning_details": STEPS}, {}),
    "a field of next year": ({"x_state": {"token": [1, "é"]}}, {"x_seal": "abc"}),
    "all of them": ({"reasoning_content": "I add.", "x_state": "t"}, SIGNED),
}


@pytest.fixture
def workshop(store: SqliteStore, clock: Clock, tmp_path: Path) -> Workshop:
    return Workshop(store, clock, tmp_path)


@pytest.mark.parametrize("name", ATTACHED)
async def test_fields_go_back_in_the_tool_loop_and_after_it(
    name: str, workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    message, call = ATTACHED[name]
    in_turn(server, asks(message, dict(call)), reply("5"))
    await workshop.send(server, clock)
    await workshop.send(server, clock, text="and now?")
    assert len(server.requests) == 3
    for request in server.requests[1:]:
        sent = replies_sent(request)[0]
        assert {n: sent.get(n) for n in message} == message
        (back,) = sent["tool_calls"]
        inner = call.get("function", {})
        assert {n: back["function"].get(n) for n in inner} == inner
        outer = {n: v for n, v in call.items() if n != "function"}
        assert {n: back.get(n) for n in outer} == outer
        assert (back["id"], back["function"]["arguments"]) == ("call_0", ADD)
        results = [m for m in request["messages"] if m["role"] == "tool"]
        assert [m["tool_call_id"] for m in results] == ["call_0"]


async def test_fields_in_pieces_go_back_whole(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    step = {"type": "reasoning.text", "index": 0, "format": "x"}
    pieces = [
        delta(reasoning_content="I ", reasoning_details=[{**step, "text": "I "}]),
        delta(reasoning_content="add.", reasoning_details=[{**step, "text": "add."}]),
        delta(reasoning_details=[{**step, "signature": "s"}]),
        delta(tool_calls=[entry(0, "call_0", "add", ADD)]),
        delta(tool_calls=[entry(0, **SIGNED)]),
        delta(finish="tool_calls"),
    ]
    in_turn(server, Answer(chunks=sse(*pieces)), reply("5"))
    await workshop.send(server, clock)
    (sent,) = replies_sent(server.requests[1])
    assert sent["reasoning_content"] == "I add."
    assert sent["reasoning_details"] == [{**step, "text": "I add.", "signature": "s"}]
    assert sent["tool_calls"][0]["extra_content"] == SIGNED["extra_content"]


async def test_text_with_tags_goes_back_as_it_came(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    in_turn(server, reply("<think>Hm", "</think>\n\nYes"), reply("No"))
    await workshop.send(server, clock)
    await workshop.send(server, clock, text="sure?")
    (sent,) = replies_sent(server.requests[1])
    assert sent["content"] == "<think>Hm</think>\n\nYes"


@asynccontextmanager
async def restarted(folder: Path, clock: Clock) -> AsyncIterator[Workshop]:
    store = SqliteStore(folder / "sessions.db", "writer-b")
    await store.open()
    try:
        again = Workshop(store, clock, folder, 500)
        newest = await again.archive.newest_id()
        assert newest is not None
        again.conversation = await again.archive.open(newest)
        yield again
    finally:
        await store.close()


@pytest.mark.parametrize("name", sample(ATTACHED, 3))
async def test_fields_go_back_after_a_restart(
    name: str,
    workshop: Workshop,
    server: LoopbackServer,
    clock: Clock,
    tmp_path: Path,
) -> None:
    message, call = ATTACHED[name]
    in_turn(server, asks(message, dict(call)), reply("5"))
    await workshop.send(server, clock)
    before = replies_sent(server.requests[1])[0]
    async with restarted(tmp_path, clock) as again:
        await again.send(server, clock, text="and now?")
    assert replies_sent(server.requests[2])[0] == before


WHERE = ("another provider", "another model", "another API")


async def send_elsewhere(
    workshop: Workshop, server: LoopbackServer, clock: Clock, model: str = "test-model", **to: Any
) -> None:
    async with open_chat(server.base_url, clock, **to) as provider:
        target = Target(provider._endpoint, provider, model)
        await workshop.conversation.send((TextPart("next"),), target)


@pytest.mark.parametrize(("name", "where"), sample(product(ATTACHED, WHERE), 8))
async def test_fields_go_nowhere_else(
    name: str, where: str, workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    message, call = ATTACHED[name]
    in_turn(server, asks(message, dict(call)), reply("5"))
    server.routes["POST", "/responses"] = response("6")
    await workshop.send(server, clock)
    with LoopbackServer() as other:
        match where:
            case "another provider":
                await send_elsewhere(workshop, other, clock)
                said = json.dumps(other.requests[-1])
            case "another model":
                await send_elsewhere(workshop, server, clock, "other-model")
                said = json.dumps(server.requests[-1])
            case _:
                await send_elsewhere(workshop, server, clock, api=Api.RESPONSES)
                said = server.bodies[-1].decode()
    assert "call_0" in said
    for secret in ("AY89", "I add.", "gAAA", "x_state", "x_seal", "reasoning_"):
        assert secret not in said


async def test_a_text_with_tags_goes_elsewhere_without_them(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    server.answer = lambda _request: reply("<think>Hm</think>Yes")
    await workshop.send(server, clock)
    await send_elsewhere(workshop, server, clock, "other-model")
    (sent,) = replies_sent(server.requests[-1])
    assert sent["content"] == "Yes"


def refuses(
    is_refused: Callable[[dict[str, Any]], bool], message: str, *answers: Answer
) -> Callable[[dict[str, Any]], Answer]:
    """A server that answers 400 to some requests, and to the others these in turn."""
    left = list(answers)

    def answer(request: dict[str, Any]) -> Answer:
        if is_refused(request):
            return error(400, message)
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "reasoning_content": ({"reasoning_content": "I add."}, {}, "Unknown field reasoning_content"),
    "x_state": (
        {"x_state": "t"},
        {},
        "messages.1.x_state: Extra inputs are not permitted",
    ),
    "extra_content": ({}, SIGNED, "Unrecognized key 'extra_content' in tool_calls[0]"),
    "reasoning_details": (
        {"reasoning_details": STEPS},
        {},
        "property 'reasoning_details' is unsupported",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_field_that_is_refused_is_left_out_and_remembered(
    name: str, workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    message, call, says = REFUSALS[name]
    server.answer = refuses(
        lambda r: name in json.dumps(r), says, asks(message, dict(call)), reply("5")
    )
    memory = Memory()
    async with open_chat(server.base_url, clock, memory=memory) as provider:
        target = Target(provider._endpoint, provider, "test-model")
        for text in ("hi", "next"):
            await workshop.conversation.send((TextPart(text),), target)
    assert [name in json.dumps(r) for r in server.requests] == [False, True, False, False]
    assert "drop" in memory.known[server.base_url, "test-model"].values()
    exchanges = list(workshop.conversation.exchanges.values())
    assert exchanges[1].choice(0).text == "5"
    for exchange in exchanges[1:]:
        assert any(name in note for note in exchange.adaptations)


async def test_ids_that_are_refused_are_mapped_alike_in_calls_and_results(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    says = "Tool call id was call_0 but must be a-z, A-Z, 0-9, with a length of 9."
    server.answer = refuses(lambda r: "call_0" in json.dumps(r), says, asks({}, {}), reply("5"))
    memory = Memory()
    async with open_chat(server.base_url, clock, memory=memory) as provider:
        target = Target(provider._endpoint, provider, "test-model")
        for text in ("hi", "next"):
            await workshop.conversation.send((TextPart(text),), target)
    for request in server.requests[2:]:
        (call,) = replies_sent(request)[0]["tool_calls"]
        result = next(m for m in request["messages"] if m["role"] == "tool")
        assert call["id"] == result["tool_call_id"] == sent_id("call_0", {"tool_call_id": "short"})
        assert len(call["id"]) == 9
        assert call["id"].isalnum()
    assert len(server.requests) == 4


async def test_results_say_their_tools_name_where_a_server_asks_for_it(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    def lacks_name(request: dict[str, Any]) -> bool:
        return any(m["role"] == "tool" and "name" not in m for m in request["messages"])

    says = "GenerateContentRequest.contents[2].parts[0].function_response.name: Name is required"
    server.answer = refuses(lacks_name, says, asks({}, {}), reply("5"))
    await workshop.send(server, clock)
    result = server.requests[-1]["messages"][-1]
    assert (result["role"], result["name"]) == ("tool", "add")


async def test_a_message_after_a_failed_one_is_joined_to_it(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    in_turn(server, error(400, "bad"), reply("Hello"))
    await workshop.send(server, clock, text="first")
    await workshop.send(server, clock, text="second")
    (only,) = server.requests[1]["messages"]
    assert (only["role"], only["content"]) == ("user", "first\n\nsecond")


def alternates(request: dict[str, Any]) -> bool:
    roles = [m["role"] for m in request["messages"] if m["role"] != "system"]
    return roles[:1] != ["assistant"] and ("tool", "user") not in itertools.pairwise(roles)


async def test_turns_are_strict_where_a_server_insists(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    answers = [asks({}, {}), error(500, "down"), reply("5")]
    says = "Conversation roles must alternate user/assistant/user/assistant/..."
    server.answer = refuses(lambda r: not alternates(r), says, *answers)
    await workshop.send(server, clock)
    await workshop.send(server, clock, text="next")
    assert alternates(server.requests[-1])
    assert server.requests[-1]["messages"][-1]["content"] == "next"


async def test_words_of_a_schema_that_are_refused_are_left_out(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    def has_word(request: dict[str, Any]) -> bool:
        return "additionalProperties" in json.dumps(request["tools"])

    says = (
        'Invalid JSON payload received. Unknown name "additionalProperties" at '
        "'tools[0].function_declarations[0].parameters': Cannot find field."
    )
    server.answer = refuses(has_word, says, reply("5"))
    await workshop.send(server, clock)
    assert not has_word(server.requests[-1])
    assert len(server.requests) <= 2


class Each:
    """Other chunks each time that they are asked for."""

    def __init__(self, chunks: Callable[[], Iterator[bytes | threading.Event]]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes | threading.Event]:
        return self._chunks()


ITEM_FIELDS = {"x_seal": "abc", "extra_content": {"google": {"thought_signature": "AY89=="}}}


async def test_items_of_a_response_go_back_verbatim(
    workshop: Workshop, server: LoopbackServer, clock: Clock, tmp_path: Path
) -> None:
    thought = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gAAA"}
    call = {
        "type": "function_call",
        "id": "fc",
        "call_id": "call_0",
        "name": "add",
        "arguments": ADD,
        "status": "completed",
        **ITEM_FIELDS,
    }
    answers = [response(items=(thought, call), store=False), response("5", store=False)]

    def chunks() -> Iterator[bytes | threading.Event]:
        yield from answers.pop(0).chunks if len(answers) > 1 else answers[0].chunks

    server.routes["POST", "/responses"] = Answer(chunks=Each(chunks))
    await workshop.send(server, clock, api=Api.RESPONSES)
    async with restarted(tmp_path, clock) as again:
        await again.send(server, clock, api=Api.RESPONSES, text="and now?")
    sent = [json.loads(body) for body in server.bodies]
    assert len(sent) == 3
    for request in sent[1:]:
        assert thought in request["input"]
        assert call in request["input"]
        results = [i for i in request["input"] if i.get("type") == "function_call_output"]
        assert [(i["call_id"], i["output"]) for i in results] == [("call_0", "5")]

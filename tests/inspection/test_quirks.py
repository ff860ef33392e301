"""The quirks that a probe names: one table of frames for each API."""

import json
from typing import Any

import pytest

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Api
from replyscope.inspection.quirks import find_quirks
from tests.support.build import make_exchange
from tests.support.responses import events
from tests.support.server import delta, sse, usage

_CALL = {"id": "call_item", "type": "function_call", "call_id": "c1", "name": "f"}


def frames(*payloads: object) -> list[WireFrame]:
    return [WireFrame(0.0, chunk.decode()) for chunk in sse(*payloads, done=False)]


def quirks(api: Api, *payloads: object, done: bool = True) -> tuple[str, ...]:
    return find_quirks(make_exchange(api=api, done_marker=done), frames(*payloads))


def piece(**fields: Any) -> dict[str, Any]:
    """A chunk with one piece of a tool call."""
    return delta(tool_calls=[fields])


def head(index: int = 0, call_id: str = "c1", name: str = "f") -> dict[str, Any]:
    return piece(index=index, id=call_id, function={"name": name, "arguments": ""})


CHAT: dict[str, list[dict[str, Any]]] = {
    "a choice has message instead of delta": [{"choices": [{"index": 0, "message": {}}]}],
    "a choice has no delta": [{"choices": [{"index": 0, "content_filter_results": {}}]}],
    "a choice has no index": [{"choices": [{"delta": {"content": "a"}}]}],
    "a chunk has no choices": [{"id": "x"}],
    "a chunk has empty choices and no usage": [{"choices": [], "prompt_filter_results": []}],
    "an error comes inside the stream": [{"object": "error", "message": "no"}],
    "finish_reason is empty text instead of null": [delta("a", finish="")],
    "finish_reason “MAX_TOKENS” is not a word of the API": [delta("a", finish="MAX_TOKENS")],
    "content is a list of parts instead of text": [delta(content=[{"type": "text"}])],  # type: ignore[arg-type]
    "the reasoning comes as reasoning_content": [delta(reasoning_content="hm")],
    "the reasoning comes as reasoning_details": [delta(reasoning_details=[{"text": "hm"}])],
    "the reasoning comes in the text, between think tags": [delta("<th"), delta("ink>hm")],
    "a piece of a tool call has no index": [piece(id="c1", function={"name": "f"})],
    "a tool call has no id": [piece(index=0, function={"name": "f", "arguments": ""})],
    "two tool calls come under one index": [head(), head(call_id="c2")],
    "the pieces of a tool call have different ids": [
        head(),
        piece(index=0, id="c2", function={"name": "", "arguments": "{}"}),
    ],
    "the name of a tool call comes more than once": [head(), head()],
    "the arguments of a tool call are an object instead of text": [
        piece(index=0, id="c1", function={"name": "f", "arguments": {}})
    ],
    "a tool call has extra_content": [piece(index=0, id="c1", extra_content={"google": {}})],
    "usage comes with more than one chunk": [usage(), usage()],
    "usage comes in x_groq": [{"choices": [], "x_groq": {"usage": {"total_tokens": 1}}}],
    "usage comes in a choice": [{"choices": [{"index": 0, "delta": {}, "usage": {"a": 1}}]}],
    "usage has other names than the API's": [{"choices": [], "usage": {"input_tokens": 5}}],
}


@pytest.mark.parametrize("quirk", CHAT)
def test_a_quirk_of_chat_completions_is_named_once(quirk: str) -> None:
    found = quirks(Api.CHAT, *CHAT[quirk], *CHAT[quirk])
    assert found.count(quirk) == 1


def test_a_stream_that_keeps_to_chat_completions_has_no_quirks() -> None:
    arguments = piece(index=0, function={"arguments": "{}"})
    stream = [delta("Hi"), head(), arguments, head(1, "c2"), delta(finish="tool_calls"), usage()]
    assert quirks(Api.CHAT, *stream) == ()
    assert quirks(Api.CHAT, *stream, done=False) == ("the stream ends without [DONE]",)


def test_a_frame_that_is_not_an_object_is_a_quirk() -> None:
    broken = [
        WireFrame(0.0, 'data: {"a":\n\n'),
        *frames(delta("Hi")),
        WireFrame(1.0, "data: 5\n\n"),
    ]
    exchange = make_exchange(done_marker=True)
    assert find_quirks(exchange, broken) == ("a frame is not a JSON object",)


def placed() -> list[dict[str, Any]]:
    """A well-formed response: a call, then a message of two deltas."""
    made: list[dict[str, Any]] = json.loads(json.dumps(events("Hel", "lo", items=(_CALL,))))
    return made


def without(field: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in event.items() if k != field} for event in placed()]


def ended(**fields: Any) -> list[dict[str, Any]]:
    """The response with other fields in its final object."""
    stream = placed()
    stream[-1]["response"] |= fields
    return stream


def stuck() -> list[dict[str, Any]]:
    return [{**e, "output_index": 0} if "output_index" in e else e for e in placed()]


def renamed() -> list[dict[str, Any]]:
    stream = placed()
    for event in stream:
        if event["type"] == "response.output_item.done":
            event["item"]["id"] += "_new"
    return stream


def lacking(kind: str) -> list[dict[str, Any]]:
    return [event for event in placed() if event["type"] != kind]


RESPONSES: dict[str, list[dict[str, Any]]] = {
    "output_index is missing": without("output_index"),
    "content_index is missing": without("content_index"),
    "sequence_number is missing": without("sequence_number"),
    "two items come under one output_index": stuck(),
    "the id of an item changes while it streams": renamed(),
    "output_item.done is missing": lacking("response.output_item.done"),
    "output_item.added is missing": lacking("response.output_item.added"),
    "no terminal event comes": lacking("response.completed"),
    "the output of the final response is empty": ended(output=[]),
    "the output of the final response differs from the streamed items": ended(output=[_CALL]),
    "the items of the final response have other ids or another order": ended(
        output=[{"id": "a"}, {"id": "b"}]
    ),
    "the event is response.completed, but the status is incomplete": ended(status="incomplete"),
    "the status is incomplete without a reason": ended(status="incomplete"),
    "usage counts 0 tokens": ended(usage={"input_tokens": 0, "output_tokens": 0}),
}


@pytest.mark.parametrize("quirk", RESPONSES)
def test_a_quirk_of_responses_is_named(quirk: str) -> None:
    assert quirk in quirks(Api.RESPONSES, *RESPONSES[quirk])


def test_a_stream_that_keeps_to_responses_has_no_quirks() -> None:
    assert quirks(Api.RESPONSES, *placed()) == ()

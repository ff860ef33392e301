"""Every field that a server adds, at any level, is shown or named by a finding."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import Api
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.json_view import exchange_object
from tests.support.examples import examples
from tests.support.server import delta
from tests.support.streams import call_chunk, entry, fold_stream

VALUES = st.recursive(
    st.booleans() | st.integers(-5, 2**70) | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=3,
)
NAMES = st.from_regex(r"x_[a-z]{3,8}", fullmatch=True)
COUNTS = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
STREAM: list[dict[str, Any]] = [
    delta("Hi", role="assistant"),
    call_chunk(entry(0, "c1", "f", "{}", type="function")),
    {**delta(finish="stop"), "usage": COUNTS},
]
MESSAGE = {**delta("Hi"), "choices": [{"index": 0, "message": {"content": "Hi"}}]}
BOTH: dict[str, Any] = copy.deepcopy(delta("Hi"))
BOTH["choices"][0]["message"] = {"content": "Hi"}
CHAT_PLACES: dict[str, tuple[list[dict[str, Any]], list[Any]]] = {
    "chunk": (STREAM, [0]),
    "choice": (STREAM, [0, "choices", 0]),
    "delta": (STREAM, [0, "choices", 0, "delta"]),
    "message": ([MESSAGE], [0, "choices", 0, "message"]),
    "message beside a delta": ([BOTH], [0, "choices", 0, "message"]),
    "tool call": (STREAM, [1, "choices", 0, "delta", "tool_calls", 0]),
    "function": (STREAM, [1, "choices", 0, "delta", "tool_calls", 0, "function"]),
    "usage": (STREAM, [2, "usage"]),
}

PART = {"type": "output_text", "text": "Hi", "annotations": []}
ITEM: dict[str, Any] = {"type": "message", "id": "m", "role": "assistant", "content": [PART]}
CALL = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}
EVENTS: list[dict[str, Any]] = [
    {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**ITEM, "content": []}},
    {"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": PART},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"},
    {"type": "response.output_item.done", "output_index": 0, "item": ITEM},
    {"type": "response.output_item.done", "output_index": 1, "item": CALL},
    {
        "type": "response.completed",
        "response": {
            "id": "r",
            "status": "completed",
            "output": [ITEM, CALL],
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        },
    },
]
RESPONSE_PLACES: dict[str, list[Any]] = {
    "first event": [0],
    "first response": [0, "response"],
    "item that begins": [1, "item"],
    "event of a part": [2],
    "part that begins": [2, "part"],
    "delta": [3],
    "item that ends": [4, "item"],
    "part of an item": [4, "item", "content", 0],
    "call": [5, "item"],
    "last event": [6],
    "last response": [6, "response"],
    "item of the output": [6, "response", "output", 0],
    "usage": [6, "response", "usage"],
}


def with_field(stream: list[dict[str, Any]], path: list[Any], name: str, value: Any) -> Any:
    made = copy.deepcopy(stream)
    place: Any = made
    for step in path:
        place = place[step]
    place[name] = value
    return made


def says_nothing(value: Any) -> bool:
    return value in ("", [], {}) or value is False or value == 0


def is_told(api: Api, stream: Any, name: str) -> bool:
    return any(name in finding for finding in find_oddities(fold_stream(api, *stream)))


@given(place=st.sampled_from(sorted(CHAT_PLACES)), name=NAMES, value=VALUES)
def test_a_field_added_to_a_chunk_is_named(place: str, name: str, value: Any) -> None:
    stream, path = CHAT_PLACES[place]
    told = is_told(Api.CHAT, with_field(stream, path, name, value), name)
    assert told or says_nothing(value)


@given(place=st.sampled_from(sorted(RESPONSE_PLACES)), name=NAMES, value=VALUES)
@examples(60)
def test_a_field_added_to_an_event_is_named(place: str, name: str, value: Any) -> None:
    told = is_told(Api.RESPONSES, with_field(EVENTS, RESPONSE_PLACES[place], name, value), name)
    assert told or says_nothing(value)


def test_an_image_is_in_the_json_by_its_type_and_size() -> None:
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    shown = exchange_object(fold_stream(Api.CHAT, delta("Here", images=[url])))
    (image,) = shown["choices"][0]["images"]
    assert (image["media_type"], image["size"]) == ("image/png", 8)
    assert "data" not in image


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just("\ud83d"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
KNOWN = (
    *("id", "model", "choices", "usage", "error", "object", "citations", "message", "delta"),
    *("index", "finish_reason", "native_finish_reason", "text", "content", "tool_calls"),
    *("function_call", "reasoning", "reasoning_content", "reasoning_details", "images", "audio"),
    *("annotations", "refusal", "name", "arguments", "function", "type", "item", "output_index"),
    *("item_id", "response", "output", "status", "summary", "part", "call_id", "logprobs"),
)


@given(data=st.data(), name=st.sampled_from(KNOWN), value=ANY_JSON)
def test_known_fields_of_any_shape_raise_nothing(
    data: st.DataObject, name: str, value: Any
) -> None:
    stream, path = CHAT_PLACES[data.draw(st.sampled_from(sorted(CHAT_PLACES)))]
    json.dumps(find_oddities(fold_stream(Api.CHAT, *with_field(stream, path, name, value))))


@given(data=st.data(), name=st.sampled_from(KNOWN), value=ANY_JSON)
@examples(60)
def test_known_fields_of_an_event_of_any_shape_raise_nothing(
    data: st.DataObject, name: str, value: Any
) -> None:
    path = RESPONSE_PLACES[data.draw(st.sampled_from(sorted(RESPONSE_PLACES)))]
    json.dumps(find_oddities(fold_stream(Api.RESPONSES, *with_field(EVENTS, path, name, value))))

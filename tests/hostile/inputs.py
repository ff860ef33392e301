"""What the fuzzed ways in are given: near misses of what they expect, and noise."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.support.server import delta, usage

_NAMES = st.sampled_from((
    "id", "object", "created", "model", "choices", "index", "delta", "content", "role",
    "finish_reason", "tool_calls", "function", "name", "arguments", "usage", "prompt_tokens",
    "completion_tokens", "total_tokens", "prompt_tokens_details", "cached_tokens", "reasoning",
    "reasoning_content", "refusal", "error", "message", "code", "type", "response", "output",
    "output_index", "content_index", "item", "item_id", "part", "text", "annotations", "summary",
    "status", "incomplete_details", "reason", "sequence_number", "delta", "logprobs", "cost",
    "title", "mapping", "parent", "children", "author", "parts", "chat", "history", "messages",
    "exchanges", "settings", "parameters", "sources", "frames", "request", "state", "tags",
))  # fmt: skip
_TYPES = st.sampled_from((
    "response.created", "response.output_item.added", "response.output_item.done",
    "response.output_text.delta", "response.output_text.done", "response.completed",
    "response.function_call_arguments.delta", "response.function_call_arguments.done",
    "response.reasoning_summary_text.delta", "response.incomplete", "response.failed", "error",
    "response.content_part.added", "response.refusal.delta", "message", "function_call",
    "reasoning", "output_text", "custom_tool_call", "mcp_call", "mcp_approval_request",
    "web_search_call", "code_interpreter_call", "file_search_call", "image_generation_call",
    "apply_patch_call", "computer_call", "stop", "length", "tool_calls", "text", "image",
))  # fmt: skip
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from((0, 1, -1, 1e308, -1e308, float("inf"), float("nan"), 2**63)),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(("\x1b]0;x\x07", "\ud800", "{", '{"a": 1}', "\u202e", "\0", "9" * 5_000)),
    _TYPES,
)
VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_NAMES, inner, max_size=6)
    ),
    max_leaves=25,
)


def _text(value: Any) -> str:
    return json.dumps(value)


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """A sound value of which some places hold anything."""
    paths: list[tuple[Any, ...]] = []

    def walk(one: Any, path: tuple[Any, ...]) -> None:
        paths.append(path)
        if isinstance(one, dict):
            for key, inner in one.items():
                walk(inner, (*path, key))
        elif isinstance(one, list):
            for at, inner in enumerate(one):
                walk(inner, (*path, at))

    copy = json.loads(json.dumps(value))
    walk(copy, ())
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths))
        if not path:
            continue
        place = copy
        try:
            for step in path[:-1]:
                place = place[step]
            if draw(st.booleans()):
                place[path[-1]] = draw(VALUES)
            else:
                del place[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue
    return copy


def framed(payloads: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Frames of such payloads, with each kind of line end, comments and noise between."""
    ends = st.sampled_from((b"\n\n", b"\r\n\r\n", b"\r\r", b"\n", b""))
    event = st.sampled_from((b"", b"event: x\n", b": ping\n", b"id: 1\n", b"retry: x\n", b"\xff"))
    frame = st.one_of(
        st.builds(lambda e, p, n: e + b"data: " + _text(p).encode() + n, event, payloads, ends),
        st.binary(max_size=40),
        st.just(b"data: [DONE]\n\n"),
    )
    return st.lists(frame, max_size=12).map(b"".join)


CHUNKS = st.one_of(
    VALUES,
    mutated(delta("hello", finish="stop", tool_calls=[
        {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}
    ])),
    mutated(usage()),
)  # fmt: skip
_ITEM = {
    "type": "message", "id": "m", "role": "assistant", "status": "completed",
    "content": [{"type": "output_text", "text": "hi", "annotations": [
        {"type": "url_citation", "url": "http://x", "title": "t", "start_index": 0, "end_index": 1}
    ]}],
}  # fmt: skip
_WHOLE = {
    "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed",
    "output": [_ITEM, {"type": "function_call", "id": "f", "call_id": "c", "name": "n",
                       "arguments": "{}"}],
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
}  # fmt: skip
EVENTS = st.one_of(
    VALUES,
    mutated({"type": "response.created", "response": {**_WHOLE, "status": "in_progress"}}),
    mutated({"type": "response.output_item.added", "output_index": 0, "item": _ITEM}),
    mutated({"type": "response.output_item.done", "output_index": 0, "item": _ITEM}),
    mutated({"type": "response.output_text.delta", "output_index": 0, "content_index": 0,
             "item_id": "m", "delta": "hi"}),
    mutated({"type": "response.function_call_arguments.delta", "output_index": 1,
             "item_id": "f", "delta": "{"}),
    mutated({"type": "response.completed", "response": _WHOLE}),
)  # fmt: skip
COMPLETION = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "hi", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip
RESPONSE = _WHOLE


def bodies(sound: Any) -> st.SearchStrategy[bytes]:
    """A JSON body: almost sound, anything, cut short, or noise."""
    whole = st.one_of(mutated(sound), VALUES, st.builds(lambda e: {"error": e}, VALUES))
    text = whole.map(lambda value: _text(value).encode())
    cut = st.builds(lambda t, n: t[: n % (len(t) + 1)], text, st.integers(0, 10_000))
    return st.one_of(text, cut, st.binary(max_size=80), st.sampled_from(DEEP))


DEEP = tuple(
    text.encode()
    for text in (
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"choices":' + "[" * 50_000,
        '"' + "\\u0000" * 10_000 + '"',
        "9" * 200_000,
        "\x1b" * 100_000,
        "",
    )
)

"""Two short replies with something of everything, and what any part of them says.

What was said is read here by a few lines of their own, so that the program is not
measured by itself.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from replyscope.domain.exchange import Api

_REASONING = ("Look ", "closer…")
_TEXT = ("Grüße ", "aus ", "東京 🙂.")
_ARGUMENTS = ('{"city":', '"Oslo"}')
_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


@dataclass(frozen=True, slots=True)
class Said:
    """What a part of a stream came to."""

    text: str = ""
    reasoning: str = ""
    arguments: str = ""
    has_reason: bool = False
    """Whether the reason for the end was given."""
    has_end: bool = False
    """Whether the marker, or the event that ends a response, came."""
    is_garbled: bool = False
    """Whether a frame is not JSON; it is not read beyond that."""
    has_usage: bool = False
    """Whether what a chat took came, with which all is said, blank line and all."""
    is_cut: bool = False
    """Whether it stops in the middle of a frame."""


def stream_of(api: Api) -> bytes:
    """A whole reply: it reasons, writes, calls a tool, counts tokens and ends."""
    if api is Api.CHAT:
        return b"".join(map(_frame, _chat())) + b"data: [DONE]\n\n"
    events = [{"type": f"response.{e.pop('type')}", **e} for e in _responses()]
    frames = [_frame({**event, "sequence_number": n}) for n, event in enumerate(events)]
    names = [b"event: " + event["type"].encode() + b"\n" for event in events]
    return b"".join(name + frame for name, frame in zip(names, frames, strict=True))


def _frame(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + text.encode() + b"\n\n"


def _chat() -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any] | None, finish: str | None = None) -> dict[str, Any]:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        return {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": choices}

    def call(**function: str) -> dict[str, Any]:
        head = {"id": "call_1", "type": "function"} if "name" in function else {}
        return chunk({"tool_calls": [{"index": 0, **head, "function": function}]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in _REASONING:
        yield chunk({"reasoning_content": piece})
    for piece in _TEXT:
        yield chunk({"content": piece})
    yield call(name="weather", arguments="")
    for piece in _ARGUMENTS:
        yield call(arguments=piece)
    yield chunk({}, "tool_calls")
    yield {**chunk(None), "usage": _USAGE}


def _responses() -> Iterator[dict[str, Any]]:
    head = {"id": "resp_1", "object": "response", "model": "m"}
    thought = {"id": "rs_1", "type": "reasoning"}
    whole_thought = {"type": "summary_text", "text": "".join(_REASONING)}
    message = {"id": "msg_1", "type": "message", "role": "assistant"}
    part = {"type": "output_text", "text": "".join(_TEXT), "annotations": []}
    call = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "weather"}
    items = (
        {**thought, "summary": [whole_thought]},
        {**message, "status": "completed", "content": [part]},
        {**call, "status": "completed", "arguments": "".join(_ARGUMENTS)},
    )
    yield {"type": "created", "response": {**head, "status": "in_progress", "output": []}}
    place: dict[str, Any] = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    yield {"type": "output_item.added", "output_index": 0, "item": {**thought, "summary": []}}
    empty = {**whole_thought, "text": ""}
    yield {"type": "reasoning_summary_part.added", **place, "part": empty}
    for piece in _REASONING:
        yield {"type": "reasoning_summary_text.delta", **place, "delta": piece}
    yield {"type": "output_item.done", "output_index": 0, "item": items[0]}
    place = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    yield {"type": "output_item.added", "output_index": 1, "item": {**message, "content": []}}
    yield {"type": "content_part.added", **place, "part": {**part, "text": ""}}
    for piece in _TEXT:
        yield {"type": "output_text.delta", **place, "delta": piece}
    yield {"type": "output_item.done", "output_index": 1, "item": items[1]}
    place = {"item_id": "fc_1", "output_index": 2}
    yield {"type": "output_item.added", "output_index": 2, "item": {**call, "arguments": ""}}
    for piece in _ARGUMENTS:
        yield {"type": "function_call_arguments.delta", **place, "delta": piece}
    yield {"type": "output_item.done", "output_index": 2, "item": items[2]}
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    done = {**head, "status": "completed", "output": list(items), "usage": usage}
    yield {"type": "completed", "response": done}


def said_in(api: Api, data: bytes) -> Said:
    """What the bytes say as far as they go. A last frame without its blank line counts
    when it is whole.
    """
    text = reasoning = arguments = ""
    has_reason = has_end = has_usage = False
    *frames, rest = data.split(b"\n\n")
    for number, frame in enumerate([*frames, rest]):
        is_last = number == len(frames)
        payload = _payload(frame)
        if payload.startswith(b"[DONE]"):
            has_end = True
            break
        try:
            value = json.loads(payload.decode("utf-8", "replace")) if payload.strip() else {}
        except ValueError:
            told = has_reason, has_end, not is_last
            return Said(text, reasoning, arguments, *told, has_usage, is_last)
        if not isinstance(value, dict):
            continue
        pieces = _pieces(api, value)
        text, reasoning, arguments = text + pieces[0], reasoning + pieces[1], arguments + pieces[2]
        has_reason = has_reason or b'"finish_reason":"tool_calls"' in payload
        has_usage = has_usage or (not is_last and value.get("choices") == [])
        has_end = has_end or value.get("type") == "response.completed"
    return Said(text, reasoning, arguments, has_reason or has_end, has_end, has_usage=has_usage)


def _payload(frame: bytes) -> bytes:
    lines = [line for line in frame.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(line.removeprefix(b"data:").removeprefix(b" ") for line in lines)


def _pieces(api: Api, value: dict[str, Any]) -> tuple[str, str, str]:
    if api is Api.RESPONSES:
        kinds = ("output_text", "reasoning_summary_text", "function_call_arguments")
        delta = str(value.get("delta", ""))
        said = [delta if value.get("type") == f"response.{kind}.delta" else "" for kind in kinds]
        return said[0], said[1], said[2]
    deltas = [choice.get("delta") or {} for choice in value.get("choices") or ()]
    calls = [call for delta in deltas for call in delta.get("tool_calls") or ()]
    return (
        "".join(delta.get("content") or "" for delta in deltas),
        "".join(delta.get("reasoning_content") or "" for delta in deltas),
        "".join(call.get("function", {}).get("arguments") or "" for call in calls),
    )

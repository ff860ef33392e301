"""Finds quirks: deviations of a server's frames from the API. Pure.

A quirk is a sentence about the server. It has no ids or texts of the reply, so the same
quirk of two replies is the same sentence.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.json_text import read_json
from replyscope.domain.sse import parse_frame

_Payload = dict[str, Any]
_Rule = Callable[[Sequence[_Payload]], Iterator[str]]
_FINISH_WORDS = ("stop", "length", "tool_calls", "content_filter", "function_call")
_REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_details")
_THINK_TAG = re.compile(r"\s*<(think|thinking)>", re.IGNORECASE)
_TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")


def find_quirks(exchange: Exchange, frames: Iterable[WireFrame]) -> tuple[str, ...]:
    """The quirks in the frames of a reply, without duplicates."""
    data = [parsed[1] for frame in frames if (parsed := parse_frame(frame.text)) is not None]
    is_chat = exchange.api is Api.CHAT
    found: list[str] = []
    payloads: list[_Payload] = []
    for text in data:
        if text.strip() == "[DONE]":
            continue
        try:
            value = read_json(text)
        except ValueError:
            value = None
        if isinstance(value, dict):
            payloads.append(value)
        else:
            found.append("a frame is not a JSON object")
    if payloads:
        if is_chat and not exchange.done_marker:
            found.append("the stream ends without [DONE]")
        for rule in _RULES.get(exchange.api, ()):
            found += rule(payloads)
    return tuple(dict.fromkeys(found))


def _dicts(value: object) -> list[_Payload]:
    """The objects in a JSON list; empty for any other value."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _choices(payloads: Sequence[_Payload]) -> Iterator[_Payload]:
    for payload in payloads:
        yield from _dicts(payload.get("choices"))


def _deltas(payloads: Sequence[_Payload]) -> Iterator[_Payload]:
    for choice in _choices(payloads):
        delta = choice.get("delta")
        if isinstance(delta, dict):
            yield delta


def _about_chunks(payloads: Sequence[_Payload]) -> Iterator[str]:
    for payload in payloads:
        choices = payload.get("choices")
        if payload.get("error") is not None or payload.get("object") == "error":
            yield "an error comes inside the stream"
        elif choices is None:
            yield "a chunk has no choices"
        elif choices == [] and payload.get("usage") is None:
            yield "a chunk has empty choices and no usage"
    for choice in _choices(payloads):
        if choice.get("delta") is None and choice.get("message") is not None:
            yield "a choice has message instead of delta"
        elif choice.get("delta") is None:
            yield "a choice has no delta"
        if choice.get("index") is None:
            yield "a choice has no index"
        word = choice.get("finish_reason")
        if word == "":
            yield "finish_reason is empty text instead of null"
        elif word is not None and word not in _FINISH_WORDS:
            yield f"finish_reason “{word}” is not a word of the API"


def _about_chat_text(payloads: Sequence[_Payload]) -> Iterator[str]:
    text = ""
    for delta in _deltas(payloads):
        content = delta.get("content")
        if isinstance(content, str):
            text += content if len(text) < 100 else ""
        elif content is not None:
            yield "content is a list of parts instead of text"
        for name in _REASONING_FIELDS:
            if delta.get(name):
                yield f"the reasoning comes as {name}"
    if _THINK_TAG.match(text):
        yield "the reasoning comes in the text, between think tags"


def _about_chat_calls(payloads: Sequence[_Payload]) -> Iterator[str]:
    """Check the pieces of calls: the first has index, id and name, the others only the index."""
    for number in {choice.get("index") or 0 for choice in _choices(payloads)}:
        ids: dict[object, str] = {}
        named: set[object] = set()
        for choice in _choices(payloads):
            delta = choice.get("delta")
            if (choice.get("index") or 0) == number and isinstance(delta, dict):
                for piece in _dicts(delta.get("tool_calls")):
                    yield from _about_piece(piece, ids, named)


def _about_piece(piece: _Payload, ids: dict[object, str], named: set[object]) -> Iterator[str]:
    function = piece.get("function")
    function = function if isinstance(function, dict) else {}
    index, call_id, name = piece.get("index"), piece.get("id"), function.get("name")
    known = ids.get(index)
    if not isinstance(index, int):
        yield "a piece of a tool call has no index"
    if call_id and known is not None and call_id != known:
        yield (
            "two tool calls come under one index"
            if name
            else "the pieces of a tool call have different ids"
        )
    elif name and index in named:
        yield "the name of a tool call comes more than once"
    if name and not call_id and known is None:
        yield "a tool call has no id"
    if isinstance(function.get("arguments"), dict | list):
        yield "the arguments of a tool call are an object instead of text"
    if piece.get("extra_content") is not None:
        yield "a tool call has extra_content"
    if call_id:
        ids[index] = str(call_id)
    if name:
        named.add(index)


def _about_chat_usage(payloads: Sequence[_Payload]) -> Iterator[str]:
    if sum(bool(payload.get("usage")) for payload in payloads) > 1:
        yield "usage comes with more than one chunk"
    for payload in payloads:
        x_groq = payload.get("x_groq")
        if isinstance(x_groq, dict) and x_groq.get("usage"):
            yield "usage comes in x_groq"
        usage = payload.get("usage")
        if isinstance(usage, dict) and usage and "prompt_tokens" not in usage:
            yield "usage has other names than the API's"
    if any(choice.get("usage") for choice in _choices(payloads)):
        yield "usage comes in a choice"


def _about_places(payloads: Sequence[_Payload]) -> Iterator[str]:
    for field, kinds in (
        ("output_index", r"response\.(output_item|content_part|output_text|function_call)"),
        ("content_index", r"response\.(content_part|output_text)"),
        ("sequence_number", r"response\."),
    ):
        if any(re.match(kinds, _kind(p)) and not isinstance(p.get(field), int) for p in payloads):
            yield f"{field} is missing"
    items: dict[int, str] = {}
    for payload in payloads:
        index, item = payload.get("output_index"), payload.get("item")
        if _kind(payload) != "response.output_item.added" or not isinstance(item, dict):
            continue
        if isinstance(index, int):
            item_id = str(item.get("id"))
            if items.setdefault(index, item_id) != item_id:
                yield "two items come under one output_index"


def _about_items(payloads: Sequence[_Payload]) -> Iterator[str]:
    added = [_item(p) for p in payloads if _kind(p) == "response.output_item.added"]
    done = [_item(p) for p in payloads if _kind(p) == "response.output_item.done"]
    if len(added) != len(done):
        yield f"output_item.{'done' if len(added) > len(done) else 'added'} is missing"
    elif {item.get("id") for item in added} != {item.get("id") for item in done}:
        yield "the id of an item changes while it streams"
    final = _final(payloads)
    if final is None:
        return
    output = _dicts(final.get("output"))
    if done and not output:
        yield "the output of the final response is empty"
    elif len(output) != len(done):
        yield "the output of the final response differs from the streamed items"
    elif [item.get("id") for item in output] != [item.get("id") for item in done]:
        yield "the items of the final response have other ids or another order"


def _about_status(payloads: Sequence[_Payload]) -> Iterator[str]:
    last = _kind(payloads[-1])
    final = _final(payloads)
    if final is None:
        if not any(_kind(payload) in _TERMINAL for payload in payloads):
            yield "no terminal event comes"
        return
    status, details = final.get("status"), final.get("incomplete_details")
    if last.startswith("response.") and last.removeprefix("response.") != status:
        yield f"the event is {last}, but the status is {status}"
    if status == "incomplete" and not (isinstance(details, dict) and details.get("reason")):
        yield "the status is incomplete without a reason"
    usage = final.get("usage")
    if (
        isinstance(usage, dict)
        and usage
        and not any(isinstance(count, int) and count for count in usage.values())
    ):
        yield "usage counts 0 tokens"


def _kind(payload: _Payload) -> str:
    return str(payload.get("type") or "")


def _item(payload: _Payload) -> _Payload:
    item = payload.get("item")
    return item if isinstance(item, dict) else {}


def _final(payloads: Sequence[_Payload]) -> _Payload | None:
    """The response of the last terminal event, or None."""
    for payload in reversed(payloads):
        response = payload.get("response")
        if _kind(payload) in _TERMINAL and isinstance(response, dict):
            return response
    return None


_CHAT_RULES: tuple[_Rule, ...] = (
    _about_chunks,
    _about_chat_text,
    _about_chat_calls,
    _about_chat_usage,
)
_RESPONSES_RULES: tuple[_Rule, ...] = (_about_places, _about_items, _about_status)

_RULES = {Api.CHAT: _CHAT_RULES, Api.RESPONSES: _RESPONSES_RULES}
"""The rules of each API; the Messages API has one server."""

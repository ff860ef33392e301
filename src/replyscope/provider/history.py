"""Applies adaptations to the messages of a Chat Completions request. Pure.

An adaptation is derived from a rejection (see adaptation.py) and stored for the model:

| name                    | value    | effect                                              |
|-------------------------|----------|-----------------------------------------------------|
| messages.FIELD          | drop     | the server's own field of a reply is removed        |
| tool_calls.FIELD        | drop     | the server's own field of a tool call is removed    |
| tool_call_id            | short    | ids are hashed to nine letters and digits           |
| tool_name               | send     | a tool result includes the tool's name              |
| content                 | text     | a reply with only tool calls has an empty text      |
| reasoning_content       | fill     | a reply without reasoning has a space as reasoning  |
| turns                   | strict   | user and assistant messages alternate               |
"""

import hashlib
import string
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Entry = dict[str, Any]

_MESSAGE = ("role", "content", "tool_calls", "refusal", "name", "audio")
_CALL = ("id", "type", "function", "custom")
_FUNCTION = ("name", "arguments")
_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 9
NO_REPLY = "(no reply)"
REASONING = "reasoning_content"


def own_fields(messages: Iterable[Entry]) -> Iterator[tuple[str, Any]]:
    """The fields outside the API's standard, with the names that adaptations use."""
    for entry in messages:
        if entry.get("role") != "assistant":
            continue
        yield from ((f"messages.{n}", v) for n, v in entry.items() if n not in _MESSAGE)
        for call in entry.get("tool_calls") or ():
            given = {n: v for n, v in call.items() if n not in _CALL}
            function = call.get("function") or {}
            given |= {n: v for n, v in function.items() if n not in _FUNCTION}
            yield from ((f"tool_calls.{name}", value) for name, value in given.items())


def adapt_history(messages: Iterable[Entry], adaptations: Mapping[str, str]) -> list[Entry]:
    """The messages with the adaptations applied.

    Consecutive user messages are merged, because many chat templates require alternation.
    """
    adapted = [_adapt_entry(entry, adaptations) for entry in messages]
    if adaptations.get("turns") == "strict":
        adapted = list(_fill_turns(adapted))
    return join_turns(adapted)


def _adapt_entry(entry: Entry, adaptations: Mapping[str, str]) -> Entry:
    calls = entry.get("tool_calls")
    if calls:
        entry = {**entry, "tool_calls": [_adapt_call(call, adaptations) for call in calls]}
    if entry["role"] == "assistant":
        dropped = [n for n in entry if adaptations.get(f"messages.{n}") == "drop"]
        entry = {name: value for name, value in entry.items() if name not in dropped}
        if entry.get("content") is None and "content" in adaptations:
            entry["content"] = ""
        if adaptations.get(REASONING) == "fill":
            entry.setdefault(REASONING, " ")  # Kimi treats an empty text as missing
    if entry["role"] == "tool":
        name = entry.pop("name", None)
        if name and "tool_name" in adaptations:
            entry["name"] = name
        entry["tool_call_id"] = sent_id(entry["tool_call_id"], adaptations)
    return entry


def _adapt_call(call: Entry, adaptations: Mapping[str, str]) -> Entry:
    def left(fields: Entry) -> Entry:
        return {n: v for n, v in fields.items() if adaptations.get(f"tool_calls.{n}") != "drop"}

    call = {**left(call), "id": sent_id(call["id"], adaptations)}
    if isinstance(call.get("function"), dict):
        call["function"] = left(call["function"])
    return call


def sent_id(call_id: str, adaptations: Mapping[str, str]) -> str:
    """The id of a tool call on the wire: unchanged, or hashed to a format all servers accept."""
    if adaptations.get("tool_call_id") != "short":
        return call_id
    if len(call_id) == _ID_LENGTH and all(char in _ALPHABET for char in call_id):
        return call_id
    number = int.from_bytes(hashlib.sha256(call_id.encode("utf-8", "replace")).digest()[:8], "big")
    letters = []
    for _ in range(_ID_LENGTH):
        number, letter = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "".join(letters)


def join_turns(messages: Iterable[Entry]) -> list[Entry]:
    """The messages with consecutive user messages merged."""
    joined: list[Entry] = []
    for entry in messages:
        last = joined[-1] if joined else None
        if last is not None and last.get("role") == entry.get("role") == "user":
            joined[-1] = {**last, "content": _joined(last["content"], entry["content"])}
        else:
            joined.append(entry)
    return joined


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _fill_turns(messages: list[Entry]) -> Iterator[Entry]:
    """Insert a reply between a tool result and a user message, and a user message before a reply
    that follows none.
    """
    last = ""
    for entry in messages:
        role = entry["role"]
        if role == "user" and last == "tool":
            yield {"role": "assistant", "content": NO_REPLY}
        if role == "assistant" and last in ("", "system", "developer", "assistant"):
            yield {"role": "user", "content": "…"}
        last = role
        yield entry

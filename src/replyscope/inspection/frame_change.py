"""Summarises a frame by the part that it changes: `content "Res"`, `finish stop`. Pure.

Both wire APIs use the same words. An event of an unknown type is named by its type.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.json_text import read_json
from replyscope.inspection.wire import frame_fields

_LONGEST_PARSED = 400_000
_MOST = 300
_PREFIX = "response."
_NAMES = {
    "output_text": "content",
    "audio.transcript": "content",
    "reasoning_text": "reasoning",
    "reasoning_summary_text": "reasoning",
    "function_call_arguments": "args",
    "mcp_call_arguments": "args",
    "custom_tool_call_input": "input",
    "code_interpreter_call_code": "code",
    "shell_call_command": "command",
    "shell_call_output_content": "output",
    "apply_patch_call_operation_diff": "diff",
    "reasoning_summary_part": "reasoning part",
    "content_part": "part",
    "output_item": "item",
}
_CALL_PARTS = ("args", "input", "code", "command", "output", "diff")
_REASONING = ("reasoning_content", "reasoning")
_SAME_REASONING = (*_REASONING, "reasoning_details")
"""The fields in which some servers send one piece of reasoning several times."""
_ENVELOPE = ("id", "object", "created", "model", "system_fingerprint", "obfuscation")
_COUNTS = (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))
Json = Mapping[str, Any]


def frame_change(text: str) -> str:
    """The part of a reply that a frame changes, in one line of at most 300 characters.

    `text` is the received frame. Data other than a JSON object is returned unchanged.
    """
    event, data = frame_fields(text)
    value = _parsed(data)
    if value is None:
        change = f"{event.removeprefix(_PREFIX)}  {data}".strip() if event else data
    else:
        kind = value.get("type") or event
        is_event = isinstance(kind, str) and "choices" not in value and bool(kind)
        change = _of_event(kind, value) if is_event else _of_chunk(value)
    change = change.strip().replace("\r", "").replace("\n", " ⏎ ")
    return change if len(change) <= _MOST else change[: _MOST - 1] + "…"


def frame_row(number: int, frame: WireFrame) -> str:
    """A frame as a row: its number, its time in milliseconds, and what it changes."""
    return f"{frame_place(number, frame)}  {frame_change(frame.text)}"


def frame_place(number: int, frame: WireFrame) -> str:
    """The first two columns of a frame's row, 14 characters wide."""
    return f"{number:>5,} {frame.at_ms:>8,.0f}"


def _parsed(data: str) -> Json | None:
    if len(data) > _LONGEST_PARSED or not data.startswith("{"):
        return None
    try:
        value = read_json(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _of_chunk(chunk: Json) -> str:
    """A chunk, or a whole response, of Chat Completions."""
    parts = [part for choice in _dicts(chunk.get("choices")) for part in _of_choice(choice)]
    parts += _usage(chunk)
    parts += _error(chunk)
    if not parts:
        names = [name for name in chunk if name not in (*_ENVELOPE, "choices", "usage")]
        parts = names or ["no change"]
    return " · ".join(parts)


def _of_choice(choice: Json) -> list[str]:
    message = choice.get("delta") or choice.get("message")
    parts = list(_of_message(message)) if isinstance(message, dict) else []
    if choice.get("finish_reason"):
        parts.append(f"finish {choice['finish_reason']}")
    elif not parts and isinstance(message, dict):
        parts = [f"{name} {_short(value)}" for name, value in list(message.items())[:1]]
        parts = [part.replace('role "assistant"', "role assistant") for part in parts]
    index = choice.get("index")
    return [f"choice {index} {part}" for part in parts] if index else parts


def _of_message(message: Json) -> Iterator[str]:
    """The fields of a delta that have a value, without the role, which is always the same."""
    names = [name for name, value in message.items() if value and name != "role"]
    reasoning = next((name for name in _REASONING if name in names), None)
    for name in names:
        if name == "tool_calls":
            yield from (_call(call, n) for n, call in enumerate(_dicts(message[name])))
        elif name == reasoning:
            yield f"reasoning {_short(message[name])}"
        elif reasoning is None or name not in _SAME_REASONING:
            yield f"{name} {_short(message[name])}"


def _call(call: Json, number: int) -> str:
    """A part of a tool call: its name first, then pieces of its arguments."""
    function = call.get("function") or call.get("custom")
    function = function if isinstance(function, dict) else {}
    name = function.get("name")
    arguments = function.get("arguments") or function.get("input") or ""
    piece = arguments if isinstance(arguments, str) else _short(arguments)
    words = ["call", str(call.get("index", number)), str(name or "")]
    return " ".join(word for word in [*words, f"args {piece}" if piece else ""] if word)


def _of_event(kind: str, event: Json) -> str:
    """An event of the Responses API."""
    kind = kind.removeprefix(_PREFIX)
    subject, _, verb = kind.rpartition(".")
    special = _EVENTS.get(kind)
    if special is not None:
        return special(kind, event)
    if subject in _NAMES and verb in ("delta", "done", "added"):
        return _piece(_NAMES[subject], verb, event)
    if "response" in event:
        return _of_response(kind, event)
    if subject.endswith(("_call", "_tools")):
        return f"item {event.get('output_index', '?')} {subject} {verb.replace('_', ' ')}"
    parts = [kind, *_error(event)]
    if isinstance(event.get("delta"), str):
        parts.append(_short(event["delta"]))
    return " ".join(parts)


def _piece(name: str, verb: str, event: Json) -> str:
    """A piece of an output item, or its whole text once it is done."""
    done = " done" if verb == "done" else ""
    if name == "item":
        return _item(event, done)
    if name.endswith("part"):
        part = event.get("part")
        kind = part.get("type", "") if isinstance(part, dict) and name == "part" else ""
        return f"{name} {_place(event)} {kind}".rstrip() + done
    values = (event.get(key) for key in ("delta", "text", "arguments", *_CALL_PARTS, "refusal"))
    value = next((value for value in values if value is not None), "")
    if name in _CALL_PARTS:
        piece = value if isinstance(value, str) else _short(value)
        return f"call {event.get('output_index', '?')} {name}{done} {piece}"
    return f"{name}{done} {_short(value)}"


def _place(event: Json) -> str:
    index = event.get("content_index", event.get("summary_index", "?"))
    return f"{event.get('output_index', '?')}.{index}"


def _item(event: Json, done: str) -> str:
    item = event.get("item")
    item = item if isinstance(item, dict) else {}
    name = f" {item['name']}" if isinstance(item.get("name"), str) else ""
    return f"item {event.get('output_index', '?')} {item.get('type', '')}{name}{done}"


def _of_response(kind: str, event: Json) -> str:
    response = event["response"] if isinstance(event["response"], dict) else {}
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    words = kind.replace("_", " ") + (f" {reason}" if reason else "")
    return " · ".join([words, *_error(response), *_usage(response)])


def _annotation(_kind: str, event: Json) -> str:
    annotation = event.get("annotation")
    annotation = annotation if isinstance(annotation, dict) else {}
    where = annotation.get("title") or annotation.get("url") or annotation.get("filename")
    return f"{annotation.get('type', 'annotation')} {_short(where) if where else ''}"


_EVENTS: dict[str, Callable[[str, Json], str]] = {
    "output_text.annotation.added": _annotation,
    "refusal.delta": lambda _, event: _piece("refusal", "delta", event),
    "refusal.done": lambda _, event: _piece("refusal", "done", event),
    "error": lambda _, event: " ".join(_error({"error": event.get("error") or event})),
}


def _usage(value: Json) -> list[str]:
    usage = value.get("usage")
    nested = value.get("x_groq")
    if not isinstance(usage, dict) and isinstance(nested, dict):
        usage = nested.get("usage")
    if not isinstance(usage, dict):
        return []
    counts = [next((usage[n] for n in names if usage.get(n) is not None), "?") for names in _COUNTS]
    return [f"usage {'/'.join(map(str, counts))}"]


def _error(value: Json) -> list[str]:
    error = value.get("error")
    if not error:
        return []
    message = error.get("message") or error.get("code") if isinstance(error, dict) else error
    return [f"error {_short(message or error)}"]


def _short(value: Any) -> str:
    """A value as JSON; long text is cut before it is encoded."""
    if isinstance(value, str):
        return json.dumps(value[:_MOST], ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)[:_MOST]


def _dicts(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

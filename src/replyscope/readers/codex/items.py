"""Reads the response items in a rollout of Codex: texts, reasoning, tool calls and results."""

from collections.abc import Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.loose_json import from_json, list_of, mapping_of, name_of, text_of, to_json
from replyscope.domain.message import ToolResultPart
from replyscope.domain.sound_numbers import count_of
from replyscope.domain.tool import ToolCallState
from replyscope.readers.content_parts import text_parts

Item = Mapping[str, Any]
_ABOUT = frozenset(("type", "id", "call_id", "status", "result", "results", "encrypted_content"))
_FAILED = ("failed", "incomplete")


def reasoning_of(item: Item) -> list[str]:
    """The texts of a reasoning item: the summary, and the raw reasoning if it was recorded."""
    listed = [*list_of(item.get("summary")), *list_of(item.get("content"))]
    texts = (
        text_of(mapping_of(one).get("text") if isinstance(one, Mapping) else one) for one in listed
    )
    return [text for text in texts if text]


def call_of(item: Item, key: str) -> ToolCall | None:
    """The tool call of an item; None for an item of another kind. `key` replaces a missing id."""
    kind = name_of(item.get("type"))
    call_id = name_of(item.get("call_id") or item.get("id")) or key
    match kind:
        case "function_call":
            arguments = text_of(item.get("arguments"))
            return _call(call_id, "function", name_of(item.get("name")), arguments)
        case "custom_tool_call":
            return _call(call_id, "custom", name_of(item.get("name")), text_of(item.get("input")))
        case "local_shell_call":
            return _call(call_id, "function", "local_shell", to_json(item.get("action") or {}))
    if not kind.endswith("_call"):
        return None
    fields = {name: value for name, value in item.items() if name not in _ABOUT}
    result = item.get("result", item.get("results"))
    failed = item.get("status") in _FAILED
    return ToolCall(
        id=call_id,
        kind=kind,
        name=kind.removesuffix("_call"),
        arguments=to_json(fields.get("action", fields)),
        state=ToolCallState.FAILED if failed else ToolCallState.COMPLETED,
        result=_shortened(kind, result),
    )


def _call(call_id: str, kind: str, name: str, arguments: str) -> ToolCall:
    return ToolCall(call_id, kind, name or "tool", arguments, ToolCallState.COMPLETED)


def _shortened(kind: str, result: object) -> str | None:
    """The result of a server's tool; an image by its size."""
    if result is None:
        return None
    if kind == "image_generation_call":
        return f"[image, {len(text_of(result)):,} characters of base64]"
    return text_of(result)


def is_result(item: Item) -> bool:
    """Whether an item is the result of a tool call."""
    return name_of(item.get("type")).endswith("_call_output")


def result_of(item: Item, call: ToolCall | None) -> ToolResultPart:
    """The result of a tool call. Older versions wrote an object as JSON, newer ones a text."""
    output = item.get("output")
    decoded = mapping_of(
        from_json(output) if isinstance(output, str) and output[:1] == "{" else output
    )
    about = mapping_of(decoded.get("metadata"))
    text: Any = output
    if "output" in decoded:
        text = decoded["output"]
    elif isinstance(output, Mapping):
        text = output.get("content", output)
    failed = decoded.get("success") is False or count_of(about.get("exit_code")) not in (None, 0)
    took = about.get("duration_seconds")
    seconds = took if isinstance(took, int | float) and not isinstance(took, bool) else None
    return ToolResultPart(
        call_id=name_of(item.get("call_id")),
        output=text if isinstance(text, str) else text_parts(text),
        name=call.name if call is not None else "",
        state=ToolCallState.FAILED if failed else ToolCallState.COMPLETED,
        kind=call.kind if call is not None else "function",
        duration_ms=seconds * 1000 if seconds is not None and 0 <= seconds < 1e9 else None,
    )


def usage_of(value: object) -> Usage | None:
    """The usage of one request; input includes cached, output includes reasoning."""
    fields = mapping_of(value)
    if not fields:
        return None
    names = ("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens",
             "cache_write_input_tokens", "reasoning_output_tokens")  # fmt: skip
    return Usage(*(fields.get(name) for name in names))

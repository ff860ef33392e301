"""Reads the items of OpenAI's Responses API, as programs log them: reasoning and tool calls."""

from collections.abc import Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of, to_json
from replyscope.domain.tool import ToolCallState

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

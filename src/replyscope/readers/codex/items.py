"""Reads the results of tools and the usage in a rollout of Codex."""

from collections.abc import Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.loose_json import from_json, mapping_of, name_of
from replyscope.domain.message import ToolResultPart
from replyscope.domain.sound_numbers import count_of
from replyscope.domain.tool import ToolCallState
from replyscope.readers.content_parts import text_parts
from replyscope.readers.response_items import Item


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

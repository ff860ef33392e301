"""Reads the results of tools and the usage in a rollout of Codex."""

import re
from collections.abc import Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.loose_json import from_json, mapping_of, name_of
from replyscope.domain.message import ToolResultPart
from replyscope.domain.sound_numbers import count_of, measure_of
from replyscope.domain.tool import ToolCallState
from replyscope.readers.content_parts import text_parts
from replyscope.readers.response_items import Item

_HEAD = 300
_HEADER = re.compile(r"Chunk ID: |Exit code: |Wall time: ")
_EXIT = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,9})$", re.MULTILINE)
_WALL = re.compile(r"^Wall time: (\d{1,9}(?:\.\d{1,9})?) seconds$", re.MULTILINE)
"""The lines with which newer versions begin the output of a command."""


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
    shown = text if isinstance(text, str) else text_parts(text)
    head = shown[:_HEAD] if _HEADER.match(shown) else ""
    code, took = _EXIT.search(head), _WALL.search(head)
    exit_code = count_of(about.get("exit_code")) if code is None else int(code[1])
    failed = decoded.get("success") is False or exit_code not in (None, 0)
    given = about.get("duration_seconds") if took is None else float(took[1])
    seconds = measure_of(given)
    return ToolResultPart(
        call_id=name_of(item.get("call_id")),
        output=shown,
        name=call.name if call is not None else "",
        state=ToolCallState.FAILED if failed else ToolCallState.COMPLETED,
        kind=call.kind if call is not None else "function",
        duration_ms=seconds * 1000 if seconds is not None else None,
    )


def usage_of(value: object) -> Usage | None:
    """The usage of one request; input includes cached, output includes reasoning."""
    fields = mapping_of(value)
    if not fields:
        return None
    names = ("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens",
             "cache_write_input_tokens", "reasoning_output_tokens")  # fmt: skip
    return Usage(*(fields.get(name) for name in names))

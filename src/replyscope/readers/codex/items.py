"""Reads the results of tools and the usage in a rollout of Codex."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.loose_json import from_json, list_of, mapping_of, name_of
from replyscope.domain.message import Part, ToolResultPart
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
    return name_of(item.get("type")).endswith(("_call_output", "tool_search_output"))


def words_between_agents(item: Item) -> str:
    """A message from one agent to another, with the names of both; empty if it is encrypted."""
    content = [one for one in list_of(item.get("content")) if "text" in mapping_of(one)]
    plain = item.get("content")
    words = plain if isinstance(plain, str) else text_parts(content)
    names = (name_of(item.get("author")), name_of(item.get("recipient")))
    return f"[{names[0]} → {names[1]}]\n{words}" if words else ""


def result_of(item: Item, call: ToolCall | None) -> ToolResultPart:
    """The result of a tool call. Older versions wrote an object as JSON, newer ones a text."""
    output = item.get("output", item.get("tools"))
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


def ended(part: Part, call_id: str, item: Item, event: Item) -> Part:
    """The result of a call, with the exit code and the duration that its event has."""
    if not isinstance(part, ToolResultPart) or part.call_id != call_id:
        return part
    failed = item.get("exit_code") not in (None, 0) or item.get("status") == "failed"
    began, done = (measure_of(event.get(name)) for name in ("started_at_ms", "completed_at_ms"))
    took = done - began if began is not None and done is not None and done >= began else None
    return replace(
        part,
        state=ToolCallState.FAILED if failed else part.state,
        duration_ms=part.duration_ms if part.duration_ms is not None else took,
    )


def usage_of(value: object) -> Usage | None:
    """The usage of one request; input includes cached, output includes reasoning."""
    fields = mapping_of(value)
    if not fields:
        return None
    names = ("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens",
             "cache_write_input_tokens", "reasoning_output_tokens")  # fmt: skip
    return Usage(*(fields.get(name) for name in names))

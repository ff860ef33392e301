"""Formats tool arguments for reading, including incomplete JSON."""

import json
from dataclasses import replace
from typing import Any

from replyscope.domain.exchange import APPROVAL, ToolCall
from replyscope.domain.json_text import indented, read_json
from replyscope.domain.printable import escape_unseen, exact_text

_MOST_READ = 1_000_000
"""The most characters of JSON that are parsed and indented for a screen: about 20 ms."""


def pretty_arguments(text: str) -> str:
    """Indented JSON; incomplete JSON is indented up to its end.

    Values and their order do not change.
    """
    try:
        value = read_json(text)
        if not isinstance(value, dict | list) or not value:
            return text.strip()
        return indented(value)
    except ValueError:
        return _lay_out(text)


def editable_arguments(text: str) -> str:
    """Indented arguments for an editor, with invisible characters written as escapes."""
    return escape_unseen(pretty_arguments(text))


def readable_result(text: str) -> str:
    """Indented JSON. Other text, and JSON that is too long to indent on each draw, is unchanged."""
    if len(text) > _MOST_READ:
        return text
    return pretty_arguments(text) if text.lstrip()[:1] in ("{", "[") and _is_json(text) else text


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except ValueError:
        return False
    return True


def readable_beginning(call: ToolCall, most: int) -> str:
    """The first `most` characters of `readable_arguments`.

    The time is bounded as well, because a call is drawn many times while it streams.
    """
    longest = _MOST_READ if call.kind == "apply_patch_call" else most
    if len(call.arguments) > longest:
        call = replace(call, arguments=call.arguments[:longest])
    return readable_arguments(call)[:most]


def readable_arguments(call: ToolCall) -> str:
    """A call's arguments for display: indented JSON, plain code, or the diff of a patch."""
    if call.kind == "apply_patch_call":
        return _patch(call.arguments)
    if call.kind in ("function", "mcp_call", APPROVAL) or _looks_like_json(call):
        return pretty_arguments(call.arguments)
    return call.arguments


def _looks_like_json(call: ToolCall) -> bool:
    return call.arguments.lstrip().startswith(("{", "["))


def _patch(arguments: str) -> str:
    try:
        operation = read_json(arguments)
    except ValueError:
        return arguments
    if not isinstance(operation, dict):
        return arguments
    head = f"{operation.get('type', 'patch')} {operation.get('path', '')}".strip()
    diff = operation.get("diff")
    return f"{head}\n{diff}" if isinstance(diff, str) else head


def _lay_out(text: str) -> str:
    """Indent incomplete JSON: break lines at punctuation outside strings."""
    out: list[str] = []
    depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            out.append(char)
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
            continue
        if char == '"':
            in_string, escaped = True, False
            out.append(char)
        elif char in "{[":
            depth += 1
            out.append(char + "\n" + "  " * min(depth, 40))
        elif char in "}]":
            depth = max(0, depth - 1)
            out.append("\n" + "  " * min(depth, 40) + char)
        elif char == ",":
            out.append(",\n" + "  " * min(depth, 40))
        elif char == ":":
            out.append(": ")
        elif not char.isspace():
            out.append(char)
    return "".join(out)


def one_line(text: str, width: int) -> str:
    """Arguments as `name=value` pairs in one line, cut to a width, with visible characters only."""
    try:
        value = read_json(text)
        if isinstance(value, dict):
            text = ", ".join(_pairs(value))
    except (ValueError, RecursionError):
        pass  # not JSON, or nested too deeply: the text is shown unchanged
    text = " ".join(exact_text(text).split())
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def _pairs(value: dict[str, Any]) -> list[str]:
    """Each argument as name=JSON. The path of a patch precedes its diff, so it stays visible."""
    names = sorted(value, key=lambda name: name == "diff") if "path" in value else list(value)
    return [f"{name}={json.dumps(value[name], ensure_ascii=False)}" for name in names]

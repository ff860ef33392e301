"""Tool arguments laid out for reading, also while they are still incomplete."""

import json
from dataclasses import replace
from typing import Any

from replyscope.domain.exchange import APPROVAL, ToolCall
from replyscope.domain.json_text import indented, read_json
from replyscope.domain.printable import escape_unseen, exact_text

_MOST_READ = 1_000_000
"""Characters of JSON that are read and laid out for a screen: some 20 ms."""


def pretty_arguments(text: str) -> str:
    """JSON indented; text that isn't complete JSON laid out as far as it goes.

    No value is changed or reordered.
    """
    try:
        value = read_json(text)
        if not isinstance(value, dict | list) or not value:
            return text.strip()
        return indented(value)
    except ValueError:
        return _lay_out(text)


def editable_arguments(text: str) -> str:
    """Arguments laid out to be changed: what would not be seen is written as an escape."""
    return escape_unseen(pretty_arguments(text))


def readable_result(text: str) -> str:
    """JSON indented, other text as it is; so is JSON that is too long to be laid out often."""
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
    """At most so many characters of `readable_arguments`, whose cost they bound: a call is
    drawn many times while it comes.
    """
    longest = _MOST_READ if call.kind == "apply_patch_call" else most
    if len(call.arguments) > longest:
        call = replace(call, arguments=call.arguments[:longest])
    return readable_arguments(call)[:most]


def readable_arguments(call: ToolCall) -> str:
    """A call's arguments as a person reads them: code as code, a patch as its diff."""
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
    """Breaks lines at JSON's own punctuation, outside of strings."""
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
    """Arguments in the form of a call, cut to a width. Every character is visible."""
    try:
        value = read_json(text)
        if isinstance(value, dict):
            text = ", ".join(_pairs(value))
    except (ValueError, RecursionError):
        pass  # nested deeper than can be written: as it came
    text = " ".join(exact_text(text).split())
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def _pairs(value: dict[str, Any]) -> list[str]:
    """Each as name=JSON; a patch's path before its text, which would push it out of view."""
    names = sorted(value, key=lambda name: name == "diff") if "path" in value else list(value)
    return [f"{name}={json.dumps(value[name], ensure_ascii=False)}" for name in names]

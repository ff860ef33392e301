"""Parses the output items of a response into tool calls, by the type of each item.

Items are plain JSON objects, as the SDK dumps its own objects. Every value is checked.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall
from replyscope.domain.json_text import dump_json
from replyscope.domain.picture import describe_picture
from replyscope.domain.tool import ToolCallState
from replyscope.provider.plain import as_text, mapping_of, text_of

Item = Mapping[str, Any]

KINDS_TO_RUN = {
    "function_call": "function",
    "custom_tool_call": "custom",
    "computer_call": "computer_call",
    "local_shell_call": "local_shell_call",
    "shell_call": "shell_call",
    "apply_patch_call": "apply_patch_call",
    "mcp_approval_request": "mcp_approval_request",
}
"""Item types of calls that run outside the server, with the kind shown for each."""

_STATES = {
    "completed": ToolCallState.COMPLETED,
    "failed": ToolCallState.FAILED,
    "incomplete": ToolCallState.FAILED,
}


def is_call(item: Item) -> bool:
    """Whether an item is a tool call, run by the server or by the client."""
    kind = text_of(item.get("type")) or ""
    return kind.endswith("_call") or kind in KINDS_TO_RUN


def call_key(item: Item) -> str:
    """The id that links a call to its output: its call_id, or else the id of the item."""
    return text_of(item.get("call_id")) or text_of(item.get("id")) or ""


def read_call(item: Item, *, is_done: bool, output: Item | None = None) -> ToolCall:
    """A tool call with its arguments, and its result if the server has one."""
    kind = text_of(item.get("type")) or "call"
    name, arguments = _READERS.get(kind, _read_other)(item)
    result = _result_of(output) if output is not None else _own_result(kind, item)
    return ToolCall(
        id=call_key(item),
        kind=KINDS_TO_RUN.get(kind, kind),
        name=name,
        arguments=arguments,
        state=_state_of(kind, item, is_done=is_done, has_output=output is not None),
        result=result,
        server=text_of(item.get("server_label")),
    )


def _state_of(kind: str, item: Item, *, is_done: bool, has_output: bool) -> ToolCallState:
    if kind in KINDS_TO_RUN:
        if has_output:
            return ToolCallState.COMPLETED
        return ToolCallState.REQUESTED if is_done else ToolCallState.ASSEMBLING
    if item.get("error"):
        return ToolCallState.FAILED
    stated = _STATES.get(text_of(item.get("status")) or "")
    if stated is not None:
        return stated
    return ToolCallState.COMPLETED if is_done else ToolCallState.RUNNING


def _read_function(item: Item) -> tuple[str, str]:
    return text_of(item.get("name")) or "", as_text(item.get("arguments"))


def _read_custom(item: Item) -> tuple[str, str]:
    return text_of(item.get("name")) or "", text_of(item.get("input")) or ""


def _read_shell(item: Item) -> tuple[str, str]:
    action = mapping_of(item.get("action"))
    commands = action.get("commands") or action.get("command") or []
    lines = [str(c) for c in commands] if isinstance(commands, list) else [str(commands)]
    is_argument_list = text_of(item.get("type")) == "local_shell_call"
    return "shell", (" " if is_argument_list else "\n").join(lines)


def _read_other(item: Item) -> tuple[str, str]:
    """A call of any other type: its name, and the first field with its arguments."""
    kind = text_of(item.get("type")) or "call"
    name = text_of(item.get("name")) or kind.removesuffix("_call")
    for field in ("arguments", "input", "action", "actions", "operation", "queries", "code"):
        value = item.get(field)
        if isinstance(value, str):
            return name, value
        if value:
            named = {field: value} if isinstance(value, list) else value
            return name, dump_json(named)
    return name, ""


def _read_image(item: Item) -> tuple[str, str]:
    told = ("revised_prompt", "size", "quality", "background", "output_format", "action")
    return "image_generation", dump_json({name: item[name] for name in told if item.get(name)})


def _read_computer(item: Item) -> tuple[str, str]:
    """The actions of a computer call, one per line."""
    actions = item.get("actions") or [item.get("action")]
    known = [action for action in actions if isinstance(action, Mapping)]
    lines = [_computer_action(action) for action in known]
    checks = item.get("pending_safety_checks")
    for check in checks if isinstance(checks, list) else ():
        lines.append(f"safety check to confirm: {as_text(check)}")
    return "computer", "\n".join(lines)


def _computer_action(action: Item) -> str:
    """An action as text: its type and position, then its other fields."""
    verb = text_of(action.get("type")) or "act"
    place = f" at {action['x']}, {action['y']}" if {"x", "y"} <= action.keys() else ""
    told = {k: v for k, v in action.items() if k not in ("type", "x", "y") and v is not None}
    details = ", ".join(f"{name} {as_text(value)}" for name, value in told.items())
    return f"{verb}{place}{' · ' if details else ''}{details}"


_READERS: dict[str, Callable[[Item], tuple[str, str]]] = {
    "function_call": _read_function,
    "custom_tool_call": _read_custom,
    "mcp_call": _read_function,
    "mcp_approval_request": _read_function,
    "shell_call": _read_shell,
    "local_shell_call": _read_shell,
    "image_generation_call": _read_image,
    "computer_call": _read_computer,
}


def _own_result(kind: str, item: Item) -> str | None:
    """The result of a hosted tool, from its own item."""
    if item.get("error"):
        return as_text(item["error"])
    match kind:
        case "web_search_call":
            sources = mapping_of(item.get("action")).get("sources") or []
            urls = [text_of(s.get("url")) for s in sources if isinstance(s, Mapping)]
            return "\n".join(url for url in urls if url) or None
        case "file_search_call":
            found = [r for r in item.get("results") or [] if isinstance(r, Mapping)]
            return "\n\n".join(_found_file(result) for result in found) or None
        case "code_interpreter_call":
            outputs = [o for o in item.get("outputs") or [] if isinstance(o, Mapping)]
            return "\n".join(as_text(o.get("logs") or o.get("url") or o) for o in outputs) or None
        case "image_generation_call":
            data = text_of(item.get("result"))
            return _describe_picture(data) if data else None
    output = item.get("output")
    return None if output is None else as_text(output)


def _describe_picture(data: str) -> str:
    try:
        return describe_picture(base64.b64decode(data.partition("base64,")[2] or data))
    except (ValueError, binascii.Error):
        return f"an image that is not base64, {len(data):,} characters"


def _found_file(result: Item) -> str:
    score = result.get("score")
    rated = f" ({score:.2f})" if isinstance(score, int | float) else ""
    return (
        f"{text_of(result.get('filename')) or 'file'}{rated}\n{text_of(result.get('text')) or ''}"
    )


def _result_of(output: Item) -> str:
    """The result in the output item of a call."""
    value = output.get("output")
    if isinstance(value, Mapping) and value.get("type") == "computer_screenshot":
        url = text_of(value.get("image_url")) or ""
        is_inline = url.startswith("data:")
        return f"a screenshot: {_describe_picture(url) if is_inline else url or 'a stored file'}"
    if not isinstance(value, list):
        return as_text(value)
    lines = []
    for part in value:
        if not isinstance(part, Mapping):
            lines.append(as_text(part))
            continue
        said = [text_of(part.get(name)) for name in ("stdout", "stderr", "text")]
        code = mapping_of(part.get("outcome")).get("exit_code")
        tail = [f"exit {code}"] if isinstance(code, int) and code != 0 else []
        lines += [text for text in said if text] + tail or [dump_json(part)]
    return "\n".join(lines)

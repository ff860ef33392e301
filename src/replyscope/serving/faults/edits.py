"""Changes in the JSON of a reply: another finish reason, and arguments that are not JSON.

The functions change a value that was just parsed, and return whether anything changed.
"""

import json
import re
from typing import Any

from replyscope.domain.json_text import bounded_object_in
from replyscope.domain.sse import parse_frame
from replyscope.serving.faults.rule import FaultRule

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_ENDINGS = ("response.completed", "response.incomplete")
_ENDED = ("completed", "incomplete")
_NOT_CALLS = ("tools", "metadata", "instructions", "input_schema", "parameters")
_LINE = re.compile(r"\r\n|\n|\r")


def edited_frame(rule: FaultRule, frame: bytes) -> bytes:
    """A frame of a stream with the changes of a rule; the same bytes if nothing changes."""
    text = frame.decode("utf-8", "surrogateescape")
    parsed = parse_frame(text)
    value = bounded_object_in(parsed[1].encode("utf-8", "surrogateescape")) if parsed else None
    if parsed is None or value is None or not _edit(rule, value):
        return frame
    event = parsed[0]
    kind = value.get("type")
    if event is not None and isinstance(kind, str):
        event = kind  # the names of events are their types
    kept = [line for line in _LINE.split(text) if line.partition(":")[0] in ("id", "retry", "")]
    lines = [line for line in kept if line]
    if event is not None:
        lines.append(f"event: {event}")
    lines.append(f"data: {json.dumps(value)}")
    return "\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def edited_body(rule: FaultRule, body: bytes) -> bytes:
    """A whole body in JSON with the changes of a rule; the same bytes if nothing changes."""
    value = bounded_object_in(body)
    return body if value is None or not _edit(rule, value) else json.dumps(value).encode()


def output_tokens(body: bytes) -> int:
    """The output tokens that a whole reply reports; 1 if it reports none."""
    usage = (bounded_object_in(body) or {}).get("usage")
    for name in ("completion_tokens", "output_tokens"):
        count = usage.get(name) if isinstance(usage, dict) else None
        if isinstance(count, int) and count > 0:
            return count
    return 1


def _edit(rule: FaultRule, value: dict[str, Any]) -> bool:
    has_changed = rule.garbles and _garble(value)
    if rule.finish is not None:
        has_changed |= _finish(value, rule.finish)
    return has_changed


def _finish(value: dict[str, Any], reason: str) -> bool:
    """Change the finish reason, if there is one, of any API."""
    choices = value.get("choices")
    listed = choices if isinstance(choices, list) else []
    choices = [one for one in listed if isinstance(one, dict)]
    found = [one for one in choices if one.get("finish_reason") not in (None, "", reason)]
    for choice in found:
        choice["finish_reason"] = reason
    response = value.get("response") if value.get("type") in _ENDINGS else value
    if isinstance(response, dict) and response.get("object") == "response":
        is_changed = response.get("status") in _ENDED
        if is_changed:
            _finish_response(response, reason)
        if is_changed and response is not value:
            value["type"] = f"response.{response['status']}"
        return is_changed
    message = value.get("delta") if value.get("type") == "message_delta" else value
    if isinstance(message, dict) and message.get("stop_reason"):
        is_other = bool(message["stop_reason"] != _STOP_REASONS[reason])
        message["stop_reason"] = _STOP_REASONS[reason]
        return is_other
    return bool(found)


def _finish_response(response: dict[str, Any], reason: str) -> None:
    word = _INCOMPLETE.get(reason)
    response["status"] = "completed" if word is None else "incomplete"
    response["incomplete_details"] = None if word is None else {"reason": word}


def _garble(value: Any) -> bool:
    """Remove the closing brackets from the arguments of calls, in deltas and whole values."""
    if isinstance(value, list):
        return sum(_garble(one) for one in value) > 0  # all of them, not until the first
    if not isinstance(value, dict):
        return False
    has_changed = False
    for name, inner in value.items():
        broken = _broken(value, name, inner)
        if broken is not None:
            value[name] = broken
            has_changed |= broken != inner
        elif name not in _NOT_CALLS:
            has_changed |= _garble(inner)
    return has_changed


def _broken(value: dict[str, Any], name: str, inner: Any) -> str | None:
    """The broken form of a field with arguments; None for another field."""
    kind = str(value.get("type", ""))
    is_delta = name == "delta" and kind.endswith("_call_arguments.delta")
    if isinstance(inner, str) and (name in ("arguments", "partial_json") or is_delta):
        return re.sub(r"[}\]]", "", inner)
    if kind == "tool_use" and name == "input" and isinstance(inner, dict) and inner:
        return re.sub(r"[}\]]", "", json.dumps(inner))
    return None

"""Extracts the message from an error body of any format. Pure.

A gateway wraps the error of its upstream server in its own, often as JSON in a string. Both
messages are kept, the gateway's first.
"""

import json
from collections.abc import Mapping
from typing import Any

from replyscope.domain.json_text import read_json

_WORDS = (
    "message",
    "msg",
    "error_msg",
    "error_message",
    "err_msg",
    "errmsg",
    "errorMessage",
    "error",
    "detail",
    "status_msg",
    "error_description",
    "reason",
    "title",
)
_INNER = ("metadata", "raw", "details", "innererror", "inner_error", "cause", "errors", "upstream")
_DEEPEST = 6


def words_of_error(body: object, depth: int = 0) -> str | None:
    """The message in an error body, a gateway's before its upstream's; None without one."""
    if depth > _DEEPEST:
        return None
    if isinstance(body, list):
        found = [words for item in body if (words := words_of_error(item, depth + 1))]
        return "; ".join(dict.fromkeys(found[:3])) or None
    if isinstance(body, Mapping):
        return _words_of_object(body, depth)
    if isinstance(body, str):
        return _words_of_text(body, depth)
    return None


def _words_of_object(body: Mapping[str, Any], depth: int) -> str | None:
    outer = next((w for n in _WORDS if (w := words_of_error(body.get(n), depth + 1))), None)
    inner = next((w for n in _INNER if (w := words_of_error(body.get(n), depth + 1))), None)
    if outer and inner and inner not in outer and outer not in inner:
        return f"{outer}: {inner}"
    if outer and inner:
        return max(outer, inner, key=len)
    if outer or inner:
        return outer or inner
    if depth > 0 or not body:
        return None
    return json.dumps(body, ensure_ascii=False, default=str)


def _words_of_text(text: str, depth: int) -> str | None:
    """The message in a text, which may be JSON or server-sent events."""
    stripped = text.strip()
    events = [line[5:].strip() for line in stripped.splitlines() if line.startswith("data:")]
    stripped = events[0] if events else stripped
    if stripped[:1] in ("{", "["):
        try:
            return words_of_error(read_json(stripped), depth + 1) or text
        except (ValueError, RecursionError):
            pass
    return text.strip() or None

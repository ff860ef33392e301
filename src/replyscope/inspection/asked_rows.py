"""Rows for what a request can ask a server to report: the prompt cache, moderation, tools.

The values are fields of the APIs (`STANDARD_FIELDS`), stored as JSON in `Exchange.extras`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from replyscope.domain.json_text import read_json

_LABELS = {
    "prompt_cache_diagnostics": "cache",
    "cache_write_tokens_details": "cache",
    "moderation": "safety",
    "tool_usage": "tool use",
    "reasoning.mode": "mode",
    "reasoning.context": "mode",
    "conversation": "kept in",
    "input_transformations": "removed",
}
"""The label of a row by the last name of the field."""
STANDARD_FIELDS = (*_LABELS, "logprobs", "audio")
_ORDER = tuple(dict.fromkeys(_LABELS.values()))


def asked_rows(extras: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The rows of known fields as (label, text), without fields that say nothing."""
    rows = []
    for name, value in extras:
        label = _label_of(name)
        text = _text_of(name, value) if label else ""
        if text:
            rows.append((label, text))
    return sorted(rows, key=lambda row: _ORDER.index(row[0]))


def is_asked(name: str) -> bool:
    """Whether a field has a row of its own."""
    return bool(_label_of(name))


def _label_of(name: str) -> str:
    is_usage = name.startswith("usage.")
    return _LABELS.get(name.rpartition(".")[2] if is_usage else name, "")


def _text_of(name: str, text: str) -> str:
    try:
        value = read_json(text)
    except ValueError:
        return text
    match name.rpartition(".")[2], value:
        case "prompt_cache_diagnostics", {"type": str(kind)}:
            return _cache_text(kind, value)
        case "cache_write_tokens_details", dict():
            return " · ".join(f"{_words(key)}: {one}" for key, one in value.items() if one)
        case "moderation", dict():
            return " · ".join(f"{side}: {_verdict(one)}" for side, one in sorted(value.items()))
        case "mode", str():
            return f"reasoning mode {value}"
        case "context", str():
            return f"reasoning context {value}"
        case "conversation", {"id": str(conversation_id)}:
            return conversation_id
        case _:
            return " · ".join(_leaves(value)) if isinstance(value, dict | list) else str(value)


def _cache_text(kind: str, value: Mapping[str, Any]) -> str:
    """The prompt cache's diagnosis: hit, or what changed and the tokens that this cost."""
    parts = [_words(kind)]
    if value.get("reason"):
        parts.append(_words(str(value["reason"])))
    for key in ("cache_missed_tokens", "comparison_reusable_tokens"):
        if value.get(key) is not None:
            parts.append(f"{_words(key)}: {value[key]}")
    return " · ".join(parts)


def _verdict(value: Any) -> str:
    """The result of a moderation: the flagged categories, or that nothing was flagged."""
    if not isinstance(value, dict):
        return json.dumps(value)
    if value.get("type") == "error":
        return f"failed: {value.get('message') or value.get('code')}"
    categories = value.get("categories")
    given = categories if isinstance(categories, dict) else {}
    flagged = [name for name, is_flagged in given.items() if is_flagged]
    if value.get("flagged") or flagged:
        return f"flagged {', '.join(flagged)}".strip()
    return "not flagged"


def _leaves(value: Any, path: str = "") -> Iterator[str]:
    """The numbers and texts inside a value with their names; zeros say nothing."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path} {_words(name)}".strip())
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    elif value not in (None, 0, ""):
        yield f"{path}: {value}"


def _words(name: str) -> str:
    return name.replace("_", " ")

"""Recognises the stream frames that only add text, which need no object of the SDK.

Most frames of a stream are of this kind, and building the SDK's object costs more than all else
that is done with a frame. Every other frame is built by the SDK, which stays the reference:
`tests/provider/test_text_frames.py` proves that the events are the same.
"""

from dataclasses import dataclass
from typing import Any

_OF_CHUNKS = frozenset(
    (
        *("id", "object", "created", "model", "choices", "service_tier", "system_fingerprint"),
        *("usage", "obfuscation", "p", "provider"),
    )
)
_OF_CHOICES = frozenset(
    ("index", "delta", "finish_reason", "native_finish_reason", "logprobs", "usage")
)
_OF_DELTAS = frozenset(
    (
        *("role", "content", "reasoning_content", "reasoning"),
        *("refusal", "tool_calls", "function_call"),
    )
)
_NULL_IN_CHOICES = ("finish_reason", "native_finish_reason", "logprobs", "usage")
_NULL_IN_DELTAS = ("refusal", "tool_calls", "function_call")

_OF_EVENTS = frozenset(
    ("type", "delta", "item_id", "output_index", "sequence_number", "logprobs", "obfuscation")
)
_PLACES = {
    "response.output_text.delta": "content_index",
    "response.reasoning_text.delta": "content_index",
    "response.reasoning_summary_text.delta": "summary_index",
    "response.function_call_arguments.delta": None,
}
"""The events that are recognised, each with its own field."""


@dataclass(frozen=True, slots=True)
class DeltaEvent:
    """A delta of the Responses API, with the attributes of the SDK's event."""

    type: str
    delta: str
    item_id: Any = None
    output_index: Any = None
    content_index: Any = None
    summary_index: Any = None


def text_chunk(data: object) -> dict[str, Any] | None:
    """A chunk of Chat Completions that only adds text, unchanged; None for other data."""
    if not isinstance(data, dict) or not data.keys() <= _OF_CHUNKS:
        return None
    choices = data.get("choices")
    if data.get("usage") is not None or not isinstance(choices, list) or not choices:
        return None
    return data if all(map(_is_text_choice, choices)) else None


def _is_text_choice(choice: object) -> bool:
    if not isinstance(choice, dict) or not choice.keys() <= _OF_CHOICES:
        return False
    delta = choice.get("delta")
    if not isinstance(delta, dict) or not delta.keys() <= _OF_DELTAS:
        return False
    if any(choice.get(name) is not None for name in _NULL_IN_CHOICES):
        return False
    if any(delta.get(name) is not None for name in _NULL_IN_DELTAS):
        return False
    return all(value is None or isinstance(value, str) for value in delta.values())


def delta_event(data: object) -> DeltaEvent | None:
    """An event of the Responses API that only adds text; None for other data."""
    if not isinstance(data, dict):
        return None
    kind, delta = data.get("type"), data.get("delta")
    if not isinstance(kind, str) or kind not in _PLACES or not isinstance(delta, str):
        return None
    place = _PLACES[kind]
    if data.get("logprobs") or not data.keys() - {place} <= _OF_EVENTS:
        return None
    get = data.get
    places = get("output_index"), get("content_index"), get("summary_index")
    return DeltaEvent(kind, delta, get("item_id"), *places)

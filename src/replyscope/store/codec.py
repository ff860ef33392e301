"""Domain values as JSON and back. What is written here is the file format.

Fields that are None or empty are left out; unknown fields are ignored, so a later
version may add some.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import (
    Api,
    Choice,
    Citation,
    Exchange,
    ExchangeState,
    OutputItem,
    Retry,
    Section,
    Timing,
    ToolCall,
    Usage,
)
from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import (
    FilePart,
    ImagePart,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from replyscope.domain.session import Parameters, Schema, SessionSettings
from replyscope.domain.tool import KeptFile, ToolCallState


def to_ms(time: datetime) -> int:
    """Milliseconds since 1970, UTC."""
    return round(time.timestamp() * 1000)


def from_ms(value: int) -> datetime:
    """The time of that many milliseconds since 1970."""
    return datetime.fromtimestamp(value / 1000, UTC)


def _dumps(value: object) -> str:
    # Lone surrogates can't be stored as UTF-8; ASCII escapes carry them.
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _dense(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: field for name, field in value.items() if field not in (None, (), [], {})}


_PARTS: dict[str, type[Any]] = {
    "text": TextPart,
    "file": FilePart,
    "reasoning": ReasoningPart,
    "refusal": RefusalPart,
    "tool_call": ToolCallPart,
    "tool_result": ToolResultPart,
    "opaque": OpaquePart,
}
_PART_NAMES = {part: name for name, part in _PARTS.items()}


def encode_parts(parts: Sequence[Part]) -> str:
    """A message's parts as JSON; image bytes as base64."""
    encoded = []
    for part in parts:
        if isinstance(part, ImagePart):
            data = base64.b64encode(part.data).decode("ascii")
            entry = {"name": part.name, "media_type": part.media_type, "data": data}
            encoded.append({"type": "image", **entry})
        else:
            encoded.append({"type": _PART_NAMES[type(part)], **asdict(part)})
    return _dumps(encoded)


def decode_parts(text: str) -> tuple[Part, ...]:
    """The parts of `encode_parts`."""
    parts: list[Part] = []
    for entry in json.loads(text):
        kind = entry.pop("type")
        if kind == "image":
            entry["data"] = base64.b64decode(entry["data"])
            parts.append(ImagePart(**entry))
        elif kind == "tool_result":
            parts.append(_decode_result(entry))
        elif kind in _PARTS:
            parts.append(_PARTS[kind](**entry))
    return tuple(parts)


def _decode_result(entry: dict[str, Any]) -> ToolResultPart:
    files = tuple(KeptFile(**file) for file in entry.pop("files", ()))
    state = ToolCallState(entry.pop("state", "completed"))
    return ToolResultPart(**entry, state=state, files=files)


def encode_settings(settings: SessionSettings) -> str:
    """A session's settings as JSON."""
    value = asdict(settings)
    value["parameters"] = _dense(value["parameters"])
    tools = {} if settings.tools is None else {"tools": settings.tools}  # none is a choice too
    return _dumps(_dense(value) | tools)


def decode_settings(text: str) -> SessionSettings:
    """The settings of `encode_settings`."""
    value = json.loads(text)
    given = value.pop("parameters", {})
    if "metadata" in given:
        given["metadata"] = tuple((name, text) for name, text in given["metadata"])
    schema = value.pop("schema", None)
    for name in ("tools", "hosted"):
        if name in value:
            value[name] = tuple(value[name])
    return SessionSettings(
        **value,
        parameters=Parameters(**given),
        schema=Schema(**schema) if schema is not None else None,
    )


def encode_exchange(exchange: Exchange) -> bytes:
    """A folded exchange, compressed."""
    value = _dense(asdict(exchange))
    value["started_at"] = to_ms(exchange.started_at)
    value["choices"] = [_encode_choice(choice) for choice in exchange.choices]
    value["timing"] = _dense(asdict(exchange.timing))
    if exchange.usage is not None:
        value["usage"] = _dense(asdict(exchange.usage))
    if exchange.failure is not None:
        value["failure"] = _dense(asdict(exchange.failure))
    return zlib.compress(_dumps(value).encode("ascii"), 1)


def _encode_choice(choice: Choice) -> dict[str, Any]:
    value = _dense(asdict(choice))
    if choice.tool_calls:
        value["tool_calls"] = [_dense(asdict(call)) for call in choice.tool_calls]
    return value


def decode_exchange(data: bytes) -> Exchange:
    """The exchange of `encode_exchange`."""
    value = json.loads(zlib.decompress(data))
    timing = value.pop("timing")
    timing["pace"] = tuple(timing.get("pace", ()))
    value |= {
        "api": Api(value["api"]),
        "state": ExchangeState(value["state"]),
        "started_at": from_ms(value["started_at"]),
        "choices": tuple(_decode_choice(choice) for choice in value.get("choices", ())),
        "timing": Timing(**timing),
        "headers": tuple((name, text) for name, text in value.get("headers", ())),
        "extras": tuple((name, text) for name, text in value.get("extras", ())),
        "adaptations": tuple(value.get("adaptations", ())),
        "firings": tuple(value.get("firings", ())),
        "unknown_events": tuple(value.get("unknown_events", ())),
        "retries": tuple(
            Retry(Failure(**retry["failure"]), retry["wait_s"])
            for retry in value.get("retries", ())
        ),
    }
    if "usage" in value:
        value["usage"] = Usage(**value["usage"])
    if "failure" in value:
        value["failure"] = Failure(**value["failure"])
    return Exchange(**value)


def _decode_choice(value: dict[str, Any]) -> Choice:
    if "finish_reason" in value:
        value["finish_reason"] = FinishReason(value["finish_reason"])
    calls = value.pop("tool_calls", ())
    value["tool_calls"] = tuple(
        ToolCall(**{"arguments": "", "name": "", **call, "state": ToolCallState(call["state"])})
        for call in calls
    )
    value["citations"] = tuple(Citation(**entry) for entry in value.get("citations", ()))
    value["sections"] = tuple(Section(**entry) for entry in value.get("sections", ()))
    value["items"] = tuple(OutputItem(**entry) for entry in value.get("items", ()))
    return Choice(**value)


def encode_frames(frames: Sequence[WireFrame]) -> bytes:
    """A journal segment, compressed."""
    rows = [(round(frame.at_ms, 3), frame.text) for frame in frames]
    return zlib.compress(_dumps(rows).encode("ascii"), 1)


def decode_frames(data: bytes) -> list[WireFrame]:
    """The frames of `encode_frames`."""
    return [WireFrame(at_ms, text) for at_ms, text in json.loads(zlib.decompress(data))]

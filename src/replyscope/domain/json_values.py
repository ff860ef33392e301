"""Converts domain values to plain JSON values and back, for the store and for exports.

Empty fields are left out; unknown fields are ignored, so that a later version may add some.
Times are milliseconds since 1970.
"""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache, partial
from operator import attrgetter
from typing import Any, TypeVar

from replyscope.domain.exchange import (
    Api,
    Choice,
    Citation,
    Exchange,
    ExchangeState,
    OutputItem,
    ReplyImage,
    Retry,
    Run,
    RunKind,
    Section,
    Timing,
    ToolCall,
    Usage,
)
from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    OpaquePart,
    Part,
    PromptPart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from replyscope.domain.session import Parameters, Schema, SessionSettings
from replyscope.domain.sound_numbers import MOST_MEASURE, with_sound_numbers
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.tool import KeptFile, ToolCallState

T = TypeVar("T")


def to_ms(time: datetime) -> int:
    """Milliseconds since 1970, UTC."""
    return round(time.timestamp() * 1000)


_EARLIEST_MS, _LATEST_MS = -62_104_060_800_000, 253_370_764_800_000
"""Years 2 and 9999: a time between them is valid in every time zone."""


def from_ms(value: int) -> datetime:
    """The time for milliseconds since 1970, limited to the years 2 to 9999."""
    return datetime.fromtimestamp(max(_EARLIEST_MS, min(value, _LATEST_MS)) / 1000, UTC)


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _known(kind: type[Any]) -> frozenset[str]:
    return frozenset(_names(kind))  # type: ignore[arg-type]


@cache
def _names_in(kind: type[Any]) -> tuple[str, ...] | None:
    """The names of the fields of a dataclass; None for another type."""
    return _names(kind) if is_dataclass(kind) else None


_ATOMS = frozenset((str, int, float, bool, type(None)))
_EMPTY: tuple[Any, ...] = ((), [], {})


def _fields_of(value: Any) -> Iterable[tuple[str, Any]]:
    """The names and values of the fields of a dataclass that has several."""
    kind = type(value)
    return zip(_names(kind), _reader(kind)(value), strict=True)  # type: ignore[arg-type]


@cache
def _reader(kind: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*_names(kind))  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """A value's fields, recursively. Unlike `dataclasses.asdict` it copies no leaves."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    names = _names_in(kind)  # type: ignore[arg-type]
    if names is not None:
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def _made(kind: type[T], values: Mapping[str, Any]) -> T:
    """A value of a dataclass from its fields; unknown fields are ignored."""
    known = _known(kind)  # type: ignore[arg-type]
    if values.keys() <= known:
        return kind(**values)
    return kind(**{name: value for name, value in values.items() if name in known})


def _dense(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: field
        for name, field in value.items()
        if field is not None and (type(field) in _ATOMS or field not in _EMPTY)
    }


@cache
def _absent(kind: type[Any]) -> dict[str, Any]:
    """The values of the fields that `_lean` omits: an empty default, or "" for a text."""
    empty = {field.name: field.default for field in fields(kind) if field.default in (None, "", ())}
    required = (f.name for f in fields(kind) if f.default is MISSING and f.type is str)
    return empty | dict.fromkeys(required, "")


def _lean(value: Any) -> dict[str, Any]:
    """The fields of a dataclass, without fields whose value `_absent` returns."""
    absent = _absent(type(value))  # type: ignore[arg-type]
    return {
        name: field if type(field) in _ATOMS else _plain(field)
        for name, field in _fields_of(value)
        if name not in absent or field != absent[name]
    }


def _made_lean(kind: type[T], values: Mapping[str, Any]) -> T:
    """A value of a dataclass from the fields of `_lean`."""
    return _made(kind, {**_absent(kind), **values})  # type: ignore[arg-type]


_PARTS: dict[str, type[Any]] = {
    "text": TextPart,
    "file": FilePart,
    "image": ImagePart,
    "audio": AudioPart,
    "document": DocumentPart,
    "reasoning": ReasoningPart,
    "refusal": RefusalPart,
    "tool_call": ToolCallPart,
    "tool_result": ToolResultPart,
    "opaque": OpaquePart,
    "prompt": PromptPart,
}
_WITH_BYTES = ("image", "audio", "document")
_PART_NAMES = {part: name for name, part in _PARTS.items()}


def parts_to_json(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """A message's parts; the bytes of files as base64."""
    return [{"type": _PART_NAMES[type(part)], **_part_to_json(part)} for part in parts]


def _part_to_json(part: Part) -> dict[str, Any]:
    if not isinstance(part, ImagePart | AudioPart | DocumentPart):
        fields: dict[str, Any] = _plain(part)
        return fields
    kind: Any = type(part)
    entry = {name: getattr(part, name) for name in _names(kind)}
    entry["data"] = base64.b64encode(part.data).decode("ascii")
    if isinstance(part, DocumentPart):
        entry["pages"] = [_part_to_json(page) for page in part.pages]
    return entry


def parts_from_json(values: Iterable[Mapping[str, Any]]) -> tuple[Part, ...]:
    """The parts of `parts_to_json`."""
    parts: list[Part] = []
    for value in values:
        entry = dict(value)
        kind = entry.pop("type")
        if kind == "tool_result":
            parts.append(_decode_result(entry))
        elif kind in _WITH_BYTES:
            parts.append(_decode_file(_PARTS[kind], entry))
        elif kind in _PARTS:
            parts.append(_made(_PARTS[kind], entry))
    return tuple(parts)


def _decode_file(kind: type[T], entry: dict[str, Any]) -> T:
    entry["data"] = base64.b64decode(entry["data"])
    if "pages" in entry:
        entry["pages"] = tuple(_decode_file(ImagePart, dict(page)) for page in entry["pages"])
    return _made(kind, entry)


def _decode_result(entry: dict[str, Any]) -> ToolResultPart:
    files = tuple(_made(KeptFile, file) for file in entry.pop("files", ()))
    state = ToolCallState(entry.pop("state", "completed"))
    return _made(ToolResultPart, {**entry, "state": state, "files": files})


def settings_to_json(settings: SessionSettings) -> dict[str, Any]:
    """A session's settings."""
    value = _plain(settings)
    value["parameters"] = _dense(value["parameters"])
    tools = {} if settings.tools is None else {"tools": settings.tools}  # () means no tools
    return _dense(value) | tools


def settings_from_json(values: Mapping[str, Any]) -> SessionSettings:
    """The settings of `settings_to_json`."""
    value = dict(values)
    given = dict(value.pop("parameters", {}))
    for name in ("metadata", "others", "extra_headers"):
        if name in given:
            given[name] = tuple((key, text) for key, text in given[name])
    if "unset" in given:
        given["unset"] = tuple(given["unset"])
    schema = value.pop("schema", None)
    for name in ("tools", "hosted"):
        if name in value:
            value[name] = tuple(value[name])
    for name in ("left_out", "pinned"):
        if name in value:
            value[name] = _texts(value[name])
    value["parameters"] = _made(Parameters, given)
    value["schema"] = _made(Schema, schema) if schema is not None else None
    return _made(SessionSettings, value)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    """The texts among the values of a file; other types are left out."""
    return tuple(value for value in values if isinstance(value, str))


def exchange_to_json(exchange: Exchange) -> dict[str, Any]:
    """A folded exchange."""
    value: dict[str, Any] = {}
    for name, field in _fields_of(exchange):
        if field is not None and field != ():
            is_ready = type(field) in _ATOMS or name in _ENCODED
            value[name] = field if is_ready else _plain(field)
    if exchange.think_tags is ThinkTags.AUTO:
        del value["think_tags"]
    value["started_at"] = to_ms(exchange.started_at)
    value["choices"] = [_encode_choice(choice) for choice in exchange.choices]
    value["timing"] = _dense(_plain(exchange.timing))
    if exchange.usage is not None:
        value["usage"] = _dense(_plain(exchange.usage))
    if exchange.failure is not None:
        value["failure"] = _dense(_plain(exchange.failure))
    return value


_ENCODED = ("started_at", "choices", "timing", "usage", "failure")
"""The fields of an exchange that are not encoded as every other."""


def _encode_choice(choice: Choice) -> dict[str, Any]:
    value = _lean(choice)
    if choice.tool_calls:
        value["tool_calls"] = [_lean(call) for call in choice.tool_calls]
    if choice.citations:
        value["citations"] = [_citation(citation) for citation in choice.citations]
    if choice.images:
        value["images"] = [
            {name: field for name, field in _lean(image).items() if name != "data"}
            for image in choice.images
        ]
    return value


def _citation(citation: Citation) -> dict[str, Any]:
    """All fields, in the form that was stored before citations had a container."""
    value: dict[str, Any] = _plain(citation)
    if citation.container_id is None:
        del value["container_id"]
    return value


def exchange_from_json(values: Mapping[str, Any]) -> Exchange:
    """The exchange of `exchange_to_json`."""
    value = dict(values)
    value["api"] = Api(value["api"])
    value["state"] = ExchangeState(value["state"])
    value["started_at"] = from_ms(value["started_at"])
    value["timing"] = _decode_timing(value["timing"])
    value["choices"] = tuple(map(_decode_choice, value.get("choices", ())))
    _decode_fields(value, _OPTIONAL)
    return with_sound_numbers(_made(Exchange, value))


def _decode_fields(value: dict[str, Any], decoders: Mapping[str, Callable[[Any], Any]]) -> None:
    """Decode the fields that are there, in place; most fields of a stored value are not."""
    for name in decoders.keys() & value.keys():
        value[name] = decoders[name](value[name])


def _decode_timing(values: Mapping[str, Any]) -> Timing:
    """The timing; its times as floats, which is what `with_sound_numbers` makes of them."""
    value: dict[str, Any] = {
        name: float(field) if type(field) is int and 0 <= field <= MOST_MEASURE else field
        for name, field in values.items()
    }
    value["pace"] = tuple(value.get("pace", ()))
    return _made(Timing, value)


def _decode_choice(values: Mapping[str, Any]) -> Choice:
    value = dict(values)
    _decode_fields(value, _OPTIONAL_OF_CHOICE)
    return _made(Choice, value)


def _each(kind: type[Any]) -> Callable[[Iterable[Mapping[str, Any]]], tuple[Any, ...]]:
    """A decoder of a list of values of a dataclass."""
    return lambda entries: tuple(_made(kind, entry) for entry in entries)


def _pairs(entries: Iterable[Any]) -> tuple[tuple[Any, Any], ...]:
    return tuple((name, text) for name, text in entries)


def _decode_calls(calls: Iterable[Mapping[str, Any]]) -> tuple[ToolCall, ...]:
    return tuple(
        _made_lean(ToolCall, {**call, "state": ToolCallState(call["state"])}) for call in calls
    )


def _decode_retries(retries: Iterable[Mapping[str, Any]]) -> tuple[Retry, ...]:
    return tuple(Retry(_made(Failure, retry["failure"]), retry["wait_s"]) for retry in retries)


def _decode_runs(runs: Iterable[Mapping[str, Any]]) -> tuple[Run, ...]:
    return tuple(Run(RunKind(run["kind"]), run["start"]) for run in runs)


_OPTIONAL: dict[str, Callable[[Any], Any]] = {
    "think_tags": ThinkTags,
    "headers": _pairs,
    "extras": _pairs,
    "prompts": _pairs,
    "adaptations": tuple,
    "firings": tuple,
    "unknown_events": tuple,
    "left_out": _texts,
    "retries": _decode_retries,
    "usage": partial(_made, Usage),
    "failure": partial(_made, Failure),
}
_OPTIONAL_OF_CHOICE: dict[str, Callable[[Any], Any]] = {
    "finish_reason": FinishReason,
    "tool_calls": _decode_calls,
    "citations": _each(Citation),
    "sections": _each(Section),
    "order": _decode_runs,
    "images": _each(ReplyImage),
    "reasoning_fields": tuple,
    "items": _each(OutputItem),
}
"""The decoders of the fields of an exchange and of a choice that may be left out."""

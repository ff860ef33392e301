"""Builds the response object of a recorded stream, for clients that do not stream. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Api
from replyscope.domain.json_text import read_json
from replyscope.domain.sse import parse_frame

_ENDINGS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_REPLACED = ("index", "type", "role", "id")
"""Fields that deltas repeat; their values are not appended."""


def whole_of(api: Api, frames: Iterable[WireFrame]) -> dict[str, Any] | None:
    """The response without `stream`; None when the recording is not complete."""
    values = list(payloads(frames))
    return _response(values) if api is Api.RESPONSES else _completion(values)


def payloads(frames: Iterable[WireFrame]) -> Iterator[dict[str, Any]]:
    """The JSON objects of the frames; `[DONE]` and comments have none."""
    for frame in frames:
        parsed = parse_frame(frame.text)
        try:
            value = read_json(parsed[1] if parsed else "")
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def _response(values: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The response object of the last event."""
    found = None
    for value in values:
        response = value.get("response")
        if value.get("type") in _ENDINGS and isinstance(response, dict):
            found = response
    return found


def _completion(values: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The chunks merged into one completion: deltas are appended, other fields replaced."""
    whole: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in values:
        if "error" in chunk:
            return None
        for name, value in chunk.items():
            if name != "choices" and (value is not None or name not in whole):
                whole[name] = value
        for choice in _objects(chunk.get("choices")):
            _add_choice(choices.setdefault(choice.get("index", 0), {}), choice)
    if not choices or any(one.get("finish_reason") is None for one in choices.values()):
        return None
    whole["object"] = "chat.completion"
    whole["choices"] = [_finished(index, choices[index]) for index in sorted(choices)]
    return whole


def _add_choice(known: dict[str, Any], choice: Mapping[str, Any]) -> None:
    for name, value in choice.items():
        if name == "delta" and isinstance(value, Mapping):
            _merge(known.setdefault("message", {}), value)
        elif name == "logprobs" and isinstance(value, Mapping):
            _merge(known.setdefault("logprobs", {}), value)
        elif value is not None or name not in known:
            known[name] = value


def _finished(index: int, choice: Mapping[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, **choice.get("message", {})}
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [
            {"type": "function", **{k: v for k, v in call.items() if k != "index"}}
            for call in _objects(calls)
        ]
    rest = {name: value for name, value in choice.items() if name not in ("delta", "message")}
    return {**rest, "index": index, "message": message}


def _merge(known: dict[str, Any], added: Mapping[str, Any]) -> None:
    """Merge a delta: append texts, merge numbered lists by their numbers, extend other lists."""
    for name, value in added.items():
        before = known.get(name)
        if value is None:
            known.setdefault(name, None)
        elif isinstance(value, str) and isinstance(before, str) and name not in _REPLACED:
            known[name] = _grown(name, before, value)
        elif isinstance(value, Mapping):
            target = known[name] = before if isinstance(before, dict) else {}
            _merge(target, value)
        elif isinstance(value, list):
            target_list = known[name] = before if isinstance(before, list) else []
            _merge_list(target_list, value)
        else:
            known[name] = value


def _grown(name: str, before: str, value: str) -> str:
    """A text with a delta appended; a name is kept, since some servers repeat it in every delta."""
    return before if name == "name" and before == value else before + value


def _merge_list(known: list[Any], added: list[Any]) -> None:
    for one in added:
        number = one.get("index") if isinstance(one, Mapping) else None
        same = [k for k in known if isinstance(k, dict) and k.get("index") == number]
        if number is not None and same and isinstance(one, Mapping):
            _merge(same[0], one)
        elif isinstance(one, Mapping):
            fresh: dict[str, Any] = {}
            _merge(fresh, one)
            known.append(fresh)
        else:
            known.append(one)


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

"""Turns Chat Completions chunks into domain events.

Reads the SDK's own objects, and believes nothing of their types: compatible servers
leave out, repeat and misshape what the SDK declares. Reading twice gives the same
events, so a recorded stream replays as it ran.
"""

import json
from collections.abc import Mapping
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from replyscope.domain.event import (
    Event,
    ExtraReported,
    FinishStated,
    Identified,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from replyscope.domain.exchange import Usage
from replyscope.provider.amounts import read_cost

_IDENTITY = ("id", "model", "service_tier", "system_fingerprint")
_REASONING_FIELDS = ("reasoning_content", "reasoning")


class ChatTranslator:
    """Translates the chunks of one stream; remembers only what was already said."""

    def __init__(self) -> None:
        self._said: tuple[object, ...] = (None, None, None, None)
        self._extras: dict[str, object] = {}
        self._open: set[int] = set()
        self._has_finished = False
        self.has_said_all = False
        """Every choice has finished, and what they used came after them."""

    is_complete = False
    """Chat Completions ends with a marker, which the tap sees."""
    fault: object | None = None
    """The SDK raises for an error inside the stream."""

    def translate_data(self, data: object, event: str | None = None) -> list[Event]:
        """The events of one decoded frame, built the way the SDK's stream builds them."""
        return self.translate(chunk_from_json(data))

    def translate(self, chunk: object) -> list[Event]:
        """The events of one chunk, in order. Anything that is no chunk gives none."""
        if not isinstance(chunk, ChatCompletionChunk):
            return []
        events: list[Event] = []
        self._identify(chunk, events)
        listed: object = getattr(chunk, "choices", None)
        choices = listed if isinstance(listed, list) else []
        for position, choice in enumerate(choices):
            self._translate_choice(position, choice, events)
        has_usage = self._translate_usage(chunk, events)
        self.has_said_all = has_usage and self._has_finished and not choices and not self._open
        if chunk.model_extra:
            self._keep_extras(chunk.model_extra, events)
        return events

    def _identify(self, chunk: ChatCompletionChunk, events: list[Event]) -> None:
        said = tuple(getattr(chunk, name, None) for name in _IDENTITY)
        if said != self._said:
            self._said = said
            response_id, model, tier, fingerprint = map(_text, said)
            events.append(Identified(response_id, model, tier, fingerprint))

    def _translate_choice(self, position: int, choice: Any, events: list[Event]) -> None:
        index = getattr(choice, "index", None)
        if not isinstance(index, int):
            index = position
        delta: Any = getattr(choice, "delta", None)
        if delta is not None:
            self._translate_delta(index, delta, events)
        finish: object = getattr(choice, "finish_reason", None)
        if finish is not None and finish != "":
            events.append(FinishStated(index, str(finish)))
            self._has_finished = True
            self._open.discard(index)
        else:
            self._open.add(index)
        extra = getattr(choice, "model_extra", None)
        if extra:
            self._keep_extras(extra, events)

    def _translate_delta(self, index: int, delta: Any, events: list[Event]) -> None:
        extra: Mapping[str, Any] | None = getattr(delta, "model_extra", None)
        if extra:
            for name in _REASONING_FIELDS:
                reasoning = extra.get(name)
                if isinstance(reasoning, str) and reasoning:
                    events.append(ReasoningDelta(index, reasoning))
                    break
        content: object = getattr(delta, "content", None)
        if isinstance(content, str):
            if content:
                events.append(TextDelta(index, content))
        elif isinstance(content, list):
            _translate_content_list(index, content, events)
        refusal: object = getattr(delta, "refusal", None)
        if isinstance(refusal, str) and refusal:
            events.append(RefusalDelta(index, refusal))
        calls: object = getattr(delta, "tool_calls", None)
        listed = calls if isinstance(calls, list) else []
        for position, call in enumerate(listed):
            # Several in one list without numbers are several calls, not pieces of one.
            events.append(_tool_call_delta(index, call, position if len(listed) > 1 else None))
        legacy: Any = getattr(delta, "function_call", None)
        if legacy is not None:
            events.append(_function_delta(index, None, None, legacy))

    def _translate_usage(self, chunk: ChatCompletionChunk, events: list[Event]) -> bool:
        usage: Any = getattr(chunk, "usage", None)
        if usage is None and chunk.model_extra:
            groq = chunk.model_extra.get("x_groq")
            usage = groq.get("usage") if isinstance(groq, Mapping) else None
        reported = read_usage(usage) if usage is not None else None
        if reported is not None:
            events.append(reported)
        return reported is not None

    def _keep_extras(self, extra: Mapping[str, Any], events: list[Event]) -> None:
        for name, value in extra.items():
            if value is None or self._extras.get(name) == value or name in _NOISE:
                continue
            self._extras[name] = value
            events.append(ExtraReported(name, json.dumps(value, default=str, ensure_ascii=False)))


_NOISE = ("obfuscation", "p", "delta", "logprobs")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _translate_content_list(index: int, content: list[Any], events: list[Event]) -> None:
    """Mistral's form: text and thinking parts in a list."""
    for part in content:
        if not isinstance(part, Mapping):
            continue
        if isinstance(part.get("text"), str) and part["text"]:
            events.append(TextDelta(index, part["text"]))
        thinking = part.get("thinking")
        for thought in thinking if isinstance(thinking, list) else ():
            text = thought.get("text") if isinstance(thought, Mapping) else None
            if isinstance(text, str) and text:
                events.append(ReasoningDelta(index, text))


def _field(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name)
    return getattr(value, name, None)


def _tool_call_delta(choice: int, call: Any, position: int | None) -> ToolCallDelta:
    slot = _field(call, "index")
    function = _field(call, "function")
    return _function_delta(
        choice, slot if isinstance(slot, int) else position, _text(_field(call, "id")), function
    )


def _function_delta(
    choice: int, slot: int | None, call_id: str | None, function: Any
) -> ToolCallDelta:
    arguments = _field(function, "arguments")
    if arguments is None:
        arguments = ""
    elif not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return ToolCallDelta(choice, slot, call_id, _text(_field(function, "name")), arguments)


def read_usage(usage: Any) -> UsageReported | None:
    """Token counts from a usage object of any shape; None when it holds no number."""
    if usage is None:
        return None
    prompt_details = _field(usage, "prompt_tokens_details")
    completion_details = _field(usage, "completion_tokens_details")
    counts = Usage(
        input_tokens=_count(usage, "prompt_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
        total_tokens=_count(usage, "total_tokens"),
        cached_input_tokens=_first(
            _count(prompt_details, "cached_tokens"), _count(usage, "prompt_cache_hit_tokens")
        ),
        cache_write_tokens=_count(prompt_details, "cache_write_tokens"),
        reasoning_tokens=_count(completion_details, "reasoning_tokens"),
    )
    if counts == Usage():
        return None
    return UsageReported(counts, read_cost(_field(usage, "cost")))


def _count(value: Any, name: str) -> int | None:
    number = _field(value, name) if value is not None else None
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def chunk_from_json(data: object) -> ChatCompletionChunk | None:
    """The SDK's object for one decoded frame, built the way its stream builds it."""
    if not isinstance(data, dict):
        return None
    return ChatCompletionChunk.construct(**data)


def translate_completion(data: Mapping[str, Any]) -> list[Event]:
    """The events of a whole completion, for servers that do not stream when asked to."""
    completion = ChatCompletion.construct(**data)
    choices: object = getattr(completion, "choices", None)
    deltas = []
    for position, choice in enumerate(choices if isinstance(choices, list) else ()):
        entry = choice.to_dict(warnings=False) if hasattr(choice, "to_dict") else dict(choice)
        message = dict(entry.pop("message", None) or {})
        for slot, call in enumerate(message.get("tool_calls") or ()):
            call.setdefault("index", slot)
        deltas.append({"index": position, **entry, "delta": message})
    chunk = chunk_from_json({**data, "choices": deltas})
    return ChatTranslator().translate(chunk)

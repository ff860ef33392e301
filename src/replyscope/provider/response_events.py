"""Turns Responses events into domain events.

Dispatches on the `.type` string: an event that the SDK doesn't know comes as another
class with the right type. Reading twice gives the same events.
"""

from collections.abc import Callable, Mapping
from typing import Any

from openai._models import construct_type
from openai.types.responses import ResponseStreamEvent

from replyscope.domain.event import (
    CitationAdded,
    Event,
    ExtraReported,
    Identified,
    ItemReported,
    ReasoningDelta,
    RefusalDelta,
    SectionStarted,
    StatusStated,
    TextDelta,
    ToolCallDelta,
    ToolCallReported,
    UnknownEventSeen,
    UsageReported,
)
from replyscope.domain.exchange import FINAL_TEXT, OutputItem, Usage
from replyscope.provider.amounts import read_cost
from replyscope.provider.response_items import (
    KINDS_TO_RUN,
    Item,
    call_key,
    is_call,
    mapping_of,
    read_call,
    read_citation,
    text_of,
    to_json,
)
from replyscope.provider.told import Place, Told

_TERMINAL = ("completed", "incomplete", "failed", "cancelled")
_CHOICE = 0
_STANDARD = ("store", "output_text", "billing", "frequency_penalty", "presence_penalty")
"""Fields of a response that are OpenAI's own, though the SDK does not declare them."""


class ResponseTranslator:
    """Translates the events of one stream; remembers what was already told."""

    def __init__(self) -> None:
        self.is_complete = False
        self.fault: object | None = None
        self._said = Identified()
        self._calls: dict[str, tuple[int, Item]] = {}
        self._told = Told()
        self._told_items: dict[int, str] = {}
        self._finished: set[int] = set()
        self._extras: dict[str, object] = {}

    @property
    def has_said_all(self) -> bool:
        """The last event is the end."""
        return self.is_complete

    def translate_data(self, data: object, event: str | None = None) -> list[Event]:
        """The events of one decoded frame, built the way the SDK's stream builds them."""
        if not isinstance(data, dict):
            return []
        if "type" not in data and event is not None:
            data = {**data, "type": event}
        if isinstance(data.get("error"), dict | str) and not _is_response_event(data):
            self.fault = data["error"]
            return []
        return self.translate(construct_type(type_=ResponseStreamEvent, value=data))

    def translate(self, chunk: object) -> list[Event]:
        """The events of one SDK event, in order."""
        kind = getattr(chunk, "type", None)
        if not isinstance(kind, str):
            return []
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, chunk)
        return [] if _is_known_progress(kind) else [UnknownEventSeen(kind)]

    def _text(self, event: Any) -> list[Event]:
        return self._words(TextDelta, event)

    def _refusal(self, event: Any) -> list[Event]:
        return self._words(RefusalDelta, event)

    def _words(self, make: type[TextDelta] | type[RefusalDelta], event: Any) -> list[Event]:
        words = _text_at(event, "delta")
        if not words:
            return []
        self._told.add(_place(event), words)
        return [make(_CHOICE, words)]

    def _text_done(self, event: Any) -> list[Event]:
        return self._rest(TextDelta, _place(event), _text_at(event, "text"))

    def _refusal_done(self, event: Any) -> list[Event]:
        return self._rest(RefusalDelta, _place(event), _text_at(event, "refusal"))

    def _rest(
        self, make: type[TextDelta] | type[RefusalDelta], place: Place, whole: str
    ) -> list[Event]:
        """What a closing event has beyond the deltas; where it contradicts them, both count."""
        missing = self._told.rest(place, whole) if whole else ""
        if missing is None:
            return [ExtraReported(FINAL_TEXT, to_json(whole))]
        return [make(_CHOICE, missing)] if missing else []

    def _reasoning(self, event: Any) -> list[Event]:
        """Parts of a summary are paragraphs of their own."""
        return self._thought(_reasoning_place(event), _text_at(event, "delta"))

    def _reasoning_done(self, event: Any) -> list[Event]:
        place = _reasoning_place(event)
        return [] if place in self._told else self._thought(place, _text_at(event, "text"))

    def _thought(self, place: Place, words: str) -> list[Event]:
        if not words:
            return []
        lead = "\n\n" if place not in self._told and self._told.has_any("reasoning") else ""
        self._told.add(place, words)
        return [ReasoningDelta(_CHOICE, lead + words)]

    def _arguments_delta(self, event: Any) -> list[Event]:
        words = _text_at(event, "delta")
        if not words:
            return []
        self._told.add(("arguments", _index(event), 0), words)
        return [ToolCallDelta(_CHOICE, _index(event), None, None, words)]

    def _arguments_done(self, event: Any) -> list[Event]:
        whole = _text_at(event, "arguments") or _text_at(event, "input")
        missing = self._told.rest(("arguments", _index(event), 0), whole) if whole else ""
        return [ToolCallDelta(_CHOICE, _index(event), None, None, missing)] if missing else []

    def _annotation(self, event: Any) -> list[Event]:
        citation = read_citation(_plain(getattr(event, "annotation", None)))
        return [CitationAdded(_CHOICE, citation)] if citation is not None else []

    def _item_added(self, event: Any) -> list[Event]:
        return self._item(_index(event), _plain(getattr(event, "item", None)), is_done=False)

    def _item_done(self, event: Any) -> list[Event]:
        return self._item(_index(event), _plain(getattr(event, "item", None)), is_done=True)

    def _item(self, index: int, item: object, *, is_done: bool) -> list[Event]:
        if not isinstance(item, Mapping):
            return []
        payload = to_json(item)
        if self._told_items.get(index) == payload and is_done == (index in self._finished):
            return []
        is_new = index not in self._told_items
        self._told_items[index] = payload
        if is_done:
            self._finished.add(index)
        kind = text_of(item, "type") or "item"
        events: list[Event] = []
        if kind == "message" and is_new:
            events.append(SectionStarted(_CHOICE, text_of(item, "phase")))
        if is_done:
            events += self._late_words(index, item)
        if is_call(item):
            events += self._call(index, item, is_done=is_done)
        elif kind.endswith("_output"):
            events += self._output(item)
        return [*events, ItemReported(_CHOICE, OutputItem(index, kind, payload))]

    def _call(self, index: int, item: Item, *, is_done: bool) -> list[Event]:
        kind = text_of(item, "type") or ""
        call = read_call(item, is_done=is_done)
        self._calls[call_key(item)] = (index, item)
        if not is_done and kind in KINDS_TO_RUN:
            # Arguments come as deltas, or with the finished item; counting both would double them.
            return [ToolCallDelta(_CHOICE, index, call.id, call.name, "", call.kind)]
        return [ToolCallReported(_CHOICE, index, call)]

    def _output(self, item: Item) -> list[Event]:
        """The result of a call that the server made within the same response."""
        known = self._calls.get(call_key(item))
        if known is None:
            return []
        index, call = known
        return [ToolCallReported(_CHOICE, index, read_call(call, is_done=True, output=item))]

    def _late_words(self, index: int, item: Item) -> list[Event]:
        """Text, refusal, reasoning and citations that no delta brought."""
        events: list[Event] = []
        parts = item.get("content") if isinstance(item.get("content"), list) else []
        for number, part in enumerate(parts or ()):
            if not isinstance(part, Mapping):
                continue
            words = text_of(part, "text") or text_of(part, "refusal")
            if words and text_of(item, "type") == "message":
                is_refusal = text_of(part, "type") == "refusal"
                make = RefusalDelta if is_refusal else TextDelta
                events += self._rest(make, ("text", index, number), words)
                found = (read_citation(a) for a in part.get("annotations") or ())
                events += [CitationAdded(_CHOICE, c) for c in found if c is not None]
        if text_of(item, "type") == "reasoning" and not self._told.has_any("reasoning", index):
            events += self._late_reasoning(index, item)
        return events

    def _late_reasoning(self, index: int, item: Item) -> list[Event]:
        parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
        texts = [text_of(part, "text") for part in parts if isinstance(part, Mapping)]
        words = "\n\n".join(text for text in texts if text)
        return self._thought(("reasoning", index, 0), words)

    def _response(self, event: Any) -> list[Event]:
        """A whole response object: at the start, on changes of status, and at the end."""
        response = _plain(getattr(event, "response", None))
        if not isinstance(response, Mapping):
            return []
        events = self._identify(response)
        events += self._extras_of(getattr(event, "response", None))
        status = text_of(response, "status")
        if status is None:
            status = event.type.removeprefix("response.")
        if status in _TERMINAL:
            self.is_complete = True
            items = response.get("output")
            for index, item in enumerate(items if isinstance(items, list) else ()):
                if index not in self._finished:
                    events += self._item(index, item, is_done=True)
        events += _usage_events(response)
        error = mapping_of(response, "error")
        if error and status == "failed":
            self.fault = dict(error)
        reason = text_of(mapping_of(response, "incomplete_details"), "reason")
        message, code = text_of(error, "message"), text_of(error, "code")
        return [*events, StatusStated(status, reason, code, message)]

    def _error(self, event: Any) -> list[Event]:
        """The `error` event, flat or nested."""
        body = _plain(event)
        nested = body.get("error") if isinstance(body, Mapping) else None
        self.fault = nested if isinstance(nested, dict) else body
        return []

    def _identify(self, response: Item) -> list[Event]:
        stored = response.get("store")
        said = Identified(
            response_id=text_of(response, "id"),
            model=text_of(response, "model"),
            service_tier=text_of(response, "service_tier"),
            is_stored=stored if isinstance(stored, bool) else None,
            previous_response_id=text_of(response, "previous_response_id"),
        )
        if said == self._said:
            return []
        self._said = said
        return [said]

    def _extras_of(self, response: object) -> list[Event]:
        """Non-standard fields, and the standard ones that tell about caching."""
        extra = dict(getattr(response, "model_extra", None) or {})
        diagnostics = _plain(getattr(response, "prompt_cache_diagnostics", None))
        if diagnostics:
            extra["prompt_cache_diagnostics"] = diagnostics
        events: list[Event] = []
        for name, value in extra.items():
            if value is None or self._extras.get(name) == value or name in _STANDARD:
                continue
            self._extras[name] = value
            events.append(ExtraReported(name, to_json(value)))
        return events


_Handler = Callable[[ResponseTranslator, Any], list[Event]]
_HANDLERS: dict[str, _Handler] = {
    "response.output_text.delta": ResponseTranslator._text,
    "response.refusal.delta": ResponseTranslator._refusal,
    "response.reasoning_text.delta": ResponseTranslator._reasoning,
    "response.reasoning_summary_text.delta": ResponseTranslator._reasoning,
    "response.function_call_arguments.delta": ResponseTranslator._arguments_delta,
    "response.custom_tool_call_input.delta": ResponseTranslator._arguments_delta,
    "response.output_text.done": ResponseTranslator._text_done,
    "response.refusal.done": ResponseTranslator._refusal_done,
    "response.reasoning_text.done": ResponseTranslator._reasoning_done,
    "response.reasoning_summary_text.done": ResponseTranslator._reasoning_done,
    "response.function_call_arguments.done": ResponseTranslator._arguments_done,
    "response.custom_tool_call_input.done": ResponseTranslator._arguments_done,
    "response.output_text.annotation.added": ResponseTranslator._annotation,
    "response.output_item.added": ResponseTranslator._item_added,
    "response.output_item.done": ResponseTranslator._item_done,
    "error": ResponseTranslator._error,
    **{
        f"response.{name}": ResponseTranslator._response
        for name in ("created", "queued", "in_progress", "done", *_TERMINAL)
    },
}

_PROGRESS = (
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "code_interpreter_call_code",
    "image_generation_call",
    "mcp_call",
    "mcp_call_arguments",
    "mcp_list_tools",
    "shell_call_command",
    "shell_call_output_content",
    "apply_patch_call_operation_diff",
    "audio",
    "compaction",
    "content_part",
    "reasoning_summary_part",
)


def _is_known_progress(kind: str) -> bool:
    """Steps that the items themselves tell again when they are done."""
    stem, _, _ = kind.removeprefix("response.").rpartition(".")
    return kind.startswith("response.") and stem.split(".")[0] in _PROGRESS


def _is_response_event(data: Mapping[str, Any]) -> bool:
    kind = data.get("type")
    return isinstance(kind, str) and (kind.startswith("response.") or kind == "error")


def _index(event: Any) -> int:
    index = getattr(event, "output_index", None)
    return index if isinstance(index, int) else 0


def _place(event: Any) -> Place:
    part = getattr(event, "content_index", None)
    return "text", _index(event), part if isinstance(part, int) else 0


def _reasoning_place(event: Any) -> Place:
    part = getattr(event, "summary_index", None)
    return "reasoning", _index(event), part if isinstance(part, int) else 0


def _text_at(event: Any, name: str) -> str:
    """A field of an event when it is a text; else nothing."""
    value = getattr(event, name, None)
    return value if isinstance(value, str) else ""


def _plain(value: Any) -> Any:
    """An SDK object as the JSON that it was built from."""
    if hasattr(value, "to_dict"):
        return value.to_dict(mode="json", warnings=False)
    return value


def _usage_events(response: Item) -> list[Event]:
    usage = mapping_of(response, "usage")
    if not usage:
        return []
    into, out = (
        mapping_of(usage, "input_tokens_details"),
        mapping_of(usage, "output_tokens_details"),
    )
    counts = Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        total_tokens=_count(usage, "total_tokens"),
        cached_input_tokens=_count(into, "cached_tokens"),
        cache_write_tokens=_count(into, "cache_write_tokens"),
        reasoning_tokens=_count(out, "reasoning_tokens"),
    )
    return [UsageReported(counts, read_cost(usage.get("cost")))]


def _count(value: Item, name: str) -> int | None:
    number = value.get(name)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def translate_response(data: Mapping[str, Any]) -> list[Event]:
    """The events of a whole response, for servers that do not stream when asked to."""
    kind = f"response.{data.get('status') or 'completed'}"
    return ResponseTranslator().translate_data({"type": kind, "response": dict(data)})

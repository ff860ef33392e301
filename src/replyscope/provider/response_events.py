"""Translates the events of the Responses API into domain events.

It dispatches on the `type` string, because the SDK builds an unknown event as another class
with the right `type`. The same events always give the same result.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from openai.types.responses import ResponseStreamEvent, ResponseUsage
from openai.types.shared import Reasoning
from pydantic import BaseModel

from replyscope.domain.event import (
    CitationAdded,
    Event,
    ExtraReported,
    Identified,
    StatusStated,
    UnknownEventSeen,
)
from replyscope.domain.json_text import dump_json
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.citations import read_citation
from replyscope.provider.item_places import ItemPlaces
from replyscope.provider.openai_internals import build_object
from replyscope.provider.plain import Fields, fields_of, list_of, text_of
from replyscope.provider.response_output import ResponseOutput
from replyscope.provider.response_words import ResponseWords
from replyscope.provider.stream_errors import find_error
from replyscope.provider.text_frames import delta_event
from replyscope.provider.usage import find_usage, unread_usage

_TERMINAL = ("completed", "incomplete", "failed", "cancelled")
_CHOICE = 0
_QUIET = {
    *("store", "output_text", "billing", "frequency_penalty", "presence_penalty"),
    *("obfuscation", "sequence_number"),
}
"""Fields that are not reported: OpenAI's undeclared ones, and fields without information."""
_TOLD = (
    *("prompt_cache_diagnostics", "moderation", "tool_usage", "input_transformations"),
    *("logprobs", "conversation"),
)
"""Standard fields that are reported unchanged."""


class ResponseTranslator:
    """A translator of the events of one stream.

    `fault` is the error object received in the stream, None when there was none.
    `is_complete` is whether the server reported the end of the response.
    """

    def __init__(self, think_tags: ThinkTags = ThinkTags.AUTO) -> None:
        self.is_complete = False
        self.fault: object | None = None
        places = ItemPlaces()
        self.words = ResponseWords(places, think_tags)
        self.output = ResponseOutput(places, self.words)
        self._said = Identified()
        self._extras: dict[str, object] = {}

    @property
    def has_said_all(self) -> bool:
        """Whether the response is complete or failed."""
        return self.is_complete or self.fault is not None

    def translate_data(self, data: object, event: str | None = None) -> list[Event]:
        """The events of one decoded frame, parsed as the SDK's stream parses it."""
        if not isinstance(data, dict):
            return []
        if "type" not in data and data.get("object") == "response":
            data = {"type": f"response.{data.get('status') or 'completed'}", "response": data}
        if "type" not in data and event is not None:
            data = {**data, "type": event}
        if not _is_response_event(data):
            self.fault = self.fault or find_error(data, event)
        return self.translate(delta_event(data) or build_object(ResponseStreamEvent, data))

    def translate(self, chunk: object) -> list[Event]:
        """The events of one SDK event, in order."""
        kind = getattr(chunk, "type", None)
        if not isinstance(kind, str):
            self.fault = self.fault or find_error(fields_of(chunk))
            return []
        handler = _HANDLERS.get(kind)
        if handler is not None:
            events = handler(self, chunk)
            return [*events, *self._unread(chunk)]
        if not _is_response_event({"type": kind}):
            self.fault = self.fault or find_error(fields_of(chunk))
        return self._unread(chunk) if _is_known_progress(kind) else [UnknownEventSeen(kind)]

    def finish(self) -> list[Event]:
        """The events of buffered text and items at the end of the stream."""
        return [*self.output.finish(), *self.words.finish()]

    def _annotation(self, event: Any) -> list[Event]:
        citation = read_citation(_plain(getattr(event, "annotation", None)))
        return [CitationAdded(_CHOICE, citation)] if citation is not None else []

    def _item_added(self, event: Any) -> list[Event]:
        item = _plain(getattr(event, "item", None))
        index = getattr(event, "output_index", None)
        return self.output.added(item, index) if isinstance(item, Mapping) else []

    def _item_done(self, event: Any) -> list[Event]:
        item = _plain(getattr(event, "item", None))
        index = getattr(event, "output_index", None)
        return self.output.done(item, index) if isinstance(item, Mapping) else []

    def _response(self, event: Any) -> list[Event]:
        """Read a response object, sent at the start, on changes of status, and at the end."""
        response = _plain(getattr(event, "response", None))
        if not isinstance(response, Mapping):
            return []
        events = self._identify(response)
        named, status = event.type.removeprefix("response."), text_of(response.get("status"))
        if status is None or (named in _TERMINAL and status not in _TERMINAL):
            status = named
        if status in _TERMINAL:
            self.is_complete = True
            items = [item for item in list_of(response.get("output")) if isinstance(item, Mapping)]
            events += self.output.list_all(items)
        usage = find_usage({"usage": response.get("usage")})
        if usage is not None:
            events.append(usage)
        error = fields_of(response.get("error"))
        if error and status == "failed":
            self.fault = dict(error)
        reason = text_of(fields_of(response.get("incomplete_details")).get("reason"))
        message, code = text_of(error.get("message")), text_of(error.get("code"))
        return [*events, StatusStated(status, reason, code, message)]

    def _error(self, event: Any) -> list[Event]:
        """Read an `error` event, flat or nested."""
        body = _plain(event)
        nested = body.get("error") if isinstance(body, Mapping) else None
        self.fault = nested if isinstance(nested, dict | str) and nested else body
        return []

    def _identify(self, response: Fields) -> list[Event]:
        stored = response.get("store")
        said = Identified(
            response_id=text_of(response.get("id")),
            model=text_of(response.get("model")),
            service_tier=text_of(response.get("service_tier")),
            is_stored=stored if isinstance(stored, bool) else None,
            previous_response_id=text_of(response.get("previous_response_id")),
        )
        if said == self._said:
            return []
        self._said = said
        return [said]

    def _unread(self, event: Any) -> list[Event]:
        """The unknown fields of an event, at any depth, each value once."""
        events: list[Event] = []
        for name, value in _unknown_fields(event):
            if value in (None, []) or self._extras.get(name) == value or name in _QUIET:
                continue
            self._extras[name] = value
            events.append(ExtraReported(name, dump_json(_plain(value))))
        return events


_Handler = Callable[[ResponseTranslator, Any], list[Event]]
_HANDLERS: dict[str, _Handler] = {
    "response.output_text.delta": lambda t, e: t.words.text_delta(e),
    "response.refusal.delta": lambda t, e: t.words.refusal_delta(e),
    "response.audio.transcript.delta": lambda t, e: t.words.text_delta(e),
    "response.reasoning_text.delta": lambda t, e: t.words.reasoning_delta(e),
    "response.reasoning_summary_text.delta": lambda t, e: t.words.reasoning_delta(e),
    "response.function_call_arguments.delta": lambda t, e: t.output.arguments_delta(e),
    "response.custom_tool_call_input.delta": lambda t, e: t.output.arguments_delta(e),
    "response.output_text.done": lambda t, e: t.words.text_done(e),
    "response.refusal.done": lambda t, e: t.words.refusal_done(e),
    "response.reasoning_text.done": lambda t, e: t.words.reasoning_done(e),
    "response.reasoning_summary_text.done": lambda t, e: t.words.reasoning_done(e),
    "response.function_call_arguments.done": lambda t, e: t.output.arguments_done(e),
    "response.custom_tool_call_input.done": lambda t, e: t.output.arguments_done(e),
    "response.output_text.annotation.added": ResponseTranslator._annotation,
    "response.output_item.added": ResponseTranslator._item_added,
    "response.output_item.done": ResponseTranslator._item_done,
    "error": ResponseTranslator._error,
    "response.error": ResponseTranslator._error,
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
    """Whether an event reports progress that the finished item includes as well."""
    stem, _, _ = kind.removeprefix("response.").rpartition(".")
    return kind.startswith("response.") and stem.split(".")[0] in _PROGRESS


def _is_response_event(data: Mapping[str, Any]) -> bool:
    kind = data.get("type")
    return isinstance(kind, str) and (kind.startswith("response.") or kind == "error")


def _unknown_fields(value: object) -> Iterator[tuple[str, object]]:
    """The fields that the SDK does not declare, and the fields in `_TOLD`."""
    if isinstance(value, list):
        for one in value:
            yield from _unknown_fields(one)
    if not isinstance(value, BaseModel):
        return
    if isinstance(value, ResponseUsage):
        yield from unread_usage(value)
        return
    if isinstance(value, Reasoning):
        # The effort and the summary are what was asked for; the mode may be the server's choice.
        for name, field in (("mode", value.mode), ("context", value.context)):
            if field is not None:
                yield f"reasoning.{name}", field
    yield from (value.model_extra or {}).items()
    for name, field in value.__dict__.items():
        if name in _TOLD:
            yield name, field
        elif isinstance(field, BaseModel | list):
            yield from _unknown_fields(field)


def _plain(value: Any) -> Any:
    """The JSON value that an SDK object was built from."""
    if hasattr(value, "to_dict"):
        return value.to_dict(mode="json", warnings=False)
    return value


def translate_response(
    data: Mapping[str, Any], think_tags: ThinkTags = ThinkTags.AUTO
) -> list[Event]:
    """The events of a complete response, for servers that ignore `stream`."""
    kind = f"response.{data.get('status') or 'completed'}"
    translator = ResponseTranslator(think_tags)
    events = translator.translate_data({"type": kind, "response": dict(data)})
    return [*events, *translator.finish()]

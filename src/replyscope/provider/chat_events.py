"""Translates Chat Completions chunks into domain events.

Chunks are objects of the SDK, but their declared types are not reliable: compatible servers
omit and repeat fields and send other types. The same chunks always give the same events, so
that a recorded stream can be replayed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from replyscope.domain.event import (
    CitationAdded,
    Event,
    ExtraReported,
    FinishStated,
    Identified,
)
from replyscope.domain.json_text import dump_json
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.chat_choice import ChoiceReader
from replyscope.provider.citations import SOURCE_FIELDS, read_sources
from replyscope.provider.plain import (
    Fields,
    fields_of,
    list_of,
    number_of,
    other_fields_of,
    text_of,
    to_plain,
)
from replyscope.provider.stream_errors import find_error
from replyscope.provider.text_frames import text_chunk
from replyscope.provider.usage import find_usage, read_usage, unread_usage

_OF_CHUNKS = {
    *("id", "object", "created", "model", "service_tier", "system_fingerprint", "choices", "usage"),
    *("obfuscation", "p", "error", *SOURCE_FIELDS),
}
_OF_CHOICES = {
    *("index", "delta", "message", "finish_reason", "native_finish_reason"),
    *("usage", "error", "obfuscation"),
}
_OF_NATIVE_REPLIES = {"message", "done", "done_reason", "created_at"}
"""Fields of Ollama's own API, which some proxies forward unchanged."""


class ChatTranslator:
    """A translator of the chunks of one stream.

    `fault` is the error object received in the stream, None when there was none.
    """

    is_complete = False
    """Always false: Chat Completions ends with `[DONE]`, which FrameTap detects."""

    def __init__(self, think_tags: ThinkTags = ThinkTags.AUTO) -> None:
        self._think_tags = think_tags
        self._choices: dict[int, ChoiceReader] = {}
        self._said: tuple[object, ...] = (None, None, None, None)
        self._extras: dict[str, object] = {}
        self._sources: set[object] = set()
        self._open: set[int] = set()
        self._has_finished = False
        self._has_ended = False
        self.fault: object | None = None

    @property
    def has_said_all(self) -> bool:
        """Whether every choice has finished and usage followed, or an error was received."""
        return self._has_ended or self.fault is not None

    def translate_data(self, data: object, event: str | None = None) -> list[Event]:
        """The events of one decoded frame, parsed as the SDK's stream parses it."""
        if event == "error" and self.fault is None and isinstance(data, Mapping):
            self.fault = find_error(data, event)
        return self.translate(text_chunk(data) or chunk_from_json(data))

    def translate(self, chunk: object) -> list[Event]:
        """The events of one chunk or text frame, in order; empty for any other object."""
        if not isinstance(chunk, ChatCompletionChunk | dict):
            return []
        given = fields_of(chunk)
        choices = list_of(given.get("choices"))
        has_extras = isinstance(chunk, ChatCompletionChunk) and bool(chunk.model_extra)
        if self.fault is None and (not choices or has_extras or _have_extras(choices)):
            self.fault = find_error(given)
        events: list[Event] = []
        self._identify(given, events)
        for position, choice in enumerate(choices or _native_choices(given)):
            self._translate_choice(position, choice, events)
        usage = find_usage(given) if "usage" in given or has_extras else None
        if usage is not None:
            events.append(usage)
        if "usage" in given:
            self._name_unread(given["usage"], events)
        self._has_ended = bool(usage and self._has_finished and not choices and not self._open)
        if has_extras or given.keys() - _OF_CHUNKS:
            self._translate_rest(given, events)
        return events

    def finish(self) -> list[Event]:
        """The events of buffered text and of recordings at the end of the stream."""
        readers = self._choices.values()
        return [event for reader in readers for event in (*reader.finish(), *reader.end())]

    def _identify(self, given: Fields, events: list[Event]) -> None:
        get = given.get
        said = (get("id"), get("model"), get("service_tier"), get("system_fingerprint"))
        if said != self._said:
            self._said = said
            response_id, model, tier, fingerprint = map(text_of, said)
            events.append(Identified(response_id, model, tier, fingerprint))

    def _translate_choice(self, position: int, choice: object, events: list[Event]) -> None:
        given = fields_of(choice)
        index = number_of(given.get("index"))
        index = position if index is None else index
        reader = self._choices.get(index)
        if reader is None:
            reader = self._choices[index] = ChoiceReader(index, self._think_tags)
        events.extend(reader.read_delta(given.get("delta")))
        if "message" in given:
            events.extend(reader.read_message(given["message"]))
        if "text" in given:
            events.extend(reader.read_text(given["text"]))
        finish, native = _word(given.get("finish_reason")), _word(given.get("native_finish_reason"))
        if finish or native:
            events.extend(reader.finish())
            events.append(FinishStated(index, finish or native or "", native))
            self._has_finished = True
            self._open.discard(index)
        else:
            self._open.add(index)
        for place in (given.get("usage"), other_fields_of(given.get("delta")).get("usage")):
            if place is not None:
                self._translate_usage(place, events)
        if given.keys() - _OF_CHOICES:
            self._keep_extras(given, (*_OF_CHOICES, "text"), events)

    def _translate_usage(self, place: object, events: list[Event]) -> None:
        usage = read_usage(place)
        if usage is not None:
            events.append(usage)
        self._name_unread(place, events)

    def _name_unread(self, usage: object, events: list[Event]) -> None:
        unread = dict(unread_usage(usage)) if fields_of(usage) else {"usage": usage}
        self._keep_extras(unread, (), events)

    def _translate_rest(self, given: Fields, events: list[Event]) -> None:
        for source in self._new_sources(given):
            events.append(CitationAdded(0, source))
        is_native = not given.get("choices") and isinstance(given.get("message"), Mapping)
        known = _OF_CHUNKS | _OF_NATIVE_REPLIES if is_native else _OF_CHUNKS
        if self.fault is None:
            self._keep_extras(given, tuple(known), events)

    def _new_sources(self, given: Fields) -> Iterator[Any]:
        for source in read_sources(given):
            key = source.url or source.title
            if key not in self._sources:
                self._sources.add(key)
                yield source

    def _keep_extras(self, given: Fields, known: tuple[str, ...], events: list[Event]) -> None:
        for name, value in given.items():
            if name in known or self._extras.get(name) == value:
                continue
            self._extras[name] = value
            events.append(ExtraReported(name, dump_json(to_plain(value))))


def _have_extras(choices: list[Any]) -> bool:
    return any(getattr(choice, "model_extra", None) for choice in choices)


def _native_choices(given: Fields) -> list[Fields]:
    """A reply in the format of Ollama's own API as a list of one choice."""
    message = given.get("message")
    if not isinstance(message, Mapping):
        return []
    finish = given.get("done_reason") or ("stop" if given.get("done") is True else None)
    return [{"index": 0, "delta": message, "finish_reason": finish}]


def _word(value: object) -> str | None:
    """A finish reason; None when absent. KoboldCpp sends "null" and "None" as text."""
    return None if value in (None, "", "null", "None") else str(value)


def chunk_from_json(data: object) -> ChatCompletionChunk | None:
    """The SDK's chunk for one decoded frame, parsed as the SDK's stream parses it."""
    if not isinstance(data, dict):
        return None
    return ChatCompletionChunk.construct(**data)


def translate_completion(
    data: Mapping[str, Any], think_tags: ThinkTags = ThinkTags.AUTO
) -> list[Event]:
    """The events of a complete response, for servers that ignore `stream`."""
    completion = ChatCompletion.construct(**data)
    choices: object = getattr(completion, "choices", None)
    deltas = []
    for position, choice in enumerate(list_of(choices)):
        entry = dict(to_plain(choice)) if fields_of(choice) else {}
        message = dict(entry.pop("message", None) or {})
        for slot, call in enumerate(list_of(message.get("tool_calls"))):
            if isinstance(call, dict):
                call.setdefault("index", slot)
        deltas.append({"index": position, **entry, "delta": message})
    translator = ChatTranslator(think_tags)
    events = translator.translate(chunk_from_json({**data, "choices": deltas}))
    return [*events, *translator.finish()]

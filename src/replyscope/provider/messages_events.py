"""Translates the events of Anthropic's Messages API into domain events.

A message consists of content blocks: text, thinking, tool use, and blocks of the server's own
tools. https://docs.anthropic.com/en/api/messages-streaming
"""

from collections.abc import Callable, Mapping
from typing import Any

from replyscope.domain.event import (
    CitationAdded,
    Event,
    ExtraReported,
    FinishStated,
    Identified,
    ReasoningDelta,
    StatusStated,
    TextDelta,
    ToolCallDelta,
    UnknownEventSeen,
    UsageReported,
)
from replyscope.domain.exchange import Citation, Usage
from replyscope.domain.json_text import dump_json
from replyscope.domain.sound_numbers import count_of
from replyscope.provider.plain import Fields, fields_of, list_of, number_of, text_of
from replyscope.provider.stream_errors import find_error

_CHOICE = 0
_CALLS = {"tool_use": "function", "server_tool_use": "server_tool_use", "mcp_tool_use": "mcp_call"}
"""The blocks that are tool calls, with the kind of the call: only `tool_use` needs a result."""
_OF_MESSAGES = {
    *("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"),
}
_OF_USAGE = {
    *("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
    *("service_tier", "cache_creation"),
}


class MessagesTranslator:
    """A translator of the events of one message. Implements Translator.

    `is_complete` is whether `message_stop` arrived.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self.fault: object | None = None
        self._usage: dict[str, int] = {}
        self._calls: dict[int, str] = {}
        """The kinds of the calls, by the index of their block."""
        self._has_thought = False
        self._extras: dict[str, object] = {}

    @property
    def has_said_all(self) -> bool:
        """Whether the message is complete or failed."""
        return self.is_complete or self.fault is not None

    def translate_data(self, data: object, event: str | None = None) -> list[Event]:
        """The events of one decoded frame."""
        given = fields_of(data)
        kind = text_of(given.get("type")) or event
        if kind == "error" or (kind is None and given):
            self.fault = self.fault or find_error(given, event)
            return []
        if kind is None or kind == "ping":
            return []
        handler = _HANDLERS.get(kind)
        return handler(self, given) if handler is not None else [UnknownEventSeen(kind)]

    def translate(self, chunk: object) -> list[Event]:
        """The events of one object; this API has no objects of the SDK."""
        return self.translate_data(chunk)

    def finish(self) -> list[Event]:
        """No events: nothing is buffered."""
        return []

    def _start(self, given: Fields) -> list[Event]:
        message = fields_of(given.get("message"))
        usage = fields_of(message.get("usage"))
        tier = text_of(usage.get("service_tier"))
        said = Identified(text_of(message.get("id")), text_of(message.get("model")), tier)
        events: list[Event] = [said, *self._usage_events(usage)]
        for index, block in enumerate(list_of(message.get("content"))):
            events += self._block(index, fields_of(block))
        return [*events, *self._stopped(message), *self._rest(message)]

    def _block_start(self, given: Fields) -> list[Event]:
        index = number_of(given.get("index")) or 0
        return self._block(index, fields_of(given.get("content_block")))

    def _block(self, index: int, block: Fields) -> list[Event]:
        """The events of a block: complete, or empty at its start in a stream."""
        kind = text_of(block.get("type")) or ""
        if kind in _CALLS:
            self._calls[index] = _CALLS[kind]
            given = block.get("input")
            arguments = dump_json(given) if given else ""
            return [self._call(index, text_of(block.get("id")), block.get("name"), arguments)]
        if kind == "text":
            cited = [self._cited(one) for one in list_of(block.get("citations"))]
            return [*self._text(block.get("text")), *(one for one in cited if one is not None)]
        if kind == "thinking":
            paragraph = "\n\n" if self._has_thought else ""
            return self._thought(text_of(block.get("thinking")) or "", paragraph)
        if kind == "redacted_thinking":
            return []
        return [ExtraReported(f"{kind or 'block'}.{index}", dump_json(block))]

    def _delta(self, given: Fields) -> list[Event]:
        index = number_of(given.get("index")) or 0
        delta = fields_of(given.get("delta"))
        kind = text_of(delta.get("type")) or ""
        match kind:
            case "text_delta":
                return self._text(delta.get("text"))
            case "thinking_delta":
                return self._thought(text_of(delta.get("thinking")) or "")
            case "input_json_delta":
                return [self._call(index, None, None, text_of(delta.get("partial_json")) or "")]
            case "citations_delta":
                cited = self._cited(delta.get("citation"))
                return [cited] if cited is not None else []
            case "signature_delta":
                return []
        return [UnknownEventSeen(f"content_block_delta: {kind}")]

    def _text(self, text: object) -> list[Event]:
        said = text_of(text)
        return [TextDelta(_CHOICE, said)] if said else []

    def _thought(self, text: str, paragraph: str = "") -> list[Event]:
        """The events of thinking; each later block is a new paragraph."""
        if not text and not paragraph:
            return []
        self._has_thought = True
        return [ReasoningDelta(_CHOICE, paragraph + text)]

    def _call(self, index: int, call_id: str | None, name: object, arguments: str) -> Event:
        kind = self._calls.get(index, "function")
        return ToolCallDelta(_CHOICE, index, call_id, text_of(name), arguments, kind)

    def _cited(self, value: object) -> Event | None:
        given = fields_of(value)
        kind = text_of(given.get("type"))
        if kind is None:
            return None
        title = text_of(given.get("title")) or text_of(given.get("document_title"))
        url, file_id = text_of(given.get("url")), text_of(given.get("file_id"))
        return CitationAdded(_CHOICE, Citation(kind, title, url, file_id))

    def _message_delta(self, given: Fields) -> list[Event]:
        delta = fields_of(given.get("delta"))
        usage = self._usage_events(fields_of(given.get("usage")))
        return [*self._stopped(delta), *usage, *self._rest(delta)]

    def _stopped(self, given: Fields) -> list[Event]:
        raw = text_of(given.get("stop_reason"))
        events: list[Event] = [FinishStated(_CHOICE, raw)] if raw else []
        if sequence := text_of(given.get("stop_sequence")):
            events.append(ExtraReported("stop_sequence", dump_json(sequence)))
        return events

    def _stop(self, _given: Fields) -> list[Event]:
        self.is_complete = True
        return [StatusStated("completed")]

    def _usage_events(self, given: Fields) -> list[Event]:
        """The counts so far: the input is counted at the start, the output at the end.

        Anthropic counts cached input apart from `input_tokens`; here the input includes it.
        """
        for name, value in given.items():
            count = count_of(value)
            if name in _OF_USAGE and count is not None:
                self._usage[name] = count
        if not self._usage:
            return []
        read = self._usage.get("cache_read_input_tokens")
        written = self._usage.get("cache_creation_input_tokens")
        fresh, output = self._usage.get("input_tokens"), self._usage.get("output_tokens")
        into = None if fresh is None else fresh + (read or 0) + (written or 0)
        total = None if into is None or output is None else into + output
        events: list[Event] = [UsageReported(Usage(into, output, total, read, written))]
        others = {f"usage.{name}": v for name, v in given.items() if name not in _OF_USAGE}
        return [*events, *self._extra_events(others)]

    def _rest(self, given: Fields) -> list[Event]:
        return self._extra_events({n: v for n, v in given.items() if n not in _OF_MESSAGES})

    def _extra_events(self, given: Mapping[str, object]) -> list[Event]:
        events: list[Event] = []
        for name, value in given.items():
            if value not in (0, "", [], {}) and self._extras.get(name) != value:
                self._extras[name] = value
                events.append(ExtraReported(name, dump_json(value)))
        return events


_Handler = Callable[[MessagesTranslator, Fields], list[Event]]
_HANDLERS: dict[str, _Handler] = {
    "message_start": MessagesTranslator._start,
    "content_block_start": MessagesTranslator._block_start,
    "content_block_delta": MessagesTranslator._delta,
    "content_block_stop": lambda _translator, _given: [],
    "message_delta": MessagesTranslator._message_delta,
    "message_stop": MessagesTranslator._stop,
}


def translate_message(data: Mapping[str, Any]) -> list[Event]:
    """The events of a complete message."""
    translator = MessagesTranslator()
    events = translator.translate_data({"type": "message_start", "message": dict(data)})
    return [*events, *translator.translate_data({"type": "message_stop"})]

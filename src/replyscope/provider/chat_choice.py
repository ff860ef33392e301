"""Reads the deltas of one Chat Completions choice: reasoning, text, calls, images, sources.

Servers send the text of a choice in `delta`, `message` or `text`, and reasoning in five
fields or in the text itself. Additional fields are never dropped: they are stored, so that
they can be sent back, and reported by name.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from replyscope.domain.event import (
    CitationAdded,
    Event,
    ExtraReported,
    FieldsReported,
    ImageReported,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
)
from replyscope.domain.json_text import dump_json
from replyscope.domain.think_tags import ThinkSplitter, ThinkTags
from replyscope.provider.chat_calls import CallAssembler
from replyscope.provider.citations import SOURCE_FIELDS, read_citation
from replyscope.provider.images import read_image
from replyscope.provider.plain import Fields, fields_of, list_of, text_of, to_plain
from replyscope.provider.reply_audio import ReplyAudio

_REASONING = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "thought")
"""Used by DeepSeek, Kimi, xAI and Z.ai; OpenRouter, Groq and vLLM; Copilot; Ollama."""
_DETAILS = "reasoning_details"
_READ = {
    *("role", "content", "refusal", "tool_calls", "function_call", "audio", "images"),
    *("annotations", "usage", _DETAILS, *_REASONING, *SOURCE_FIELDS),
}
_NOT_OF_THE_MESSAGE = ("logprobs", "token_ids", "prompt_token_ids", "obfuscation", "p", "error")
"""Fields of a delta that describe its transport; never sent back."""
_NAMELESS = ("obfuscation", "p", "error")
_FIELDS = {name: (name,) for name in _REASONING}


class ChoiceReader:
    """A parser of the deltas of one choice. It keeps the state of the stream so far."""

    def __init__(self, index: int, think_tags: ThinkTags) -> None:
        self._index = index
        self._splitter = ThinkSplitter(think_tags)
        self._calls = CallAssembler(index)
        self._reasons_by: str | None = None
        self._has_delta = False
        self._seen = {"content"}
        """Names of the fields received in deltas."""
        self._length = 0
        self._messages: dict[str, str] = {}
        self._named: set[str] = set()
        self._audio = ReplyAudio()

    def read_delta(self, delta: object) -> Iterable[Event]:
        """The events of a delta. Some servers send a plain text instead of an object."""
        if isinstance(delta, str):
            delta = {"content": delta}
        given = fields_of(delta)
        if not given:
            return ()
        self._has_delta = True
        self._seen |= given.keys()
        content = given.get("content")
        if len(given) == 1 and isinstance(content, str) and self._splitter.is_answering:
            self._length += len(content)  # the common case
            return (TextDelta(self._index, content),) if content else ()
        return self._read(given)

    def read_message(self, message: object) -> Iterator[Event]:
        """The new events of a complete message, or of one that grows with each chunk."""
        given = fields_of(message)
        if self._has_delta:
            content = given.get("content")
            if isinstance(content, str) and len(content) > self._length:
                yield from self._text(content[self._length :])
            yield from self._read({n: v for n, v in given.items() if self._is_news(n)})
            return
        yield from self._read({name: self._news(name, value) for name, value in given.items()})

    def _is_news(self, name: str) -> bool:
        """Whether a field of a complete message may have content that no delta had."""
        if name in ("images", "annotations"):
            return True
        if name in _REASONING or name == _DETAILS:
            return self._reasons_by is None
        return name not in self._seen

    def read_text(self, text: object) -> Iterator[Event]:
        """The text of a legacy completion."""
        if isinstance(text, str):
            yield from self._text(text)

    def finish(self) -> Iterator[Event]:
        """The buffered text that might have been the start of a think tag."""
        for piece in self._splitter.finish():
            yield self._piece(piece.text, piece.received, is_reasoning=piece.is_reasoning)

    def end(self) -> Iterator[Event]:
        """The recording of the reply, which is complete only at the end of the stream."""
        recording = self._audio.take()
        if recording is not None:
            yield ImageReported(self._index, recording)

    def _news(self, name: str, value: object) -> object:
        """The new part of a text that the server sends cumulatively."""
        if not isinstance(value, str):
            return value
        told = self._messages.get(name, "")
        self._messages[name] = value if value.startswith(told) else told + value
        return value[len(told) :] if value.startswith(told) else value

    def _read(self, given: Fields) -> Iterator[Event]:
        content = given.get("content")
        yield from self._read_reasoning(given)
        if isinstance(content, str):
            if content:
                yield from self._text(content)
        elif "content" in given:
            yield from self._read_parts(content)
        if refusal := text_of(given.get("refusal")):
            yield RefusalDelta(self._index, refusal)
        calls = given.get("tool_calls")
        if calls:
            yield from self._calls.read(calls if isinstance(calls, list) else [calls])
        if "function_call" in given:
            yield from self._calls.read([{"function": given["function_call"]}])
        if given.keys() - _COMMON:
            yield from self._read_rest(given)
        yield from self._name_misshapen(given)

    def _text(self, text: str) -> Iterator[Event]:
        self._length += len(text)
        if self._splitter.is_answering:
            yield TextDelta(self._index, text)
            return
        for piece in self._splitter.feed(text):
            yield self._piece(piece.text, piece.received, is_reasoning=piece.is_reasoning)

    def _piece(self, text: str, received: str, *, is_reasoning: bool) -> Event:
        if is_reasoning:
            return ReasoningDelta(self._index, text, received=received)
        return TextDelta(self._index, text)

    def _read_reasoning(self, given: Fields) -> Iterator[Event]:
        """Reasoning from the first field that has text; servers may repeat it in several."""
        found = [n for n in _REASONING if isinstance(given.get(n), str) and given[n]]
        details = given.get(_DETAILS)
        if not found and not details:
            return
        if found and self._reasons_by in (None, "field"):
            self._reasons_by = "field"
            text = given[found[0]]
            same = [name for name in found if given[name] == text]
            yield ReasoningDelta(self._index, text, tuple(same) if same[1:] else _FIELDS[same[0]])
            found = [name for name in found if name not in same]
        if found:
            yield FieldsReported(self._index, dump_json({name: given[name] for name in found}))
        if details:
            yield FieldsReported(self._index, dump_json({_DETAILS: to_plain(details)}))
            text = _text_of_details(details)
            if text and self._reasons_by in (None, "details"):
                self._reasons_by = "details"
                yield ReasoningDelta(self._index, text)
            yield from self._name_hidden(details)

    def _name_hidden(self, details: object) -> Iterator[Event]:
        """Report encrypted reasoning by its type; its text cannot be shown."""
        for entry in list_of(details):
            kind = text_of(fields_of(entry).get("type"))
            if kind not in (None, "reasoning.text", "reasoning.summary"):
                yield from self._name(kind, entry)

    def _read_parts(self, content: object) -> Iterator[Event]:
        """The events of content in parts, as Mistral and the Responses API send it."""
        for part in content if isinstance(content, list) else [content]:
            given = fields_of(part)
            text = part if isinstance(part, str) else given.get("text")
            text = fields_of(text).get("value") if isinstance(text, Mapping) else text
            thought = _thought_of(given)
            image = read_image(part) if "image" in str(given.get("type")) else None
            if thought:
                yield ReasoningDelta(self._index, thought)
            elif isinstance(text, str):
                yield from self._text(text)
            elif refusal := text_of(given.get("refusal")):
                yield RefusalDelta(self._index, refusal)
            elif image is not None:
                yield ImageReported(self._index, image)
            elif part is not None and "thinking" not in given:
                yield from self._name(f"content.{given.get('type', 'part')}", part)

    def _read_rest(self, given: Fields) -> Iterator[Event]:
        audio = fields_of(given.get("audio"))
        if audio:
            yield from self._read_audio(audio)
        for entry in list_of(given.get("images")):
            image = read_image(entry)
            if image is not None:
                yield ImageReported(self._index, image)
        for annotation in list_of(given.get("annotations")):
            citation = read_citation(annotation)
            if citation is not None:
                yield CitationAdded(self._index, citation)
        others = {n: v for n, v in given.items() if n not in _READ}
        kept = {n: to_plain(v) for n, v in others.items() if n not in _NOT_OF_THE_MESSAGE}
        if kept:
            yield FieldsReported(self._index, dump_json(kept))
        for name, value in others.items():
            if name not in _NAMELESS:
                yield from self._name(name, value)

    def _read_audio(self, audio: Fields) -> Iterator[Event]:
        """The transcript of speech as text. The id is stored, since the API requires it back."""
        self._audio.add(audio.get("data"))
        transcript = audio.get("transcript")
        if isinstance(transcript, str):
            yield from self._text(transcript)
        if text_of(audio.get("id")):
            yield FieldsReported(self._index, dump_json({"audio": {"id": audio["id"]}}))
        told = {n: v for n, v in audio.items() if n not in ("transcript", "data")}
        if told or audio.get("data"):
            yield from self._name("audio", told)

    def _name_misshapen(self, given: Fields) -> Iterator[Event]:
        """Report known fields whose values have the wrong type."""
        for name, value in given.items():
            if name in _SHAPES and not isinstance(value, _SHAPES[name]):
                yield from self._name(name, value)

    def _name(self, name: str, value: Any) -> Iterator[Event]:
        if name not in self._named:
            self._named.add(name)
            yield ExtraReported(name, dump_json(to_plain(value)))


_COMMON = {"role", "content", "refusal", "tool_calls", "function_call", *_REASONING, _DETAILS}
_SHAPES: dict[str, type[Any] | tuple[type[Any], ...]] = {
    "images": list,
    "annotations": list,
    "audio": (Mapping, BaseModel),
    "refusal": str,
    "tool_calls": (list, Mapping, BaseModel),
    "function_call": (Mapping, BaseModel),
    _DETAILS: list,
    **dict.fromkeys(_REASONING, str),
}


def _text_of_details(details: object) -> str:
    """The text of `reasoning_details`, the list of OpenRouter and MiniMax."""
    texts = []
    for entry in list_of(details):
        given = fields_of(entry)
        texts.append(text_of(given.get("text")) or text_of(given.get("summary")) or "")
    return "".join(texts)


def _thought_of(part: Fields) -> str:
    """The text of a reasoning part: a string, or nested parts."""
    thinking = part.get("thinking")
    if isinstance(thinking, str):
        return thinking
    thoughts = [text_of(fields_of(thought).get("text")) for thought in list_of(thinking)]
    if part.get("type") in ("reasoning", "reasoning_text") and text_of(part.get("text")):
        thoughts.append(part["text"])
    return "".join(thought for thought in thoughts if thought)

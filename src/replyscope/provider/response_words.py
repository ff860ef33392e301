"""Parses the text, refusals and reasoning of a response, as deltas and as complete parts."""

from collections.abc import Iterator
from typing import Any

from replyscope.domain.event import Event, ExtraReported, ReasoningDelta, RefusalDelta, TextDelta
from replyscope.domain.exchange import FINAL_TEXT
from replyscope.domain.json_text import dump_json
from replyscope.domain.think_tags import ThinkSplitter, ThinkTags
from replyscope.provider.item_places import REASONING, TEXT, ItemPlace, ItemPlaces
from replyscope.provider.plain import Fields, fields_of, list_of, number_of, text_of
from replyscope.provider.streamed_text import StreamedText

_CHOICE = 0
_TEXT, _REFUSAL, _REASONING = "text", "refusal", "reasoning"


class ResponseWords:
    """A parser of the texts of one response. It keeps the text reported for each item."""

    def __init__(self, places: ItemPlaces, think_tags: ThinkTags) -> None:
        self._places = places
        self._splitter = ThinkSplitter(think_tags)
        self._told = StreamedText()

    def text_delta(self, event: Any) -> list[Event]:
        """The events of a text delta."""
        return self._delta(_TEXT, event)

    def refusal_delta(self, event: Any) -> list[Event]:
        """The events of a refusal delta."""
        return self._delta(_REFUSAL, event)

    def text_done(self, event: Any) -> list[Event]:
        """The text of a complete part that its deltas lacked."""
        whole = text_of(getattr(event, "text", None)) or text_of(getattr(event, "transcript", None))
        return self._done(_TEXT, event, whole)

    def refusal_done(self, event: Any) -> list[Event]:
        """The text of a complete refusal that its deltas lacked."""
        return self._done(_REFUSAL, event, text_of(getattr(event, "refusal", None)))

    def reasoning_delta(self, event: Any) -> list[Event]:
        """The events of a reasoning delta. Each part of a summary is a new paragraph."""
        slot = self._place(REASONING, event).slot
        return self._thought(slot, _part_of(event) or 0, text_of(getattr(event, "delta", None)))

    def reasoning_done(self, event: Any) -> list[Event]:
        """The text of a complete part of the reasoning, if it had no deltas."""
        slot, part = self._place(REASONING, event).slot, _part_of(event) or 0
        if self._told.has(_REASONING, slot, part):
            return []
        return self._thought(slot, part, text_of(getattr(event, "text", None)))

    def whole_message(self, slot: int, item: Fields) -> list[Event]:
        """The text and refusals of a complete message that its deltas lacked."""
        said: dict[str, str] = {_TEXT: "", _REFUSAL: ""}
        for part in map(fields_of, list_of(item.get("content"))):
            said[_TEXT] += text_of(part.get("text")) or text_of(part.get("transcript")) or ""
            said[_REFUSAL] += text_of(part.get("refusal")) or ""
        if isinstance(item.get("content"), str):
            said[_TEXT] = item["content"]
        return [event for what, whole in said.items() for event in self._rest(what, slot, whole)]

    def whole_reasoning(self, slot: int, item: Fields) -> list[Event]:
        """The reasoning of a complete item, if it had no deltas."""
        if self._told.has(_REASONING, slot):
            return []
        parts = [*list_of(item.get("summary")), *list_of(item.get("content"))]
        texts = [text_of(fields_of(part).get("text")) for part in parts]
        return self._thought(slot, 0, "\n\n".join(text for text in texts if text))

    def told_of(self, place: ItemPlace) -> str:
        """The text reported so far for a message."""
        return self._told.whole(_TEXT, place.slot)

    def finish(self) -> list[Event]:
        """The buffered text that might have been the start of a think tag."""
        return [_said(p.text, p.received, reasons=p.is_reasoning) for p in self._splitter.finish()]

    def _place(self, kind: str, event: Any) -> ItemPlace:
        index = getattr(event, "output_index", None)
        return self._places.delta(kind, getattr(event, "item_id", None), index)

    def _delta(self, what: str, event: Any) -> list[Event]:
        words = text_of(getattr(event, "delta", None))
        if words is None:
            return []
        slot = self._place(TEXT, event).slot
        self._told.add(what, slot, _part_of(event) or 0, words)
        return list(self._say(what, words))

    def _done(self, what: str, event: Any, whole: str | None) -> list[Event]:
        slot = self._place(TEXT, event).slot
        return self._rest(what, slot, whole or "", _part_of(event))

    def _rest(self, what: str, slot: int, whole: str, part: int | None = None) -> list[Event]:
        """The part of a complete text after its deltas; all of it when it contradicts them."""
        if not whole:
            return []
        missing = self._told.rest(what, slot, part, whole)
        if missing is None:
            return [ExtraReported(FINAL_TEXT, dump_json(whole))]
        return list(self._say(what, missing)) if missing else []

    def _say(self, what: str, words: str) -> Iterator[Event]:
        if what == _REFUSAL:
            yield RefusalDelta(_CHOICE, words)
        elif self._splitter.is_answering:
            yield TextDelta(_CHOICE, words)
        else:
            for piece in self._splitter.feed(words):
                yield _said(piece.text, piece.received, reasons=piece.is_reasoning)

    def _thought(self, slot: int, part: int, words: str | None) -> list[Event]:
        if not words:
            return []
        is_next = not self._told.has(_REASONING, slot, part) and self._told.has(_REASONING)
        self._told.add(_REASONING, slot, part, words)
        return [ReasoningDelta(_CHOICE, ("\n\n" if is_next else "") + words)]


def _said(text: str, received: str, *, reasons: bool) -> Event:
    return ReasoningDelta(_CHOICE, text, received=received) if reasons else TextDelta(_CHOICE, text)


def _part_of(event: Any) -> int | None:
    """The number of the part. Summaries are numbered separately from reasoning text."""
    summary = number_of(getattr(event, "summary_index", None))
    content = number_of(getattr(event, "content_index", None))
    return content if summary is None else summary

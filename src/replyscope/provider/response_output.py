"""Parses the output items of a response when they are added, done and listed at the end."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from replyscope.domain.event import (
    CitationAdded,
    Event,
    ImageReported,
    ItemReported,
    SectionStarted,
    ToolCallDelta,
    ToolCallReported,
)
from replyscope.domain.exchange import OutputItem
from replyscope.domain.json_text import dump_json
from replyscope.provider.citations import read_citation
from replyscope.provider.images import inline_image, read_image
from replyscope.provider.item_places import CALL, ItemPlace, ItemPlaces, kind_of
from replyscope.provider.plain import Fields, fields_of, list_of, text_of
from replyscope.provider.response_items import KINDS_TO_RUN, Item, call_key, is_call, read_call
from replyscope.provider.response_words import ResponseWords
from replyscope.provider.streamed_text import StreamedText

_CHOICE = 0
_ARGUMENTS = "arguments"


class ResponseOutput:
    """A parser of the items of one response. It keeps the state reported for each item."""

    def __init__(self, places: ItemPlaces, words: ResponseWords) -> None:
        self._places = places
        self._words = words
        self._told = StreamedText()
        self._calls: dict[str, tuple[int, Item]] = {}
        self._reported: dict[int, OutputItem] = {}
        self._finished: set[int] = set()
        self._begun: dict[int, Item] = {}

    def added(self, item: Fields, index: object) -> list[Event]:
        """The events of an `added` item."""
        place = self._places.added(item, index)
        self._begun[place.slot] = item
        return self._report(place, item, is_done=False)

    def done(self, item: Fields, index: object) -> list[Event]:
        """The events of a `done` item."""
        return self._report(self._places.done(item, index), item, is_done=True)

    def list_all(self, items: list[Fields]) -> list[Event]:
        """The events of the final output: missing items and content, and the order of items."""
        for place in self._places.all:
            if not place.signature and place.kind == "message":
                place.signature = self._words.told_of(place)
        listed = [(self._places.listed(item), item) for item in items]
        events: list[Event] = []
        for place, item in listed:
            if place.slot not in self._finished:
                events += self._report(place, item, is_done=True)
        events += self.finish()
        for number, place in enumerate(self._places.order([place for place, _ in listed])):
            known = self._reported.get(place.slot)
            if known is not None and known.index != number:
                moved = OutputItem(number, known.kind, known.payload)
                self._reported[place.slot] = moved
                events.append(ItemReported(_CHOICE, place.slot, moved))
        return events

    def finish(self) -> list[Event]:
        """The content of `added` items that no later event repeated."""
        events: list[Event] = []
        for slot, item in self._begun.items():
            if slot not in self._finished:
                events += self._late_words(slot, item)
                if is_call(item) and self._has_more(slot, item):
                    events += self._call(slot, item, is_done=True)
        self._begun.clear()
        return events

    def _has_more(self, slot: int, item: Item) -> bool:
        """Whether a call for the client had its arguments in `added`, without deltas."""
        is_to_run = text_of(item.get("type")) in KINDS_TO_RUN
        return is_to_run and not self._told.has(_ARGUMENTS, slot)

    def arguments_delta(self, event: Any) -> list[Event]:
        """The events of a delta of arguments, or of the input of a custom call."""
        words = text_of(getattr(event, "delta", None))
        if words is None:
            return []
        slot = self._place_of_call(event).slot
        self._told.add(_ARGUMENTS, slot, 0, words)
        return [ToolCallDelta(_CHOICE, slot, None, None, words)]

    def arguments_done(self, event: Any) -> list[Event]:
        """The events of complete arguments, which replace the deltas if they differ."""
        whole = text_of(getattr(event, "arguments", None)) or text_of(getattr(event, "input", None))
        slot = self._place_of_call(event).slot
        if not whole:
            return []
        missing = self._told.rest(_ARGUMENTS, slot, None, whole)
        if missing is None:
            return [ToolCallDelta(_CHOICE, slot, None, None, whole, restarts=True)]
        return [ToolCallDelta(_CHOICE, slot, None, None, missing)] if missing else []

    def _place_of_call(self, event: Any) -> ItemPlace:
        index = getattr(event, "output_index", None)
        return self._places.delta(CALL, getattr(event, "item_id", None), index)

    def _report(self, place: ItemPlace, item: Fields, *, is_done: bool) -> list[Event]:
        slot, kind = place.slot, kind_of(item) or "item"
        payload, known = dump_json(item), self._reported.get(slot)
        if known is not None and known.payload == payload and is_done == (slot in self._finished):
            return []
        if is_done:
            self._finished.add(slot)
        events: list[Event] = []
        if kind == "message" and known is None:
            events.append(SectionStarted(_CHOICE, text_of(item.get("phase"))))
        if is_done:
            events += self._late_words(slot, item)
        if is_call(item):
            events += self._call(slot, item, is_done=is_done)
        elif kind.endswith("_output"):
            events += self._output(item)
        index = slot if known is None else known.index
        self._reported[slot] = OutputItem(index, kind, payload)
        return [*events, ItemReported(_CHOICE, slot, self._reported[slot])]

    def _call(self, slot: int, item: Item, *, is_done: bool) -> list[Event]:
        kind = text_of(item.get("type")) or ""
        call = read_call(item, is_done=is_done)
        self._calls[call_key(item)] = (slot, item)
        if not is_done and kind in KINDS_TO_RUN:
            # Arguments follow as deltas or in the finished item; using both would double them.
            return [ToolCallDelta(_CHOICE, slot, call.id, call.name, "", call.kind)]
        if kind in KINDS_TO_RUN and call.arguments.strip() in ("", "{}"):
            # LM Studio ends a call with an empty object, whatever its arguments were.
            told = self._told.whole(_ARGUMENTS, slot)
            call = replace(call, arguments=told or call.arguments)
        events: list[Event] = [ToolCallReported(_CHOICE, slot, call)]
        data = text_of(item.get("result")) if kind == "image_generation_call" else None
        if data is not None:
            events.append(ImageReported(_CHOICE, inline_image(data)))
        return [*events, *_drawn(item)] if kind == "code_interpreter_call" else events

    def _output(self, item: Item) -> list[Event]:
        """The result of a call that the server ran within the same response."""
        known = self._calls.get(call_key(item))
        if known is None:
            return []
        slot, call = known
        return [ToolCallReported(_CHOICE, slot, read_call(call, is_done=True, output=item))]

    def _late_words(self, slot: int, item: Fields) -> list[Event]:
        """Text, refusal, reasoning and citations that were missing from the deltas."""
        if kind_of(item) == "reasoning":
            return self._words.whole_reasoning(slot, item)
        if kind_of(item) != "message":
            return []
        events = self._words.whole_message(slot, item)
        for part in map(fields_of, list_of(item.get("content"))):
            found = (read_citation(one) for one in list_of(part.get("annotations")))
            events += [CitationAdded(_CHOICE, one) for one in found if one is not None]
        return events


def _drawn(item: Item) -> Iterator[Event]:
    """The images among the outputs of the code interpreter."""
    for output in list_of(item.get("outputs")):
        image = read_image(output) if kind_of(fields_of(output)) == "image" else None
        if image is not None:
            yield ImageReported(_CHOICE, image)

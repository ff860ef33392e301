"""Assigns the events of a response to its output items. Pure.

An item is identified by its id, a call by its call_id; `output_index` is a hint. Any of these
may be wrong, so every item also gets a slot number, in order of appearance.

| event                               | belongs to                                  | sent by      |
|-------------------------------------|---------------------------------------------|--------------|
| a known id or call_id               | that item                                   | OpenAI       |
| `added` with an unknown one         | a new item                                  | any server   |
| … no id at all, and a known index   | the open item of its kind there             | gateways     |
| a delta with an unknown id          | the last open item of its kind at its index | Copilot      |
| … where ids are known to be stable  | a new item                                  | index 0      |
| … no index, or no open item has it  | the open item of its kind without deltas,   | llama.cpp    |
|                                     | else the last one that had `added`          |              |
| … no id either                      | the last open item of its kind              | llama.cpp    |
| `done` with an unknown id           | the open item of its kind at its index      | Copilot      |
| … no index                          | the first open item of its kind             | llama.cpp    |
| an item of the final output         | the item with the same content, else the    | OpenAI, LM   |
|                                     | next unlisted one of its kind               | Studio       |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from replyscope.provider.plain import Fields, fields_of, list_of, number_of, text_of

TEXT, CALL, REASONING = "message", "call", "reasoning"
"""Kinds of items with deltas."""


@dataclass(slots=True)
class ItemPlace:
    """The slot of one item, with its identifiers and state."""

    slot: int
    kind: str | None
    index: int | None = None
    ids: set[str] = field(default_factory=set)
    call_id: str | None = None
    signature: str = ""
    is_finished: bool = False
    was_added: bool = False
    has_deltas: bool = False
    is_listed: bool = False
    """Whether the final output includes it."""


class ItemPlaces:
    """An index of the items of one response."""

    def __init__(self) -> None:
        self._places: list[ItemPlace] = []
        self._ids_stay = False
        """Whether any delta repeated the id of an earlier delta."""

    @property
    def all(self) -> Sequence[ItemPlace]:
        """All places so far, in the order of their slots."""
        return self._places

    def added(self, item: Fields, index: object) -> ItemPlace:
        """The place of an item in an `added` event."""
        kind, number = kind_of(item), number_of(index)
        known = self._known(item, kind)
        if known is not None and not _may_be(known, item):
            known = None
        if known is None and not _ids_of(item):
            same = (p for p in self._open(kind) if number is not None and p.index == number)
            known = next((p for p in same if not item.get("call_id") and not p.has_deltas), None)
        place = known or self._new(kind, number)
        place.was_added = True
        return self._learn(place, item, number)

    def delta(self, kind: str, item_id: object, index: object) -> ItemPlace:
        """The place of the item that a delta belongs to."""
        number, known_by = number_of(index), text_of(item_id)
        place = self._by_id(known_by) or self._open_for(kind, known_by, number)
        place = place or self._new(kind, number)
        place.has_deltas = True
        if known_by is not None:
            place.ids.add(known_by)
        return place

    def _by_id(self, item_id: str | None) -> ItemPlace | None:
        for place in self._places:
            if item_id is not None and (item_id in place.ids or item_id == place.call_id):
                self._ids_stay |= place.has_deltas
                return place
        return None

    def _open_for(self, kind: str, item_id: str | None, number: int | None) -> ItemPlace | None:
        """The open item that a delta with an unknown id continues."""
        open_ones = list(self._open(kind))
        there = [place for place in open_ones if number is not None and place.index == number]
        if item_id is not None and self._ids_stay:
            there = [place for place in there if not place.has_deltas]
        if there:
            return there[-1]
        left = [place for place in open_ones if number is None or place.index is None]
        if item_id is not None:
            silent = [place for place in left if not place.has_deltas]
            left = silent[:1] or [place for place in left if place.was_added]
        return left[-1] if left else None

    def done(self, item: Fields, index: object) -> ItemPlace:
        """The place of an item in a `done` event."""
        kind, number = kind_of(item), number_of(index)
        place = self._known(item, kind)
        if place is None:
            fitting = [place for place in self._open(kind) if _may_be(place, item)]
            there = [p for p in fitting if number is not None and p.index == number]
            if not there:
                is_nameless = not _ids_of(item)
                there = [p for p in fitting if number is None or (is_nameless and p.index is None)]
            place = there[0] if there else self._new(kind, number)
        place.is_finished = True
        return self._learn(place, item, number)

    def listed(self, item: Fields) -> ItemPlace:
        """The place of an item of the final output. Call it in the order of that list."""
        kind = kind_of(item)
        place = self._known(item, kind)
        if place is None or place.is_listed:
            left = [p for p in self._places if not p.is_listed and _is_of_kind(p, kind)]
            fitting = [p for p in left if _may_be(p, item)]
            says = signature_of(item)
            same = [p for p in fitting if p.signature == says]
            alike = [p for p in fitting if _may_say(p.signature, says)]
            place = next(iter(same or alike), None) or self._new(kind, None)
        place.is_listed = place.is_finished = True
        return self._learn(place, item, None)

    def order(self, listed: list[ItemPlace]) -> list[ItemPlace]:
        """All places in the order of the final output.

        An item that it omits keeps its position after its predecessor.
        """
        before: dict[int | None, list[ItemPlace]] = {}
        last: int | None = None
        for place in self._places:
            if place.is_listed:
                last = place.slot
            else:
                before.setdefault(last, []).append(place)
        ordered = [*before.get(None, [])]
        for place in listed:
            ordered += [place, *before.get(place.slot, [])]
        return ordered

    def _known(self, item: Fields, kind: str | None) -> ItemPlace | None:
        """Find an item by call_id, then by id, since tool search changes the call_id."""
        call_id, ids = text_of(item.get("call_id")), _ids_of(item)
        for place in self._places:
            is_named = place.call_id == call_id or call_id in place.ids
            if call_id and is_named and _is_of_kind(place, kind):
                return place
        for place in self._places:
            if ids & place.ids and _is_of_kind(place, kind):
                return place
        return None

    def _open(self, kind: str | None) -> Iterator[ItemPlace]:
        return (p for p in self._places if not p.is_finished and _is_of_kind(p, kind))

    def _new(self, kind: str | None, number: int | None) -> ItemPlace:
        place = ItemPlace(len(self._places), kind, number)
        self._places.append(place)
        return place

    def _learn(self, place: ItemPlace, item: Fields, number: int | None) -> ItemPlace:
        place.kind = kind_of(item) or place.kind
        place.index = number if place.index is None else place.index
        place.ids |= _ids_of(item)
        place.call_id = text_of(item.get("call_id")) or place.call_id
        place.signature = signature_of(item) or place.signature
        return place


def kind_of(item: Fields) -> str | None:
    """The type of an item."""
    return text_of(item.get("type"))


def _is_of_kind(place: ItemPlace, kind: str | None) -> bool:
    if place.kind is None or kind is None or place.kind == kind:
        return True
    calls = [name == CALL or name.endswith("_call") for name in (place.kind, kind)]
    return all(calls) and CALL in (place.kind, kind)


def _may_be(place: ItemPlace, item: Fields) -> bool:
    """Whether an item can be the one at a place: different call_ids are different calls."""
    call_id = text_of(item.get("call_id"))
    return call_id is None or place.call_id in (None, call_id)


def _may_say(known: str, says: str) -> bool:
    return not known or not says or known.startswith(says) or says.startswith(known)


def _ids_of(item: Fields) -> set[str]:
    item_id = text_of(item.get("id"))
    return {item_id} if item_id else set()


def signature_of(item: Fields) -> str:
    """The content of an item as a text for comparison; empty when it has no content yet."""
    parts = [*list_of(item.get("content")), *list_of(item.get("summary"))]
    words = [text_of(fields_of(p).get(n)) for p in parts for n in ("text", "refusal")]
    own = [text_of(item.get(n)) for n in ("name", "arguments", "input", "encrypted_content")]
    return "\x1f".join(word for word in [*words, *own] if word)

"""Assembles the tool calls of one Chat Completions choice from its deltas. Pure.

A call is known by its id, index, name and order together, and servers get each of them
wrong. What is sure: the arguments of a call are one JSON object, so nothing follows once
that is whole, and servers write one call after the other.

| a delta                                 | belongs to           | seen at                      |
|-----------------------------------------|----------------------|------------------------------|
| has a known id                          | the call of that id  | OpenAI, vLLM                 |
| repeats that id with another call       | a new call           | gateways with the name as id |
| has the index of a call, no name or id  | that call            | OpenAI, and all like it      |
| … a new id, no name                     | that call            | gateways: an id per piece    |
| … a new id and a name                   | a new call           | Ollama, Gemini: index 0      |
| … a name, while its arguments are open  | that call: more name | name in pieces               |
| … a name, and its arguments are whole   | a new call           | index 0, no ids              |
| has an unseen index, no name or id      | the last open call   | pieces under another index   |
| has no index                            | as the last call's   | Mistral, LM Studio           |
| several in one list have no index       | by their positions   | Gemini                       |
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from replyscope.domain.event import ToolCallDelta
from replyscope.domain.growing import GrowingText
from replyscope.domain.json_text import dump_json, read_json
from replyscope.provider.object_scan import ObjectScan
from replyscope.provider.plain import Fields, as_text, fields_of, number_of, text_of, to_plain

_OURS = ("index", "id", "type", "function", "custom")
_FUNCTION = ("name", "arguments", "input")


@dataclass(slots=True)
class _Call:
    """What is known of one call."""

    slot: int
    kind: str
    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: GrowingText = field(default_factory=GrowingText)
    scan: ObjectScan = field(default_factory=ObjectScan)
    adds: bool = False
    """Whether its pieces are known to add to each other, not to repeat what came."""
    doubted: str = ""
    """Arguments that a piece seemed to repeat; put back when the next piece does not."""
    is_named_again: bool = False
    """Whether its name came once more, without an id: more arguments are another call's."""

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are closed: then nothing more belongs to them."""
        return self.scan.is_closed

    @property
    def is_empty(self) -> bool:
        return not len(self.arguments)

    @property
    def is_begun(self) -> bool:
        return not self.is_empty and not self.is_whole


@dataclass(frozen=True, slots=True)
class _Delta:
    """One entry of `tool_calls`, as far as it can be read."""

    index: int | None
    id: str | None
    name: str | None
    arguments: str
    kind: str
    fields: str

    @property
    def says_more(self) -> bool:
        return bool(self.arguments.strip())


class CallAssembler:
    """The calls of one choice; slots number them in the order in which they began."""

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._calls: list[_Call] = []

    def read(self, entries: Sequence[object]) -> list[ToolCallDelta]:
        """What the entries of one delta's `tool_calls` add, each to its call."""
        are_several = len(entries) > 1
        deltas = [_read(e, n if are_several else None) for n, e in enumerate(entries)]
        return [self._take(delta) for delta in deltas if delta is not None]

    def _take(self, delta: _Delta) -> ToolCallDelta:
        call = self._find(delta)
        name = delta.name
        if call is None:
            last = self._calls[-1] if self._calls else None
            if last is not None and last.is_named_again:
                name, last.is_named_again = name or last.name, False
            call = _Call(len(self._calls), delta.kind, delta.index)
            self._calls.append(call)
        is_named = _add_name(call, name)
        is_identified = call.id is None and delta.id is not None
        if is_identified:
            call.id = delta.id
        arguments, restarts = _add_arguments(call, delta.arguments)
        return ToolCallDelta(
            self._choice,
            call.slot,
            call.id if is_identified else None,
            call.name if is_named else None,
            arguments,
            call.kind,
            restarts,
            delta.fields,
        )

    def _find(self, delta: _Delta) -> _Call | None:
        """The call that a delta belongs to; None when it begins one."""
        if not self._calls:
            return None
        for call in reversed(self._calls):
            if delta.id is not None and call.id == delta.id:
                return None if _repeats_id(call, delta) else call
        if delta.index is None:
            return self._go_on(self._calls[-1], delta)
        for call in reversed(self._calls):
            if call.index == delta.index:
                return self._go_on(call, delta)
        return self._under_another_index(delta)

    def _go_on(self, call: _Call, delta: _Delta) -> _Call | None:
        """The call at the delta's place, if the delta can be more of it."""
        has_new_id = delta.id is not None and call.id is not None
        if delta.name is None:
            if call.is_named_again and call.is_whole and delta.says_more:
                return None
            if call.is_whole and delta.says_more and not _goes_with(call, delta):
                return None if has_new_id else self._last_begun() or call
            return call
        if call.name is None or call.is_begun:
            return call
        if call.is_whole:
            repeats = not delta.says_more or delta.arguments == str(call.arguments)
            is_known = call.id is not None and _goes_with(call, delta)
            is_same = delta.name == call.name and (repeats or is_known) and not has_new_id
            call.is_named_again = is_same and call.id is None and not delta.says_more
            return call if is_same else None
        if has_new_id:
            return call if delta.name == call.name and delta.says_more else None
        return call

    def _under_another_index(self, delta: _Delta) -> _Call | None:
        begun = self._last_begun()
        if delta.name is not None:
            return begun if delta.id is None else None
        last = self._calls[-1]
        is_more = last.is_empty or not delta.says_more
        is_more |= delta.id is None and _goes_with(last, delta)
        return begun or (last if is_more else None)

    def _last_begun(self) -> _Call | None:
        return next((call for call in reversed(self._calls) if call.is_begun), None)


def _read(entry: object, position: int | None) -> _Delta | None:
    given = fields_of(entry)
    if not given:
        return None
    is_custom = "custom" in given
    function = fields_of(given.get("custom") if is_custom else given.get("function"))
    index = number_of(given.get("index"))
    arguments = as_text(function.get("input") if is_custom else function.get("arguments"))
    return _Delta(
        index=position if index is None else index,
        id=text_of(given.get("id")),
        name=text_of(function.get("name")),
        arguments=arguments,
        kind="custom" if is_custom else "function",
        fields=_other_fields(given, function),
    )


def _other_fields(given: Fields, function: Fields) -> str:
    """The fields that only the server reads, in their places."""
    other = {name: to_plain(value) for name, value in given.items() if name not in _OURS}
    inner = {name: to_plain(v) for name, v in function.items() if name not in _FUNCTION}
    if inner:
        other["function"] = inner
    return dump_json(other) if other else ""


def _repeats_id(call: _Call, delta: _Delta) -> bool:
    """Whether a delta with a call's id is another call all the same."""
    is_elsewhere = delta.index is not None and delta.index != call.index
    if delta.name is None or call.name is None or call.is_begun:
        return False
    if delta.name != call.name:
        return call.is_whole or is_elsewhere
    is_more = delta.says_more and (is_elsewhere or not _goes_with(call, delta))
    return call.is_whole and is_more and delta.arguments != str(call.arguments)


def _goes_with(call: _Call, delta: _Delta) -> bool:
    """Whether arguments belong to a call that has some: the same again, or those that an
    empty object stood for.
    """
    so_far = str(call.arguments).strip()
    return so_far in ("{}", delta.arguments.strip())


def _add_name(call: _Call, name: str | None) -> bool:
    """Names come whole, repeated, growing or in pieces; whether it changed."""
    if name is None or name == call.name:
        return False
    known = call.name or ""
    call.name = name if name.startswith(known) else known + name
    return True


def _add_arguments(call: _Call, piece: str) -> tuple[str, bool]:
    """What a piece adds to the arguments, and whether they begin anew with it.

    Some servers begin with an empty object, repeat the whole at the end, or send all of
    it so far each time.
    """
    so_far = str(call.arguments) if _may_repeat(call, piece) else ""
    restarts = False
    if call.doubted and not piece.startswith(so_far):
        piece, restarts = call.doubted + so_far + piece, True
        call.doubted, call.adds = "", True
    elif so_far and call.is_whole and piece.lstrip().startswith("{"):
        if piece.strip() == so_far.strip():
            return "", False
        restarts = so_far.strip() == "{}"
    elif so_far and piece.startswith(so_far) and call.is_begun:
        is_json = _may_begin_json(so_far + piece)
        restarts = not is_json or not call.adds
        call.doubted = so_far if restarts and is_json else ""
    elif call.is_begun and piece:
        call.adds = True
    if restarts:
        call.arguments, call.scan = GrowingText(), ObjectScan()
    call.arguments.append(piece)
    call.scan.feed(piece)
    return piece, restarts


def _may_repeat(call: _Call, piece: str) -> bool:
    """Whether it is worth a look at the arguments so far."""
    if not piece.strip():
        return False
    if call.is_whole and piece.lstrip().startswith("{"):
        return True
    return bool(call.doubted) or len(call.arguments) <= len(piece) + 2


def _may_begin_json(text: str) -> bool:
    """Whether JSON may begin so: a reader finds no fault before its end."""
    try:
        read_json(text)
    except ValueError as error:
        at = getattr(error, "pos", len(text))
        return at >= len(text) or str(error).startswith("Unterminated string")
    return True

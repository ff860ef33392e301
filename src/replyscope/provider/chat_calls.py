"""Assembles the tool calls of one Chat Completions choice from its deltas. Pure.

A call is identified by its id, index, name and order together, because any single one may be
wrong. Two facts are reliable: the arguments of a call are one JSON object, so the call is
complete once that object is closed, and servers send one call after the other.

| a delta                                 | belongs to           | sent by                      |
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
    """A call as assembled so far."""

    slot: int
    kind: str
    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: GrowingText = field(default_factory=GrowingText)
    scan: ObjectScan = field(default_factory=ObjectScan)
    adds: bool = False
    """Whether its deltas append to each other, instead of repeating the arguments so far."""
    doubted: str = ""
    """Arguments that a delta seemed to repeat; restored when the next delta does not."""
    is_named_again: bool = False
    """Whether its name was repeated without an id: further arguments belong to another call."""

    @property
    def is_whole(self) -> bool:
        """Whether the JSON object of the arguments is closed."""
        return self.scan.is_closed

    @property
    def is_empty(self) -> bool:
        return not len(self.arguments)

    @property
    def is_begun(self) -> bool:
        return not self.is_empty and not self.is_whole


@dataclass(frozen=True, slots=True)
class _Delta:
    """An entry of `tool_calls`; fields with invalid values are None or empty."""

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
    """An assembler of the tool calls of one choice. Slots number the calls in order of start."""

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._calls: list[_Call] = []

    def read(self, entries: Sequence[object]) -> list[ToolCallDelta]:
        """Append the entries of a delta's `tool_calls` to their calls; return the changes."""
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
        """The call that a delta belongs to; None when it starts a new one."""
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
        """The candidate call, if the delta can continue it; None when it starts a new one."""
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
    """The server's additional fields as JSON, nested as received."""
    other = {name: to_plain(value) for name, value in given.items() if name not in _OURS}
    inner = {name: to_plain(v) for name, v in function.items() if name not in _FUNCTION}
    if inner:
        other["function"] = inner
    return dump_json(other) if other else ""


def _repeats_id(call: _Call, delta: _Delta) -> bool:
    """Whether a delta with the id of a known call starts a new call."""
    is_elsewhere = delta.index is not None and delta.index != call.index
    if delta.name is None or call.name is None or call.is_begun:
        return False
    if delta.name != call.name:
        return call.is_whole or is_elsewhere
    is_more = delta.says_more and (is_elsewhere or not _goes_with(call, delta))
    return call.is_whole and is_more and delta.arguments != str(call.arguments)


def _goes_with(call: _Call, delta: _Delta) -> bool:
    """Whether arguments belong to a call that already has some: they repeat them, or replace
    an empty object.
    """
    so_far = str(call.arguments).strip()
    return so_far in ("{}", delta.arguments.strip())


def _add_name(call: _Call, name: str | None) -> bool:
    """Set or extend the name, which servers send whole, repeated or in pieces.

    Returns whether it changed.
    """
    if name is None or name == call.name:
        return False
    known = call.name or ""
    call.name = name if name.startswith(known) else known + name
    return True


def _add_arguments(call: _Call, piece: str) -> tuple[str, bool]:
    """Append a delta to the arguments.

    Returns the text to append, and whether it replaces the arguments so far: some servers
    start with an empty object, repeat all arguments at the end, or send the cumulative text.
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
    """Whether a delta may repeat the arguments; a cheap check before they are compared."""
    if not piece.strip():
        return False
    if call.is_whole and piece.lstrip().startswith("{"):
        return True
    return bool(call.doubted) or len(call.arguments) <= len(piece) + 2


def _may_begin_json(text: str) -> bool:
    """Whether a text is the start of a JSON value: the parser finds no error before its end."""
    try:
        read_json(text)
    except ValueError as error:
        at = getattr(error, "pos", len(text))
        return at >= len(text) or str(error).startswith("Unterminated string")
    return True

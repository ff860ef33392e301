"""Folds the events of one choice: its texts, tool calls, citations, images and items."""

import json
from collections.abc import Sequence
from dataclasses import replace

from replyscope.domain.event import (
    CitationAdded,
    FieldsReported,
    ImageReported,
    ItemReported,
    ReasoningDelta,
    SectionStarted,
    ToolCallDelta,
    ToolCallReported,
)
from replyscope.domain.exchange import (
    APPROVAL,
    Choice,
    Citation,
    OutputItem,
    ReplyImage,
    Run,
    RunKind,
    Section,
    ToolCall,
)
from replyscope.domain.finish import FinishReason, Outcome
from replyscope.domain.growing import GrowingText
from replyscope.domain.json_text import object_in
from replyscope.domain.merging import merge_pieces
from replyscope.domain.sound_numbers import sound_call
from replyscope.domain.tool import ToolCallState

ChoiceEvent = (
    CitationAdded
    | FieldsReported
    | ImageReported
    | SectionStarted
    | ItemReported
    | ToolCallReported
)

_MOST_RUNS = 1000
"""The runs that are recorded: later content extends the last run of its kind."""
_USUAL = tuple(RunKind)


class CallFold:
    """One tool call while it streams."""

    __slots__ = ("arguments", "fields", "id", "kind", "name", "reported")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.id: str | None = None
        self.name: str | None = None
        self.arguments = GrowingText()
        self.fields: list[str] = []
        self.reported: ToolCall | None = None

    def add(self, delta: ToolCallDelta) -> None:
        """Append the arguments of a delta; its id and name replace the known ones."""
        self.id = delta.call_id or self.id
        self.name = delta.name or self.name
        if delta.restarts:
            self.arguments = GrowingText()
        self.arguments.append(delta.arguments)
        if delta.fields:
            self.fields.append(delta.fields)

    def snapshot(self, spare_id: str, *, is_open: bool) -> ToolCall:
        """The call so far."""
        if self.reported is not None:
            return self.reported
        return ToolCall(
            id=self.id or spare_id,
            kind=self.kind,
            name=self.name or "",
            arguments=str(self.arguments),
            state=ToolCallState.ASSEMBLING if is_open else ToolCallState.REQUESTED,
            fields=_merged(self.fields),
        )


class ChoiceFold:
    """Accumulates one choice."""

    __slots__ = (
        "calls",
        "citations",
        "fields",
        "finish_native",
        "finish_raw",
        "images",
        "index",
        "items",
        "reasoning",
        "reasoning_fields",
        "refusal",
        "runs",
        "sections",
        "text",
        "thinking",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.text = GrowingText()
        self.thinking = GrowingText()
        self.reasoning = GrowingText()
        self.refusal = GrowingText()
        self.finish_raw: str | None = None
        self.finish_native: str | None = None
        self.calls: dict[int, CallFold] = {}
        self.citations: list[Citation] = []
        self.images: list[ReplyImage] = []
        self.sections: list[Section] = []
        self.runs: list[Run] = []
        self.items: dict[int, OutputItem] = {}
        self.reasoning_fields: dict[str, None] = {}
        self.fields: list[str] = []

    def say(self, text: str) -> None:
        """Append text."""
        self._run(RunKind.TEXT, len(self.text), text)
        self.text.append(text)

    def refuse(self, text: str) -> None:
        """Append a refusal."""
        self._run(RunKind.REFUSAL, len(self.refusal), text)
        self.refusal.append(text)

    def reason(self, delta: ReasoningDelta) -> None:
        """Append reasoning, and record the fields or tags that contained it."""
        self._run(RunKind.REASONING, len(self.reasoning), delta.text)
        self.reasoning.append(delta.text)
        self.thinking.append(delta.received)
        for name in delta.fields:
            self.reasoning_fields[name] = None

    def _run(self, kind: RunKind, start: int, text: str) -> None:
        """Record a new run, unless a text continues the last one."""
        continues = not text or (self.runs and self.runs[-1].kind is kind)
        if not continues and len(self.runs) < _MOST_RUNS:
            self.runs.append(Run(kind, start))

    def _call(self, slot: int, kind: str) -> CallFold:
        call = self.calls.get(slot)
        if call is None:
            if len(self.runs) < _MOST_RUNS:
                self.runs.append(Run(RunKind.CALL, len(self.calls)))
            call = self.calls[slot] = CallFold(kind)
        return call

    def add(self, event: ChoiceEvent) -> None:
        """Fold an event other than a text or call delta."""
        match event:
            case CitationAdded(citation=citation):
                if citation not in self.citations:
                    self.citations.append(citation)
            case FieldsReported(fields=fields):
                self.fields.append(fields)
            case ImageReported(image=image):
                if image not in self.images:
                    self.images.append(image)
            case SectionStarted(phase=phase):
                self.sections.append(Section(len(self.text), phase))
            case ItemReported(slot=slot, item=item):
                self.items[slot] = item
            case ToolCallReported(slot=slot, call=call):
                self._call(slot, call.kind).reported = sound_call(call)

    def add_call(self, delta: ToolCallDelta) -> None:
        """Fold a delta of a tool call."""
        self._call(delta.slot, delta.kind).add(delta)

    def outcome(self) -> Outcome:
        """The facts that decide the finish reason, together with the server's value."""
        calls = self._calls(is_open=False)
        waiting = [call for call in calls if call.state is ToolCallState.REQUESTED]
        return Outcome(
            has_open_calls=any(call.kind != APPROVAL for call in waiting),
            needs_approval=any(call.kind == APPROVAL for call in waiting),
            has_refusal=len(self.refusal) > 0,
        )

    def snapshot(self, finish: FinishReason | None, raw: str | None) -> Choice:
        """The choice so far; `finish` is None while it streams."""
        order = sorted(self.items.items(), key=lambda entry: (entry[1].index, entry[0]))
        return Choice(
            index=self.index,
            text=str(self.text),
            reasoning=str(self.reasoning) or None,
            refusal=str(self.refusal) or None,
            finish_reason=finish,
            finish_reason_raw=raw,
            tool_calls=self._calls(is_open=finish is None and self.finish_raw is None),
            citations=tuple(self.citations),
            sections=tuple(self.sections) if self._has_telling_sections() else (),
            items=tuple(item for _, item in order),
            order=tuple(self.runs) if self.items or self._is_unusual() else (),
            images=tuple(self.images),
            thinking=str(self.thinking),
            reasoning_fields=tuple(self.reasoning_fields),
            fields=_merged(self.fields) if finish is not None else "",
        )

    def _is_unusual(self) -> bool:
        """Whether the runs are not in the order of `RunKind`."""
        places = [_USUAL.index(run.kind) for run in self.runs]
        return places != sorted(places)

    def _has_telling_sections(self) -> bool:
        return len(self.sections) > 1 or any(section.phase for section in self.sections)

    def _calls(self, *, is_open: bool) -> tuple[ToolCall, ...]:
        last = len(self.calls) - 1
        calls = [
            call.snapshot(f"call_{self.index}_{number}", is_open=is_open and number == last)
            for number, call in enumerate(self.calls.values())
        ]
        return _told_apart(calls)


def _told_apart(calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """The calls with unique ids: a result refers to its call by id."""
    apart: dict[str, ToolCall] = {}
    for call in calls:
        call_id, count = call.id, 1
        while call_id in apart:
            count += 1
            call_id = f"{call.id}_{count}"
        apart[call_id] = call if call_id == call.id else replace(call, id=call_id)
    return tuple(apart.values())


def _merged(pieces: Sequence[str]) -> str:
    """Several JSON objects merged, without values of other types or with too deep nesting."""
    if len(pieces) < 2:
        return "".join(pieces)
    read = [given for piece in pieces if (given := object_in(piece))]
    return json.dumps(merge_pieces(read), ensure_ascii=False) if read else ""

"""Folds what belongs to one choice: its texts, tool calls, citations and items."""

from replyscope.domain.event import (
    CitationAdded,
    ItemReported,
    SectionStarted,
    ToolCallDelta,
    ToolCallReported,
)
from replyscope.domain.exchange import APPROVAL, Choice, Citation, OutputItem, Section, ToolCall
from replyscope.domain.finish import FinishReason, Outcome
from replyscope.domain.growing import GrowingText
from replyscope.domain.json_text import read_json
from replyscope.domain.tool import ToolCallState


class CallFold:
    """One tool call while it assembles."""

    __slots__ = ("arguments", "id", "index", "kind", "name", "reported")

    def __init__(self, index: int | None, kind: str) -> None:
        self.index = index
        self.kind = kind
        self.id: str | None = None
        self.name: str | None = None
        self.arguments = GrowingText()
        self.reported: ToolCall | None = None

    def add(self, delta: ToolCallDelta) -> None:
        """Names and ids are set once; arguments are appended."""
        if delta.call_id and self.id is None:
            self.id = delta.call_id
        if delta.name and self.name is None:
            self.name = delta.name
        if delta.arguments:
            self.arguments.append(delta.arguments)

    def is_other(self, delta: ToolCallDelta) -> bool:
        """Whether a delta names another function."""
        return bool(delta.name and self.name and delta.name != self.name)

    def is_next(self, delta: ToolCallDelta) -> bool:
        """Whether a delta without an id of its own begins another call."""
        if not delta.name or not self.name or self.is_other(delta):
            return self.is_other(delta)
        return not delta.call_id and _is_whole(str(self.arguments))

    def snapshot(self, spare_id: str, *, is_open: bool) -> ToolCall:
        """The call as it stands."""
        if self.reported is not None:
            return self.reported
        return ToolCall(
            id=self.id or spare_id,
            kind=self.kind,
            name=self.name or "",
            arguments=str(self.arguments),
            state=ToolCallState.ASSEMBLING if is_open else ToolCallState.REQUESTED,
        )


def _is_whole(arguments: str) -> bool:
    if not arguments.rstrip().endswith("}"):
        return False
    try:
        read_json(arguments)
    except ValueError:
        return False
    return True


class ChoiceFold:
    """Accumulates one choice."""

    __slots__ = (
        "calls",
        "citations",
        "finish_raw",
        "index",
        "items",
        "reasoning",
        "refusal",
        "sections",
        "text",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.text = GrowingText()
        self.reasoning = GrowingText()
        self.refusal = GrowingText()
        self.finish_raw: str | None = None
        self.calls: list[CallFold] = []
        self.citations: list[Citation] = []
        self.sections: list[Section] = []
        self.items: dict[int, OutputItem] = {}

    def add(self, event: CitationAdded | SectionStarted | ItemReported | ToolCallReported) -> None:
        """Fold what comes once in a while."""
        match event:
            case CitationAdded(citation=citation):
                if citation not in self.citations:
                    self.citations.append(citation)
            case SectionStarted(phase=phase):
                self.sections.append(Section(len(self.text), phase))
            case ItemReported(item=item):
                self.items[item.index] = item
            case ToolCallReported():
                self._report(event)

    def call_for(self, delta: ToolCallDelta) -> CallFold:
        """The call that a delta belongs to.

        Servers number slots from 0, from 1, always 0, or not at all, and some repeat
        an id or a name with every delta: another id or another name opens a new slot,
        and so does the same name once the arguments so far are whole.
        """
        for call in reversed(self.calls):
            same_slot = delta.index is None or call.index == delta.index
            if delta.call_id and call.id is not None:
                is_same = same_slot and call.id == delta.call_id and not call.is_other(delta)
            else:
                is_same = same_slot and not call.is_next(delta)
            if is_same:
                return call
        call = CallFold(delta.index, delta.kind)
        self.calls.append(call)
        return call

    def _report(self, event: ToolCallReported) -> None:
        for call in self.calls:
            if call.index == event.index:
                break
        else:
            call = CallFold(event.index, event.call.kind)
            self.calls.append(call)
        call.id = event.call.id
        call.reported = event.call

    def outcome(self) -> Outcome:
        """What decides the finish reason beside the server's word."""
        calls = self._calls(is_open=False)
        waiting = [call for call in calls if call.state is ToolCallState.REQUESTED]
        return Outcome(
            has_open_calls=any(call.kind != APPROVAL for call in waiting),
            needs_approval=any(call.kind == APPROVAL for call in waiting),
            has_refusal=len(self.refusal) > 0,
        )

    def snapshot(self, finish: FinishReason | None, raw: str | None) -> Choice:
        """The choice as it stands; `finish` is None while it streams."""
        return Choice(
            index=self.index,
            text=str(self.text),
            reasoning=str(self.reasoning) or None,
            refusal=str(self.refusal) or None,
            finish_reason=finish,
            finish_reason_raw=raw,
            tool_calls=tuple(self._calls(is_open=finish is None and self.finish_raw is None)),
            citations=tuple(self.citations),
            sections=tuple(self.sections) if self._has_telling_sections() else (),
            items=tuple(self.items[index] for index in sorted(self.items)),
        )

    def _has_telling_sections(self) -> bool:
        return len(self.sections) > 1 or any(section.phase for section in self.sections)

    def _calls(self, *, is_open: bool) -> list[ToolCall]:
        last = len(self.calls) - 1
        return [
            call.snapshot(f"call_{self.index}_{number}", is_open=is_open and number == last)
            for number, call in enumerate(self.calls)
        ]

"""The one reducer: folds the events of an exchange into the exchange.

Live replies, recovery after a crash and replay all go through it, so they can't
differ. Each event costs O(1); `snapshot` costs what came since the last one plus
the size of the result.
"""

from dataclasses import replace
from typing import assert_never

from replyscope.domain.event import (
    Event,
    ExtraReported,
    FinishStated,
    Identified,
    ReasoningDelta,
    RefusalDelta,
    RequestAdapted,
    RequestSent,
    ResponseOpened,
    StreamEnded,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireFrame,
)
from replyscope.domain.exchange import (
    Choice,
    Exchange,
    ExchangeState,
    Timing,
    ToolCall,
    ToolCallState,
    Usage,
)
from replyscope.domain.failure import Failure
from replyscope.domain.finish import StreamEnd, derive_finish
from replyscope.domain.growing import GrowingText, Pace


class _CallFold:
    __slots__ = ("arguments", "id", "index", "kind", "name")

    def __init__(self, index: int | None, kind: str) -> None:
        self.index = index
        self.kind = kind
        self.id: str | None = None
        self.name: str | None = None
        self.arguments = GrowingText()

    def add(self, delta: ToolCallDelta) -> None:
        if delta.call_id and self.id is None:
            self.id = delta.call_id
        if delta.name and self.name is None:
            self.name = delta.name
        if delta.arguments:
            self.arguments.append(delta.arguments)


class _ChoiceFold:
    __slots__ = ("calls", "finish_raw", "index", "reasoning", "refusal", "text")

    def __init__(self, index: int) -> None:
        self.index = index
        self.text = GrowingText()
        self.reasoning = GrowingText()
        self.refusal = GrowingText()
        self.finish_raw: str | None = None
        self.calls: list[_CallFold] = []

    def call_for(self, delta: ToolCallDelta) -> _CallFold:
        """The call that a delta belongs to.

        Servers number slots from 0, from 1, always 0, or not at all: another
        non-empty id opens a new slot, whatever its number.
        """
        for call in reversed(self.calls):
            same_slot = delta.index is None or call.index == delta.index
            if delta.call_id:
                if call.id == delta.call_id or (call.id is None and same_slot):
                    return call
            elif same_slot:
                return call
        call = _CallFold(delta.index, delta.kind)
        self.calls.append(call)
        return call

    def snapshot(self, end: StreamEnd | None) -> Choice:
        refusal = str(self.refusal) or None
        finish = None
        if end is not None:
            finish = derive_finish(
                self.finish_raw,
                end=end,
                has_tool_calls=bool(self.calls),
                has_refusal=refusal is not None,
            )
        return Choice(
            index=self.index,
            text=str(self.text),
            reasoning=str(self.reasoning) or None,
            refusal=refusal,
            finish_reason=finish,
            finish_reason_raw=self.finish_raw,
            tool_calls=tuple(self._calls(is_open=end is None and self.finish_raw is None)),
        )

    def _calls(self, *, is_open: bool) -> list[ToolCall]:
        last = len(self.calls) - 1
        return [
            ToolCall(
                id=call.id or f"call_{self.index}_{number}",
                kind=call.kind,
                name=call.name or "",
                arguments=str(call.arguments),
                state=ToolCallState.ASSEMBLING
                if is_open and number == last
                else ToolCallState.REQUESTED,
            )
            for number, call in enumerate(self.calls)
        ]


class ExchangeFold:
    """Accumulates one exchange from its events. The only mutable thing in the domain."""

    def __init__(self, opening: Exchange) -> None:
        self._base = replace(opening, state=ExchangeState.IN_PROGRESS)
        self._choices: dict[int, _ChoiceFold] = {}
        self._identity = Identified()
        self._usage: Usage | None = None
        self._cost_usd: float | None = None
        self._adaptations: list[str] = []
        self._extras: dict[str, str] = {}
        self._now_ms = 0.0
        self._first_event_ms: float | None = None
        self._first_token_ms: float | None = None
        self._last_token_ms: float | None = None
        self._pace = Pace()
        self._frames = 0
        self._end: StreamEnd | None = None
        self._failure: Failure | None = None
        self.version = 0
        """Grows with every event: a reader that saw this number has nothing new to draw."""

    @property
    def is_ended(self) -> bool:
        """Whether `StreamEnded` was folded."""
        return self._end is not None

    @property
    def is_silent(self) -> bool:
        """Whether the model has said nothing yet."""
        return self._first_token_ms is None

    def apply(self, event: Event) -> None:
        """Fold one event."""
        self.version += 1
        match event:
            case WireFrame(at_ms=at_ms):
                self._frames += 1
                self._now_ms = at_ms
                if self._first_event_ms is None:
                    self._first_event_ms = at_ms
            case TextDelta(choice=index, text=text):
                self._choice(index).text.append(text)
                self._token(len(text))
            case ReasoningDelta(choice=index, text=text):
                self._choice(index).reasoning.append(text)
                self._token(len(text))
            case RefusalDelta(choice=index, text=text):
                self._choice(index).refusal.append(text)
                self._token(len(text))
            case ToolCallDelta():
                self._choice(event.choice).call_for(event).add(event)
                self._token(len(event.arguments) + len(event.name or ""))
            case _:
                self._apply_fact(event)

    def _apply_fact(
        self,
        event: RequestSent
        | RequestAdapted
        | ResponseOpened
        | Identified
        | FinishStated
        | UsageReported
        | ExtraReported
        | StreamEnded,
    ) -> None:
        match event:
            case RequestSent():
                pass
            case RequestAdapted(note=note):
                self._adaptations.append(note)
            case ResponseOpened():
                self._base = replace(
                    self._base,
                    status=event.status,
                    headers=event.headers,
                    request_id=event.request_id,
                )
            case Identified():
                self._identify(event)
            case FinishStated(choice=index, raw=raw):
                self._choice(index).finish_raw = raw
            case UsageReported(usage=usage, cost_usd=cost_usd):
                self._usage = usage
                self._cost_usd = cost_usd if cost_usd is not None else self._cost_usd
            case ExtraReported(name=name, value=value):
                self._extras[name] = value
            case StreamEnded():
                self._end = event.end
                self._failure = event.failure
                self._now_ms = max(self._now_ms, event.at_ms)
            case _:
                assert_never(event)

    def _choice(self, index: int) -> _ChoiceFold:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _ChoiceFold(index)
        return choice

    def _token(self, characters: int) -> None:
        if self._first_token_ms is None:
            self._first_token_ms = self._now_ms
        self._last_token_ms = self._now_ms
        self._pace.add(self._now_ms - self._first_token_ms, characters)

    def _identify(self, said: Identified) -> None:
        known = self._identity
        self._identity = Identified(
            response_id=said.response_id or known.response_id,
            model=said.model or known.model,
            service_tier=said.service_tier or known.service_tier,
            fingerprint=said.fingerprint or known.fingerprint,
        )

    def snapshot(self, now_ms: float | None = None) -> Exchange:
        """The exchange as it stands; `now_ms` lets a live duration run between frames."""
        failure = self._failure
        request_id = self._base.request_id
        if request_id is None and failure is not None:
            request_id = failure.request_id
        if self._end is not None and not self._choices:
            self._choice(0)
        return replace(
            self._base,
            state=self._state(),
            choices=tuple(self._choices[i].snapshot(self._end) for i in sorted(self._choices)),
            usage=self._usage,
            reported_cost_usd=self._cost_usd,
            timing=self._timing(now_ms),
            answered_model=self._identity.model,
            response_id=self._identity.response_id,
            request_id=request_id,
            service_tier=self._identity.service_tier,
            fingerprint=self._identity.fingerprint,
            adaptations=tuple(self._adaptations),
            extras=tuple(self._extras.items()),
            failure=failure,
            frame_count=self._frames,
            done_marker=self._end is StreamEnd.DONE,
        )

    def _timing(self, now_ms: float | None) -> Timing:
        running = now_ms is not None and self._end is None
        return Timing(
            first_event_ms=self._first_event_ms,
            first_token_ms=self._first_token_ms,
            last_token_ms=self._last_token_ms,
            duration_ms=max(self._now_ms, now_ms or 0.0) if running else self._now_ms,
            pace=self._pace.counts,
            pace_ms=self._pace.stretch_ms,
        )

    def _state(self) -> ExchangeState:
        match self._end:
            case None:
                return ExchangeState.IN_PROGRESS
            case StreamEnd.DONE:
                return ExchangeState.COMPLETED
            case StreamEnd.CLOSED:
                stated = any(choice.finish_raw for choice in self._choices.values())
                return ExchangeState.COMPLETED if stated else ExchangeState.TRUNCATED
            case StreamEnd.BROKEN:
                return ExchangeState.TRUNCATED
            case StreamEnd.FAILED:
                return ExchangeState.FAILED
            case StreamEnd.CANCELLED:
                return ExchangeState.CANCELLED
            case _:
                assert_never(self._end)


def fold_events(opening: Exchange, events: list[Event]) -> Exchange:
    """The exchange that a whole list of events makes."""
    fold = ExchangeFold(opening)
    for event in events:
        fold.apply(event)
    return fold.snapshot()

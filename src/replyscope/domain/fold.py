"""The reducer: folds the events of an exchange into the exchange.

Live replies, crash recovery and replay all use it, so their results are equal. Each event
costs O(1); `snapshot` costs the size of the new text plus the size of the result.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from replyscope.domain.choice_fold import ChoiceFold
from replyscope.domain.event import (
    CitationAdded,
    Event,
    ExtraReported,
    FieldsReported,
    FinishStated,
    FrameSkipped,
    Identified,
    ImageReported,
    ItemReported,
    ReasoningDelta,
    RefusalDelta,
    RequestAdapted,
    RequestSent,
    ResponseOpened,
    RetryScheduled,
    SectionStarted,
    StatusStated,
    StreamEnded,
    TextDelta,
    ToolCallDelta,
    ToolCallReported,
    UnknownEventSeen,
    UsageReported,
    WireFrame,
)
from replyscope.domain.exchange import (
    Api,
    Choice,
    Exchange,
    ExchangeState,
    Retry,
    Timing,
    Usage,
)
from replyscope.domain.failure import Failure
from replyscope.domain.finish import (
    FinishReason,
    StreamEnd,
    derive_finish,
    derive_finish_of_response,
)
from replyscope.domain.growing import Pace
from replyscope.domain.sound_numbers import measure_of, sound_timing, sound_usage

_Fact = (
    RequestSent
    | RequestAdapted
    | ResponseOpened
    | Identified
    | StatusStated
    | UnknownEventSeen
    | FrameSkipped
    | RetryScheduled
    | FinishStated
    | UsageReported
    | ExtraReported
    | StreamEnded
)


class ExchangeFold:
    """Accumulates one exchange from its events."""

    def __init__(self, opening: Exchange) -> None:
        self._base = replace(opening, state=ExchangeState.IN_PROGRESS)
        self._choices: dict[int, ChoiceFold] = {}
        self._identity = Identified()
        self._usage: Usage | None = None
        self._cost_usd: float | None = None
        self._adaptations: list[str] = []
        self._retries: list[Retry] = []
        self._unknown: dict[str, None] = {}
        self._status: StatusStated | None = None
        self._extras: dict[str, str] = {}
        self._now_ms = 0.0
        self._first_event_ms: float | None = None
        self._first_token_ms: float | None = None
        self._last_token_ms: float | None = None
        self._pace = Pace()
        self._pause = (0.0, 0.0)
        self._frames = 0
        self._skipped = 0
        self._deltas = 0
        self._last_delta = 0
        self._end: StreamEnd | None = None
        self._failure: Failure | None = None
        self.version = 0
        """Grows with every event: an equal number means that nothing changed."""

    @property
    def is_ended(self) -> bool:
        """Whether `StreamEnded` was folded."""
        return self._end is not None

    @property
    def is_complete(self) -> bool:
        """Whether the server marked the response as complete."""
        return self._status is not None and self._status.status in _STATED

    @property
    def is_silent(self) -> bool:
        """Whether no content has arrived yet."""
        return self._first_token_ms is None

    def apply(self, event: Event) -> None:
        """Fold one event."""
        self.version += 1
        match event:
            case WireFrame(at_ms=at_ms):
                self._frames += 1
                if self._first_event_ms is None:
                    self._first_event_ms = at_ms
                elif at_ms - self._now_ms > self._pause[0]:
                    self._pause = (at_ms - self._now_ms, self._now_ms)
                self._now_ms = at_ms
            case TextDelta(choice=index, text=text):
                self._choice(index).say(text)
                self._token(len(text))
            case ReasoningDelta(choice=index, text=text):
                self._choice(index).reason(event)
                self._token(len(text))
            case RefusalDelta(choice=index, text=text):
                self._choice(index).refuse(text)
                self._token(len(text))
            case ToolCallDelta():
                self._choice(event.choice).add_call(event)
                self._token(len(event.arguments) + len(event.name or ""))
            case CitationAdded() | SectionStarted() | ItemReported() | ToolCallReported():
                self._choice(event.choice).add(event)
            case FieldsReported() | ImageReported():
                self._choice(event.choice).add(event)
            case _:
                self._apply_fact(event)

    def _apply_fact(self, event: _Fact) -> None:
        match event:
            case RequestSent(body=body):
                self._base = replace(self._base, names_previous=_PREVIOUS in body)
            case RequestAdapted(note=note):
                self._adaptations.append(note)
            case ResponseOpened():
                self._base = replace(
                    self._base,
                    status=event.status,
                    headers=event.headers,
                    request_id=event.request_id,
                )
            case RetryScheduled(failure=failure, wait_s=wait_s):
                self._retries.append(Retry(failure, wait_s))
            case Identified():
                self._identify(event)
            case StatusStated():
                self._status = event
            case UnknownEventSeen(type=name):
                self._unknown[name] = None
            case FrameSkipped():
                self._skipped += 1
            case FinishStated(choice=index, raw=raw, native=native):
                self._choice(index).finish_raw = raw
                self._choice(index).finish_native = native
            case UsageReported(usage=usage, cost_usd=cost_usd):
                self._usage = sound_usage(usage)
                stated = measure_of(cost_usd)
                self._cost_usd = stated if stated is not None else self._cost_usd
            case ExtraReported(name=name, value=value):
                self._extras[name] = value
            case StreamEnded():
                self._end = event.end
                self._failure = event.failure
                if self._frames and event.at_ms - self._now_ms > self._pause[0]:
                    self._pause = (event.at_ms - self._now_ms, self._now_ms)
                self._now_ms = max(self._now_ms, event.at_ms)
            case _:
                assert_never(event)

    def _choice(self, index: int) -> ChoiceFold:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = ChoiceFold(index)
        return choice

    def _token(self, characters: int) -> None:
        if self._first_token_ms is None:
            self._first_token_ms = self._now_ms
        self._last_token_ms = self._now_ms
        if self._last_delta != self._frames:
            self._last_delta = self._frames
            self._deltas += 1
        self._pace.add(self._now_ms - self._first_token_ms, characters)

    def _identify(self, said: Identified) -> None:
        known = self._identity
        self._identity = Identified(
            response_id=said.response_id or known.response_id,
            model=said.model or known.model,
            service_tier=said.service_tier or known.service_tier,
            fingerprint=said.fingerprint or known.fingerprint,
            is_stored=known.is_stored if said.is_stored is None else said.is_stored,
            previous_response_id=said.previous_response_id or known.previous_response_id,
        )

    def snapshot(self, now_ms: float | None = None) -> Exchange:
        """The exchange so far; `now_ms` updates the duration between frames."""
        choices = self._ended_choices()
        failure = self._failure or self._stated_failure() or _failure_of(choices)
        request_id = self._base.request_id
        if request_id is None and failure is not None:
            request_id = failure.request_id
        return replace(
            self._base,
            state=self._state(choices),
            choices=choices,
            usage=self._usage,
            reported_cost_usd=self._cost_usd,
            timing=self._timing(now_ms),
            answered_model=self._identity.model,
            response_id=self._identity.response_id,
            request_id=request_id,
            service_tier=self._identity.service_tier,
            fingerprint=self._identity.fingerprint,
            is_stored=self._identity.is_stored,
            previous_response_id=self._identity.previous_response_id,
            adaptations=(*self._base.adaptations, *self._adaptations),
            retries=tuple(self._retries),
            unknown_events=tuple(self._unknown),
            extras=tuple(self._extras.items()),
            failure=failure,
            is_detached=self._end is StreamEnd.DETACHED and not self.is_complete,
            frame_count=self._frames,
            skipped_frames=self._skipped,
            delta_count=self._deltas,
            done_marker=self._end is StreamEnd.DONE,
        )

    def _ended_choices(self) -> tuple[Choice, ...]:
        if self._end is not None and not self._choices:
            self._choice(0)
        return tuple(self._finished(self._choices[index]) for index in sorted(self._choices))

    def _finished(self, choice: ChoiceFold) -> Choice:
        if self._end is None or (self._end is StreamEnd.DETACHED and not self.is_complete):
            return choice.snapshot(None, choice.finish_raw)
        if self._base.api is Api.RESPONSES:
            status, reason = self._stated()
            derived = derive_finish_of_response(status, reason, choice.outcome(), end=self._end)
            return choice.snapshot(*derived)
        raw, native = choice.finish_raw, choice.finish_native
        finish, word = derive_finish(raw, native, choice.outcome(), end=self._end)
        return choice.snapshot(finish, word)

    def _stated(self) -> tuple[str | None, str | None]:
        return (None, None) if self._status is None else (self._status.status, self._status.reason)

    def _stated_failure(self) -> Failure | None:
        """The failure in the response's status, unless a failure is already known."""
        if self._status is None or self._end is None or self._status.status != "failed":
            return None
        said = self._status.error_message or "it gave no reason"
        return Failure(
            "server", f"The server failed: {said}", "Retry.", code=self._status.error_code
        )

    def _timing(self, now_ms: float | None) -> Timing:
        running = now_ms is not None and self._end is None
        timing = Timing(
            first_event_ms=self._first_event_ms,
            first_token_ms=self._first_token_ms,
            last_token_ms=self._last_token_ms,
            duration_ms=max(self._now_ms, now_ms or 0.0) if running else self._now_ms,
            pace=self._pace.counts,
            pace_ms=self._pace.stretch_ms,
            longest_pause_ms=self._pause[0],
            longest_pause_at_ms=self._pause[1],
        )
        return sound_timing(timing)

    def _state(self, choices: Sequence[Choice]) -> ExchangeState:
        status, _ = self._stated()
        if self._end is not None and status in _STATED:
            return _STATED[status]
        if self._end in (StreamEnd.DONE, StreamEnd.CLOSED) and _failure_of(choices) is not None:
            return ExchangeState.FAILED
        match self._end:
            case None:
                return ExchangeState.IN_PROGRESS
            case StreamEnd.DONE:
                is_cut = self._base.api is Api.RESPONSES
                return ExchangeState.TRUNCATED if is_cut else ExchangeState.COMPLETED
            case StreamEnd.CLOSED:
                folds = self._choices.values()
                stated = folds and all(fold.finish_raw for fold in folds)
                return ExchangeState.COMPLETED if stated else ExchangeState.TRUNCATED
            case StreamEnd.BROKEN:
                return ExchangeState.TRUNCATED
            case StreamEnd.FAILED:
                return ExchangeState.FAILED
            case StreamEnd.CANCELLED:
                return ExchangeState.CANCELLED
            case StreamEnd.DETACHED:
                return ExchangeState.IN_PROGRESS
            case _:
                assert_never(self._end)


def _failure_of(choices: Sequence[Choice]) -> Failure | None:
    """The failure of a reply that ended with the finish reason `error`."""
    failed = [c for c in choices if c.finish_reason is FinishReason.ERROR and c.finish_reason_raw]
    if not failed:
        return None
    return Failure(
        "server_error_in_stream",
        f"The server ended the reply with the finish reason “{failed[0].finish_reason_raw}”.",
        "The part that arrived is saved. Retry.",
    )


_PREVIOUS = b'"previous_response_id":'
_STATED = {
    "completed": ExchangeState.COMPLETED,
    "incomplete": ExchangeState.INCOMPLETE,
    "failed": ExchangeState.FAILED,
    "cancelled": ExchangeState.CANCELLED,
}


def fold_events(opening: Exchange, events: list[Event]) -> Exchange:
    """The exchange from a complete list of events."""
    fold = ExchangeFold(opening)
    for event in events:
        fold.apply(event)
    return fold.snapshot()

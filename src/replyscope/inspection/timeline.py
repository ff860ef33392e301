"""Builds the timeline of an exchange: waiting, reasoning, text and tools. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from replyscope.domain.event import (
    Event,
    ReasoningDelta,
    RefusalDelta,
    StreamEnded,
    TextDelta,
    ToolCallDelta,
    WireFrame,
)
from replyscope.domain.exchange import Exchange, Timing
from replyscope.domain.message import ToolResultPart
from replyscope.domain.tool import ToolCallState
from replyscope.domain.values import dataclass
from replyscope.inspection.figures import seconds

STALL_MS = 5_000.0
_LONGEST_WAIT_MS = 2_000.0


class Doing(StrEnum):
    """The activity during a period of an exchange."""

    WAITING = "waiting"
    REASONING = "reasoning"
    TEXT = "text"
    CALL = "call"
    TOOL = "tool"
    STALL = "stall"


@dataclass(frozen=True, slots=True)
class Bar:
    """A period in milliseconds since the request; `note` marks a shortened gap before it."""

    doing: Doing
    label: str
    start_ms: float
    end_ms: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The bars of an exchange, ordered by start; `end_ms` is the end of the last one.

    `frames` are the recorded frames of the reply. `deltas` has the number of received
    characters over time, as (milliseconds, characters).
    """

    bars: tuple[Bar, ...]
    end_ms: float
    frames: tuple[WireFrame, ...] = ()
    deltas: tuple[tuple[float, int], ...] = ()


def timeline_of(
    exchange: Exchange, events: Iterable[Event], results: Mapping[str, ToolResultPart]
) -> Timeline:
    """The timeline from the events of recorded frames, or else from the exchange."""
    events = list(events)
    bars = _from_events(events) or _from_timing(exchange)
    bars += _tool_bars(exchange, results)
    end = max([exchange.timing.duration_ms, *(bar.end_ms for bar in bars)])
    frames = tuple(event for event in events if isinstance(event, WireFrame))
    ordered = tuple(sorted(bars, key=lambda bar: bar.start_ms))
    return Timeline(ordered, end, frames, tuple(_deltas(events)) or _pace(exchange.timing))


def _pace(timing: Timing) -> tuple[tuple[float, int], ...]:
    """Received characters over time, at the resolution that the exchange stores."""
    first = timing.first_token_ms or 0.0
    return tuple((first + n * timing.pace_ms, count) for n, count in enumerate(timing.pace))


def _deltas(events: Iterable[Event]) -> Iterator[tuple[float, int]]:
    now = 0.0
    for event in events:
        match event:
            case WireFrame(at_ms=at_ms):
                now = at_ms
            case TextDelta(text=text) | ReasoningDelta(text=text) | RefusalDelta(text=text):
                yield now, len(text)
            case ToolCallDelta():
                yield now, len(event.arguments) + len(event.name or "")


def paces_of(timeline: Timeline, columns: int, output_tokens: int | None) -> tuple[float, ...]:
    """The output rate in each of `columns` equal periods.

    In tokens per second if the output tokens are known, in proportion to the characters;
    otherwise in characters per second.
    """
    total = sum(count for _, count in timeline.deltas)
    if not total or timeline.end_ms <= 0 or columns < 1:
        return ()
    each = 1.0 if output_tokens is None else output_tokens / total
    sums = [0.0] * columns
    for at_ms, count in timeline.deltas:
        sums[min(columns - 1, int(at_ms / timeline.end_ms * columns))] += count * each
    return tuple(value * columns * 1000 / timeline.end_ms for value in sums)


def _from_timing(exchange: Exchange) -> list[Bar]:
    timing = exchange.timing
    first = timing.first_token_ms
    if first is None:
        return [Bar(Doing.WAITING, "waiting", 0.0, timing.duration_ms)]
    last = timing.last_token_ms or timing.duration_ms
    bars = [Bar(Doing.WAITING, "waiting", 0.0, first), Bar(Doing.TEXT, "text", first, last)]
    return [*bars, *_stalls([(timing.longest_pause_at_ms, timing.longest_pause_ms)])]


def _stalls(pauses: Sequence[tuple[float, float]]) -> list[Bar]:
    return [
        Bar(Doing.STALL, "no data", at, at + length) for at, length in pauses if length > STALL_MS
    ]


def _from_events(events: Iterable[Event]) -> list[Bar]:
    spans: dict[tuple[Doing, str], tuple[float, float]] = {}
    pauses: list[tuple[float, float]] = []
    names: dict[tuple[int, int | None], str] = {}
    first: float | None = None
    now, frames = 0.0, 0
    for event in events:
        if isinstance(event, WireFrame | StreamEnded):
            if frames:
                pauses.append((now, event.at_ms - now))
            now, frames = event.at_ms, frames + 1
            continue
        key = _key(event, names)
        if key is None:
            continue
        first = now if first is None else first
        start, _ = spans.get(key, (now, now))
        spans[key] = (start, now)
    if first is None:
        return []
    bars = [Bar(Doing.WAITING, "waiting", 0.0, first)]
    bars += [Bar(doing, label, start, end) for (doing, label), (start, end) in spans.items()]
    return [*bars, *_stalls(pauses)]


def _key(event: Event, names: dict[tuple[int, int | None], str]) -> tuple[Doing, str] | None:
    match event:
        case ReasoningDelta():
            return Doing.REASONING, "reasoning"
        case TextDelta(choice=choice) | RefusalDelta(choice=choice):
            return Doing.TEXT, f"text {choice + 1}" if choice else "text"
        case ToolCallDelta():
            slot = (event.choice, event.slot)
            names[slot] = event.name or names.get(slot, "call")
            return Doing.CALL, f"asks {names[slot]}"
    return None


def _tool_bars(exchange: Exchange, results: Mapping[str, ToolResultPart]) -> list[Bar]:
    """The bars of the tools. A long wait before the first, such as for consent, is shortened."""
    sent_ms = exchange.started_at.timestamp() * 1000
    replied_ms = exchange.timing.duration_ms
    ran = [
        (max(0.0, part.started_ms - sent_ms), part)
        for part in results.values()
        if part.started_ms is not None and part.state is not ToolCallState.REQUESTED
    ]
    if not ran:
        return []
    wait = min(start for start, _ in ran) - replied_ms
    shown = min(wait, max(_LONGEST_WAIT_MS, replied_ms / 4))
    skipped = max(0.0, wait - shown)
    note = f"{seconds(wait)} later" if skipped else ""
    return [
        Bar(
            Doing.TOOL,
            f"runs {part.name}",
            start - skipped,
            start - skipped + (part.duration_ms or 0.0),
            note,
        )
        for start, part in ran
    ]

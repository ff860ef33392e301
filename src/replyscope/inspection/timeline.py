"""What an exchange was doing when: waiting, reasoning, text, each tool. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import ToolResultPart
from replyscope.domain.tool import ToolCallState

STALL_MS = 5_000.0


class Doing(StrEnum):
    """What a stretch of time went to."""

    WAITING = "waiting"
    REASONING = "reasoning"
    TEXT = "text"
    CALL = "call"
    TOOL = "tool"
    STALL = "stall"


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch, in milliseconds since the request was sent."""

    doing: Doing
    label: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The bars, in the order in which they began; `end_ms` is that of the last."""

    bars: tuple[Bar, ...]
    end_ms: float


def timeline_of(
    exchange: Exchange, events: Iterable[Event], results: Mapping[str, ToolResultPart]
) -> Timeline:
    """From the events of the recorded frames; without any, from the folded exchange."""
    bars = _from_events(events) or _from_timing(exchange)
    bars += _tool_bars(exchange, results)
    end = max([exchange.timing.duration_ms, *(bar.end_ms for bar in bars)])
    return Timeline(tuple(sorted(bars, key=lambda bar: bar.start_ms)), end)


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
        Bar(Doing.STALL, "nothing came", at, at + length)
        for at, length in pauses
        if length > STALL_MS
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
            slot = (event.choice, event.index)
            names[slot] = event.name or names.get(slot, "call")
            return Doing.CALL, f"asks {names[slot]}"
    return None


def _tool_bars(exchange: Exchange, results: Mapping[str, ToolResultPart]) -> list[Bar]:
    sent_ms = exchange.started_at.timestamp() * 1000
    bars = []
    for part in results.values():
        if part.started_ms is None or part.state is ToolCallState.REQUESTED:
            continue
        start = max(0.0, part.started_ms - sent_ms)
        bars.append(Bar(Doing.TOOL, f"runs {part.name}", start, start + (part.duration_ms or 0.0)))
    return bars

"""The waterfall: when each call waited and streamed, on one time scale. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from textual.content import Content

from replyscope.engine.watching.call_log import LoggedCall
from replyscope.inspection.explain import Mood, explain
from replyscope.inspection.figures import seconds
from replyscope.ui.styles.muted import MUTED

MOODS = {
    Mood.GOOD: "$text-success",
    Mood.NOTE: "$text-warning",
    Mood.BAD: "$text-error",
    Mood.LIVE: "$text-accent",
}
_LEAST_MS = 100.0
_WAITING, _STREAMING = "─", "━"


@dataclass(frozen=True, slots=True)
class BarSpan:
    """The start, the wait and the duration of a call, in milliseconds."""

    start_ms: float
    wait_ms: float
    length_ms: float

    @property
    def end_ms(self) -> float:
        """The end of the call; the current time if it is running."""
        return self.start_ms + self.length_ms


def span_of(call: LoggedCall, now: datetime) -> BarSpan:
    """The span of a call; one that runs lasts until now."""
    start_ms = call.request.at.timestamp() * 1_000
    so_far_ms = max(0.0, now.timestamp() * 1_000 - start_ms)
    first_ms: float | None
    if call.listed is not None:
        first_ms, length_ms = call.listed.first_byte_ms, call.listed.duration_ms
    elif call.exchange is not None:
        timing = call.exchange.timing
        first_ms, length_ms = timing.first_token_ms, timing.duration_ms
        length_ms = max(length_ms, so_far_ms) if call.is_running else length_ms
    else:
        first_ms, length_ms = None, so_far_ms if call.is_running else 0.0
    wait_ms = length_ms if first_ms is None else min(first_ms, length_ms)
    return BarSpan(start_ms, wait_ms, length_ms)


@dataclass(frozen=True, slots=True)
class Scale:
    """The time span of the full width."""

    start_ms: float = 0.0
    length_ms: float = _LEAST_MS

    @property
    def words(self) -> str:
        """Its length, for the head of the column."""
        return seconds(self.length_ms)


def scale_of(spans: Iterable[BarSpan]) -> Scale:
    """The scale on which all of these fit."""
    shown = list(spans)
    if not shown:
        return Scale()
    start_ms = min(span.start_ms for span in shown)
    return Scale(start_ms, max(_LEAST_MS, max(span.end_ms for span in shown) - start_ms))


def mood_of(call: LoggedCall) -> Mood:
    """The severity of how a call ended."""
    if call.exchange is None:
        return Mood.LIVE if call.is_running else Mood.BAD
    if call.exchange.failure is not None:
        return Mood.BAD
    return explain(call.exchange).mood


def bar(call: LoggedCall, span: BarSpan, scale: Scale, width: int) -> Content:
    """The bar of a call: a thin line while it waited, a thick one while it streamed."""
    if width < 1:
        return Content("")
    per_cell = scale.length_ms / width
    start = min(width - 1, max(0, int((span.start_ms - scale.start_ms) / per_cell)))
    end = min(width, max(start + 1, round((span.end_ms - scale.start_ms) / per_cell)))
    first = round((span.start_ms + span.wait_ms - scale.start_ms) / per_cell)
    first = min(max(start, first), end)
    if span.wait_ms < span.length_ms:
        first = min(first, end - 1)  # what streamed is seen, however short
    colour = MOODS[mood_of(call)] if call.is_for_reply else MUTED
    return Content.assemble(
        " " * start,
        (_WAITING * (first - start), MUTED),
        (_STREAMING * (end - first), colour),
        " " * (width - end),
    )

"""An exchange is one request to a model and all that came back: the unit of inspection.

Every value is immutable; what is unknown is None, never 0 or "".
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason


class Api(StrEnum):
    """The wire API that an exchange used."""

    CHAT = "chat"
    RESPONSES = "responses"


class ExchangeState(StrEnum):
    """How far an exchange is, or how it ended."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TRUNCATED = "truncated"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more will come."""
        return self not in (ExchangeState.QUEUED, ExchangeState.IN_PROGRESS)


class ToolCallState(StrEnum):
    """What became of a tool call."""

    ASSEMBLING = "assembling"
    REQUESTED = "requested"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function invocation the model asked for; `arguments` is its raw JSON text."""

    id: str
    kind: str
    name: str
    arguments: str
    state: ToolCallState = ToolCallState.REQUESTED
    result: str | None = None
    duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the n answers in an exchange.

    `finish_reason` is None only while the choice streams.
    """

    index: int
    text: str = ""
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: FinishReason | None = None
    finish_reason_raw: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server reported them; input includes cached, output includes reasoning.

    Source: the last usage object of the exchange that was not null.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds since the request was sent, measured where bytes leave the socket.

    `pace` counts the characters that came in each stretch of `pace_ms`.
    """

    first_event_ms: float | None = None
    first_token_ms: float | None = None
    last_token_ms: float | None = None
    duration_ms: float = 0.0
    pace: tuple[int, ...] = ()
    pace_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and all that came back.

    `adaptations` tells in sentences what was dropped or renamed so that the server
    would take the request. `extras` holds non-standard fields as (name, JSON).
    """

    id: str
    api: Api
    endpoint: str
    base_url: str
    model: str
    started_at: datetime
    state: ExchangeState = ExchangeState.QUEUED
    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    reported_cost_usd: float | None = None
    timing: Timing = field(default_factory=Timing)
    answered_model: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    status: int | None = None
    service_tier: str | None = None
    fingerprint: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    adaptations: tuple[str, ...] = ()
    extras: tuple[tuple[str, str], ...] = ()
    failure: Failure | None = None
    frame_count: int = 0
    done_marker: bool = False

    def choice(self, index: int) -> Choice:
        """The choice of that index; an empty one when nothing of it came yet."""
        for choice in self.choices:
            if choice.index == index:
                return choice
        return Choice(index)


def output_rate(usage: Usage | None, timing: Timing) -> float | None:
    """Output tokens per second, from the first token to the last.

    Includes reasoning tokens. None when fewer than two tokens came, when all came
    at once, or when usage was not reported.

    Source: usage as the server sent it; times measured at the socket.
    """
    if usage is None or usage.output_tokens is None or usage.output_tokens < 2:
        return None
    if timing.first_token_ms is None or timing.last_token_ms is None:
        return None
    elapsed_ms = timing.last_token_ms - timing.first_token_ms
    if elapsed_ms <= 0:
        return None
    return (usage.output_tokens - 1) * 1000 / elapsed_ms

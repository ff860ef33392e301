"""An exchange is one request to a model and all that came back: the unit of inspection.

Every value is immutable; what is unknown is None, never 0 or "".
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.tool import ToolCallState

FINAL_TEXT = "final_text"
"""The extra that holds a final text which contradicts its deltas."""


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


APPROVAL = "mcp_approval_request"
ANSWERABLE = ("function", "custom", APPROVAL)
"""Kinds of calls that wait for an answer from here."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function invocation the model asked for, or a tool that the server ran itself.

    `kind` is `function`, `custom`, or the item's type; `arguments` the raw text; `server`
    the label of a remote server that has the tool. `fields` is a JSON object of fields that
    only the model's server reads, in their places in the call: they go back to it verbatim.
    """

    id: str
    kind: str
    name: str
    arguments: str
    state: ToolCallState = ToolCallState.REQUESTED
    result: str | None = None
    duration_ms: float | None = None
    server: str | None = None
    fields: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A source that a reply names: a page, a file, or a place in either.

    `start` and `end` are character offsets into the text part it belongs to.
    """

    kind: str
    title: str | None = None
    url: str | None = None
    file_id: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class ReplyImage:
    """An image that a reply brought.

    `url` says where it is, when the server gave an address only; `path` the file that it is
    kept in. `data` is its base64 until it is kept, and never stored. Size in bytes.
    """

    media_type: str = ""
    size: int | None = None
    url: str = ""
    path: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class OutputItem:
    """One item of a response as the API gave it; `payload` is its JSON, sent back verbatim."""

    index: int
    kind: str
    payload: str


@dataclass(frozen=True, slots=True)
class Section:
    """Where a stretch of a choice's text begins, and the server's word for what it is."""

    start: int
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the n answers in an exchange.

    `finish_reason` is None only while the choice streams. `sections` is empty for
    text that is one stretch without a phase; `items` are those of the Responses API.

    What goes back to the model that said it: `thinking` is the head of the text as it came,
    tags included, where reasoning came within the text; `reasoning_fields` names the fields
    of the message that the reasoning came in; `fields` is a JSON object of the message's
    fields that only the server reads.
    """

    index: int
    text: str = ""
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: FinishReason | None = None
    finish_reason_raw: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    citations: tuple[Citation, ...] = ()
    sections: tuple[Section, ...] = ()
    items: tuple[OutputItem, ...] = ()
    images: tuple[ReplyImage, ...] = ()
    thinking: str = ""
    reasoning_fields: tuple[str, ...] = ()
    fields: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """A try that failed before anything came, and how long the next one waited."""

    failure: Failure
    wait_s: float


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

    `pace` counts the characters that came in each stretch of `pace_ms`. The longest
    pause is the longest time between two frames, and when it began.
    """

    first_event_ms: float | None = None
    first_token_ms: float | None = None
    last_token_ms: float | None = None
    duration_ms: float = 0.0
    pace: tuple[int, ...] = ()
    pace_ms: float = 0.0
    longest_pause_ms: float = 0.0
    longest_pause_at_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and all that came back.

    `estimated_cost_usd` comes from a price list, at the prices of that day; `schema` is
    the JSON schema that the reply was to have the form of.
    `max_tokens` is the limit that was asked for; `names_previous` that the request named
    an earlier response instead of the messages.
    A background exchange goes on at the server when the person leaves: it is then
    detached, in progress though nobody reads it, and can be resumed.
    `is_stored` is the server's word for whether it keeps the response;
    `previous_response_id` the response that it says to have gone on from.

    `adaptations` tells in sentences what was dropped or renamed so that the server
    would take the request. `extras` holds non-standard fields as (name, JSON).
    `delta_count` is how many frames brought words of the reply. `firings` are the person's
    rules that it set off, in sentences. `think_tags` says how its text was read;
    `skipped_frames` counts those that could not be read.
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
    estimated_cost_usd: float | None = None
    schema: str | None = None
    max_tokens: int | None = None
    names_previous: bool = False
    is_background: bool = False
    is_detached: bool = False
    timing: Timing = field(default_factory=Timing)
    answered_model: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    status: int | None = None
    service_tier: str | None = None
    fingerprint: str | None = None
    is_stored: bool | None = None
    previous_response_id: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    adaptations: tuple[str, ...] = ()
    retries: tuple[Retry, ...] = ()
    unknown_events: tuple[str, ...] = ()
    extras: tuple[tuple[str, str], ...] = ()
    failure: Failure | None = None
    frame_count: int = 0
    delta_count: int = 0
    done_marker: bool = False
    firings: tuple[str, ...] = ()
    think_tags: ThinkTags = ThinkTags.AUTO
    skipped_frames: int = 0

    @property
    def cost_usd(self) -> float | None:
        """What it cost: as the server reports it, else as estimated, else unknown."""
        reported = self.reported_cost_usd
        return self.estimated_cost_usd if reported is None else reported

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

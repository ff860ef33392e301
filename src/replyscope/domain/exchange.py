"""An exchange: one request to a model and its complete response, the unit of inspection.

Every value is immutable; an unknown value is None, never 0 or "".
"""

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.tool import ToolCallState
from replyscope.domain.values import dataclass

FINAL_TEXT = "final_text"
"""The name of the extra with a final text that contradicts its deltas."""
CLOSED_BY = "closed_by"
"""The name of the extra that says who closed the connection of a watched call before its end."""
NOT_RECORDED = "not_recorded"
"""The name of the extra that says why only a part of a watched reply was recorded."""
UNSEEN = "The program sent this reply as history; replyscope has not recorded it."
"""The note of a reply that is known only from a later request."""


class Api(StrEnum):
    """The wire API that an exchange used. Requests are sent over `SENDABLE` ones only; the
    Messages API of Anthropic occurs only in recorded exchanges.
    """

    CHAT = "chat"
    RESPONSES = "responses"
    MESSAGES = "messages"


SENDABLE = (Api.CHAT, Api.RESPONSES)


class ExchangeState(StrEnum):
    """The state of an exchange: in progress, or its ending."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TRUNCATED = "truncated"

    @property
    def is_terminal(self) -> bool:
        """Whether the exchange has ended."""
        return self not in (ExchangeState.QUEUED, ExchangeState.IN_PROGRESS)


APPROVAL = "mcp_approval_request"
ANSWERABLE = ("function", "custom", APPROVAL)
"""The kinds of calls that need a result from this program."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call: requested by the model, or already run by the server.

    `kind` is `function`, `custom`, or the item's type; `arguments` the raw text; `server` the
    label of the remote server with the tool. `fields` is a JSON object of the call's fields
    that only the model's server reads: they are sent back to it verbatim.
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
    container_id: str | None = None
    """The container of a file of the code interpreter."""


@dataclass(frozen=True, slots=True)
class ReplyImage:
    """An image, a recording or another file in a reply. Only other files have a `name`.

    `url` is its address, if the server sent only that; `path` the file in which it is saved.
    `data` is its base64 until it is saved as a file, and never stored. Size in bytes. `fault` is
    a phrase that says why the file is missing.
    """

    media_type: str = ""
    size: int | None = None
    url: str = ""
    path: str = ""
    data: str = ""
    name: str = ""
    fault: str = ""

    @property
    def is_picture(self) -> bool:
        """Whether it is an image, as far as is known."""
        return not self.media_type or self.media_type.startswith("image/")

    @property
    def kind(self) -> str:
        """The word for its kind: image, audio or file."""
        if self.is_picture:
            return "image"
        return "audio" if self.media_type.startswith("audio/") else "file"


@dataclass(frozen=True, slots=True)
class OutputItem:
    """One output item of a response; `payload` is its JSON, sent back verbatim."""

    index: int
    kind: str
    payload: str


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a choice's text: its start, and the server's name for its kind."""

    start: int
    phase: str | None = None


class RunKind(StrEnum):
    """The content of a run of a choice."""

    REASONING = "reasoning"
    TEXT = "text"
    REFUSAL = "refusal"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Run:
    """A run: content of one kind that arrived without content of another kind in between.

    `start` is its offset in the text, reasoning or refusal of the choice; of a tool call its
    index. A run of text ends where the next run of the same kind starts.
    """

    kind: RunKind
    start: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice: an answer in an exchange, which may have several.

    `finish_reason` is None only while the choice streams. `sections` is empty for text
    without phases; `items` are the output items of the Responses API. `order` lists the runs in
    the order of their arrival; without items it is empty when reasoning, text, refusal and calls
    arrived in this order. `inspection/reply_parts.py` reads it.

    Fields that are sent back to the same model: `thinking` is the original head of the text with
    its tags, if reasoning was inside the text; `reasoning_fields` names the message fields that
    contained the reasoning; `fields` is a JSON object of the message's fields that only the
    server reads.
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
    order: tuple[Run, ...] = ()
    images: tuple[ReplyImage, ...] = ()
    thinking: str = ""
    reasoning_fields: tuple[str, ...] = ()
    fields: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """A try that failed before any content, and the wait before the next one."""

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

    `pace` counts the characters that arrived in each interval of `pace_ms`. The longest
    pause is the longest time between two frames, with its start.
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
    """One request and its complete response.

    `estimated_cost_usd` comes from a price list, at the prices of that day; `schema` is the
    JSON schema of the requested response format; `max_tokens` is the requested limit.
    `names_previous` is true when the request referred to an earlier response instead of
    repeating the messages.
    A background exchange continues at the server when the person leaves. It is then detached:
    in progress without a reader, and it can be resumed.
    `is_stored` is whether the server reports the response as stored, `previous_response_id`
    the response that it reports to continue.

    `adaptations` are sentences about the parameters that were dropped or renamed because the
    server rejected them. `extras` holds non-standard fields as (name, JSON). `delta_count` is
    the number of frames with content. `firings` are the rules that fired, as sentences.
    `left_out` are the ids of the branch's messages that were not sent.
    `think_tags` is the mode in which tags in the text were parsed; `skipped_frames` counts
    frames that could not be parsed. `prompts` are the prompts of the library that made the
    message, as (name, version).
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
    prompts: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def cost_usd(self) -> float | None:
        """The cost that the server reports, else the estimated cost, else None."""
        reported = self.reported_cost_usd
        return self.estimated_cost_usd if reported is None else reported

    @property
    def prompt_versions(self) -> tuple[str, ...]:
        """The prompts of the library with their whole versions: review@3f2a81c0…"""
        return tuple(f"{name}@{version}" for name, version in self.prompts)

    def choice(self, index: int) -> Choice:
        """The choice with an index. A missing choice is empty, and ended as the exchange did."""
        for choice in self.choices:
            if choice.index == index:
                return choice
        return Choice(index, finish_reason=_FINISH_WITHOUT_CHOICE.get(self.state))


_FINISH_WITHOUT_CHOICE = {
    ExchangeState.COMPLETED: FinishReason.UNSTATED,
    ExchangeState.INCOMPLETE: FinishReason.UNSTATED,
    ExchangeState.FAILED: FinishReason.ERROR,
    ExchangeState.CANCELLED: FinishReason.CANCELLED,
    ExchangeState.TRUNCATED: FinishReason.TRUNCATED,
}
"""The finish reason of a choice that never arrived, by the state of its exchange."""

_FASTEST_OUTPUT = 20_000.0
"""Tokens per second that no model generates, only a server that held its text back."""


def output_rate(usage: Usage | None, timing: Timing) -> float | None:
    """Output tokens per second, from the first token to the last.

    Includes reasoning tokens. None for fewer than two tokens, when all arrived at once or faster
    than any model generates, or when usage was not reported.

    Source: usage from the server; times measured at the socket.
    """
    if usage is None or usage.output_tokens is None or usage.output_tokens < 2:
        return None
    if timing.first_token_ms is None or timing.last_token_ms is None:
        return None
    elapsed_ms = timing.last_token_ms - timing.first_token_ms
    if elapsed_ms <= 0:
        return None
    value = (usage.output_tokens - 1) * 1000 / elapsed_ms
    return value if value <= _FASTEST_OUTPUT else None

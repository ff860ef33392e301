"""Events are the normalised steps of a reply as it streams.

A provider reports them in wire order: `RequestSent`, `ResponseOpened`, then for each
frame a `WireFrame` followed by what it meant, and exactly one `StreamEnded` last.
Errors are events too, so whatever happens is recorded the same way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from replyscope.domain.exchange import Citation, OutputItem, ReplyImage, ToolCall, Usage
from replyscope.domain.failure import Failure
from replyscope.domain.finish import StreamEnd


@dataclass(frozen=True, slots=True)
class RequestSent:
    """The request as it left, headers masked; `body` is byte for byte what was sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestAdapted:
    """The server rejected a parameter; `note` says what was changed for the next try."""

    note: str


@dataclass(frozen=True, slots=True)
class ResponseOpened:
    """The response's status line and headers came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    request_id: str | None


@dataclass(frozen=True, slots=True)
class WireFrame:
    """One frame as it came: its text and when, in milliseconds since the request was sent."""

    at_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class WireRecord:
    """The wire of one exchange: the request, when it was recorded, and every frame."""

    request: RequestSent | None
    frames: Sequence[WireFrame]


@dataclass(frozen=True, slots=True)
class Identified:
    """What the server says of itself and of the response; None is "not said here"."""

    response_id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    fingerprint: str | None = None
    is_stored: bool | None = None
    previous_response_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of a choice."""

    choice: int
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More reasoning of a choice.

    `fields` names the fields of the message that it came in, when it came in fields of its
    own; `received` is the text as it came, tags included, when it came within the text.
    """

    choice: int
    text: str
    fields: tuple[str, ...] = ()
    received: str = ""


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of a refusal."""

    choice: int
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a tool call.

    `slot` tells the calls of a choice apart: what belongs to one call has one slot. An id
    and a name are whole, and the newest counts; arguments are appended, or begin anew when
    `restarts`. `fields` is a JSON object of the call's fields that only the server reads.
    """

    choice: int
    slot: int
    call_id: str | None
    name: str | None
    arguments: str
    kind: str = "function"
    restarts: bool = False
    fields: str = ""


@dataclass(frozen=True, slots=True)
class ToolCallReported:
    """A tool call as a whole: what the server itself ran, or the last word on one asked for."""

    choice: int
    slot: int
    call: ToolCall


@dataclass(frozen=True, slots=True)
class FieldsReported:
    """More of a message's fields that only the server reads; `fields` is a JSON object."""

    choice: int
    fields: str


@dataclass(frozen=True, slots=True)
class ImageReported:
    """An image within a reply: its bytes, or where they are."""

    choice: int
    image: ReplyImage


@dataclass(frozen=True, slots=True)
class SectionStarted:
    """Another stretch of text begins; `phase` is the server's word for what it is."""

    choice: int
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class CitationAdded:
    """The text so far cites a source."""

    choice: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class ItemReported:
    """An output item of a response, as far as it is known; the newest word on it counts.

    `slot` tells items apart; `item.index` is the item's place among them.
    """

    choice: int
    slot: int
    item: OutputItem


@dataclass(frozen=True, slots=True)
class StatusStated:
    """The server's own word for how a response stands, and why it is incomplete or failed."""

    status: str
    reason: str | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class UnknownEventSeen:
    """An event of a type that nothing is known about; it is in the journal."""

    type: str


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """A try failed before anything came; the next one begins after `wait_s` seconds."""

    failure: Failure
    wait_s: float


@dataclass(frozen=True, slots=True)
class FrameSkipped:
    """A frame that could not be read; it is in the journal. `why` says it in words."""

    why: str


@dataclass(frozen=True, slots=True)
class FinishStated:
    """The server's own word for why a choice stopped; `native` is that of the server behind
    a gateway, where the gateway tells it.
    """

    choice: int
    raw: str
    native: str | None = None


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Token counts, and the cost where the server states one."""

    usage: Usage
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class ExtraReported:
    """A non-standard field that is kept and shown; `value` is its JSON."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The last event: how the stream ended, `at_ms` after the request was sent."""

    end: StreamEnd
    at_ms: float
    failure: Failure | None = None


Event = (
    RequestSent
    | RequestAdapted
    | ResponseOpened
    | WireFrame
    | Identified
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallDelta
    | ToolCallReported
    | FieldsReported
    | ImageReported
    | SectionStarted
    | CitationAdded
    | ItemReported
    | StatusStated
    | UnknownEventSeen
    | FrameSkipped
    | RetryScheduled
    | FinishStated
    | UsageReported
    | ExtraReported
    | StreamEnded
)

Listen = Callable[[Event], None]
"""A listener: called once for each event, in order. It must not block. An exception from it
cancels the stream, and is raised to the caller who passed the listener.
"""


def ignore(_event: Event) -> None:
    """A listener that does nothing."""

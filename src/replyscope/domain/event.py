"""Events are the normalised steps of a reply as it streams.

A provider reports them in wire order: `RequestSent`, `ResponseOpened`, then for each
frame a `WireFrame` followed by its meaning, and exactly one `StreamEnded` last. Errors
are events too, so every outcome is recorded in the same way.
"""

from collections.abc import Callable, Sequence

from replyscope.domain.exchange import Citation, OutputItem, ReplyImage, ToolCall, Usage
from replyscope.domain.failure import Failure
from replyscope.domain.finish import StreamEnd
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class RequestSent:
    """The request that was sent, with masked headers; `body` has the exact bytes."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestAdapted:
    """The server rejected a parameter; `note` describes the change for the next try."""

    note: str


@dataclass(frozen=True, slots=True)
class ResponseOpened:
    """The status and headers of the response arrived."""

    status: int
    headers: tuple[tuple[str, str], ...]
    request_id: str | None


@dataclass(frozen=True, slots=True)
class WireFrame:
    """One received frame: its exact text, and its time in milliseconds since the request."""

    at_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class WireRecord:
    """The wire of one exchange: the request, when it was recorded, and every frame."""

    request: RequestSent | None
    frames: Sequence[WireFrame]


@dataclass(frozen=True, slots=True)
class Identified:
    """Identification of the server and the response; None is "not in this frame"."""

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

    `fields` names the message fields that contained it, if it was in separate fields;
    `received` is the original text with its tags, if it was inside the text.
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

    `slot` identifies the call within its choice. An id and a name are complete, and the newest
    is used; arguments are appended, or replaced when `restarts`. `fields` is a JSON object
    of the call's fields that only the server reads.
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
    """A complete tool call: one that the server ran, or the final version of a streamed one."""

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
    """An image within a reply: its bytes or its URL."""

    choice: int
    image: ReplyImage


@dataclass(frozen=True, slots=True)
class SectionStarted:
    """A new section of text starts; `phase` is the server's name for its kind."""

    choice: int
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class CitationAdded:
    """The text so far cites a source."""

    choice: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class ItemReported:
    """An output item of a response, complete or partial; the newest version is used.

    `slot` identifies the item; `item.index` is its position.
    """

    choice: int
    slot: int
    item: OutputItem


@dataclass(frozen=True, slots=True)
class StatusStated:
    """The status of a response, and the reason why it is incomplete or failed, verbatim."""

    status: str
    reason: str | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class UnknownEventSeen:
    """An event of an unknown type; the journal has it."""

    type: str


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """A try failed before any content; the next one starts after `wait_s` seconds."""

    failure: Failure
    wait_s: float


@dataclass(frozen=True, slots=True)
class FrameSkipped:
    """A frame that could not be parsed; the journal has it. `why` is the reason in words."""

    why: str


@dataclass(frozen=True, slots=True)
class FinishStated:
    """The finish reason of a choice, verbatim; `native` is the one of the server behind a
    gateway, if the gateway reports it.
    """

    choice: int
    raw: str
    native: str | None = None


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Token counts, and the cost if the server reports one."""

    usage: Usage
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class ExtraReported:
    """A non-standard field that is stored and shown; `value` is its JSON."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The last event: the end of the stream, `at_ms` after the request was sent."""

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
cancels the stream, and is raised to the caller that passed the listener.
"""


def ignore(_event: Event) -> None:
    """A listener that does nothing."""

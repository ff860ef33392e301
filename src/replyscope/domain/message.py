"""A message is a role and its parts; a session is a tree of messages.

Messages are immutable. An assistant message stores no text of its own: it names
the exchanges (and the choice in each) that produced it, so what a model said has
one home, the exchange.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from replyscope.domain.tool import KeptFile, ToolCallState


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class TextPart:
    """Plain text, exactly as written or received."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An attached image; `data` is the file's own bytes."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class FilePart:
    """An attached text file, or a paste too large to show in the composer."""

    name: str
    text: str


Attachment = FilePart | ImagePart
"""What a person adds to a message beside its text."""


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What a model said it thought."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalPart:
    """A refusal in the model's own words."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """An invocation that the model asked for; `kind` is function, custom, or the item's type.

    `fields` is a JSON object of fields that only the model's server reads, in their places.
    """

    call_id: str
    name: str
    arguments: str
    kind: str = "function"
    fields: str = ""


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    """What became of the call with the same id; `output` is what the model is told.

    `kind` is the call's. `arguments` are those it ran with, where the person changed them;
    `detail` is for the person alone, `schema` the one that the arguments had to fit. A part
    is saved before its tool starts, so that a call that may have run is known as one.
    Times in milliseconds, `started_ms` since 1970. `runner` is the process that runs it.
    """

    call_id: str
    output: str
    name: str = ""
    state: ToolCallState = ToolCallState.COMPLETED
    kind: str = "function"
    source: str = ""
    schema: str = ""
    allowed_by: str = ""
    arguments: str | None = None
    started_ms: int | None = None
    duration_ms: float | None = None
    detail: str = ""
    files: tuple[KeptFile, ...] = ()
    runner: str = ""

    def interrupted(self) -> "ToolResultPart":
        """The part, once its tool can't run any more: nobody knows what it did."""
        if self.state is not ToolCallState.RUNNING:
            return self
        words = "Error: this call was interrupted while it ran; it may have had effects."
        return replace(self, state=ToolCallState.INTERRUPTED, output=words)


@dataclass(frozen=True, slots=True)
class OpaquePart:
    """A provider's own item, kept and sent back verbatim. `payload` is its JSON.

    Of the kind MESSAGE_FIELDS it is an object of fields of the message itself.
    """

    kind: str
    payload: str


MESSAGE_FIELDS = "message_fields"

Part = (
    TextPart
    | ImagePart
    | FilePart
    | ReasoningPart
    | RefusalPart
    | ToolCallPart
    | ToolResultPart
    | OpaquePart
)


@dataclass(frozen=True, slots=True)
class ReplySource:
    """The choice of an exchange that a stretch of an assistant message came from."""

    exchange_id: str
    choice_index: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One node of a session's tree.

    `sources` is empty but for assistant messages; several sources mean that the
    reply was continued, in order.
    """

    id: str
    role: Role
    parts: tuple[Part, ...]
    created_at: datetime
    parent_id: str | None = None
    sources: tuple[ReplySource, ...] = ()

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

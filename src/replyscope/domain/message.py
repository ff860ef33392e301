"""Messages: a message has a role and parts; a session is a tree of messages.

Messages are immutable. An assistant message stores no text: it refers to the exchanges (and
the choice in each) that produced it, so a reply's content is stored only in the exchange.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from replyscope.domain.tool import KeptFile, ToolCallState
from replyscope.domain.unicode_text import byte_count
from replyscope.domain.values import dataclass


class Role(StrEnum):
    """The role of a message's author. `ASIDE` is a side question of the person, which is not part
    of later requests.
    """

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class TextPart:
    """Plain text, exactly as written or received."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An attached image; `data` is the content of the file."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class FilePart:
    """An attached text file, or a paste too large to show in the composer."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class AudioPart:
    """An attached recording; `data` is the content of the file, in WAV or MP3."""

    name: str
    media_type: str
    data: bytes

    @property
    def form(self) -> str:
        """The name of the format in requests: wav or mp3."""
        return "wav" if "wav" in self.media_type else "mp3"


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """An attached PDF. `data` is the content of the file.

    `text` and `pages` are for servers that do not accept PDF files: the text of all pages, and
    images of the pages that text does not describe. `page_count` counts all pages.
    """

    name: str
    data: bytes
    text: str = ""
    pages: tuple[ImagePart, ...] = ()
    page_count: int = 0


SHORT_VERSION = 8
"""The number of hex digits of a prompt's version that people see."""


@dataclass(frozen=True, slots=True)
class PromptPart:
    """The prompt of the library that a message was made with. It is not sent.

    `version` is the SHA-256 of `text`, the content of the prompt's file.
    """

    name: str
    version: str
    text: str = ""

    @property
    def short_name(self) -> str:
        """The name with the first digits of the version: review@3f2a81c0."""
        return f"{self.name}@{self.version[:SHORT_VERSION]}"


Attachment = FilePart | ImagePart | AudioPart | DocumentPart | PromptPart
"""An attachment of a message."""


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """The reasoning of a model."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalPart:
    """A refusal in the model's own words."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A tool call of the model; `kind` is function, custom, or the item's type.

    `fields` is a JSON object of the call's fields that only the model's server reads.
    """

    call_id: str
    name: str
    arguments: str
    kind: str = "function"
    fields: str = ""


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    """The result of the call with the same id; `output` is the text for the model.

    `kind` is the call's. `arguments` are the arguments that the person changed; `detail` is only
    for the person, `schema` is the schema of the arguments. A part is saved before its tool
    starts, so that a call that may have run is known after a crash. Times in milliseconds,
    `started_ms` since 1970. `runner` is the process that runs it.
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
        """The part of a call whose process has died: its effects are unknown."""
        if self.state is not ToolCallState.RUNNING:
            return self
        words = "Error: this call was interrupted while it ran. It may have had effects."
        return replace(self, state=ToolCallState.INTERRUPTED, output=words)


@dataclass(frozen=True, slots=True)
class OpaquePart:
    """A provider's item, stored and sent back verbatim. `payload` is its JSON.

    For the kind MESSAGE_FIELDS it is an object of fields of the message itself, for NOTE a text.
    """

    kind: str
    payload: str


MESSAGE_FIELDS = "message_fields"
NOTE = "note"
"""The kind of a sentence for the person in a message of their role; it is never sent."""


def byte_size(part: Attachment) -> int:
    """The size of an attachment in bytes."""
    if isinstance(part, PromptPart):
        return byte_count(part.text)
    return byte_count(part.text) if isinstance(part, FilePart) else len(part.data)


def attached_text(part: Attachment) -> str:
    """The text of an attachment; empty for images and recordings."""
    return part.text if isinstance(part, FilePart | DocumentPart) else ""


Part = (
    TextPart
    | ImagePart
    | FilePart
    | ReasoningPart
    | RefusalPart
    | ToolCallPart
    | ToolResultPart
    | OpaquePart
    | AudioPart
    | DocumentPart
    | PromptPart
)


@dataclass(frozen=True, slots=True)
class ReplySource:
    """The exchange and the choice that produced a part of an assistant message."""

    exchange_id: str
    choice_index: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One node of a session's tree.

    `sources` is empty except for assistant messages; several sources are the parts of a
    continued reply, in order.
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

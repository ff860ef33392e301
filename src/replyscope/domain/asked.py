"""The request of another program for a reply, read from its body: the conversation so far."""

from dataclasses import dataclass

from replyscope.domain.exchange import Api
from replyscope.domain.message import Part, Role

ITEM_REFERENCE = "item_reference"
"""The kind of an opaque part that names an output item which the server stores."""


@dataclass(frozen=True, slots=True)
class AskedMessage:
    """A message of a request. The results of one reply's tool calls are one message."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A request for a reply. `system` is the text of the leading system messages.

    `previous_response_id` and `conversation` name what the server stores of the conversation:
    then `messages` are only the new ones. With `is_readable` false the body could not be parsed.
    """

    api: Api
    model: str = ""
    system: str | None = None
    messages: tuple[AskedMessage, ...] = ()
    choices: int = 1
    max_tokens: int | None = None
    schema: str | None = None
    previous_response_id: str | None = None
    conversation: str | None = None
    is_background: bool = False
    is_readable: bool = True

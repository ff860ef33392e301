"""The protocol of the store for watched calls: known beginnings of conversations, and new calls."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from replyscope.domain.event import RequestSent
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, ReplySource
from replyscope.domain.session import Session
from replyscope.domain.stores import Journal


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a saved conversation that a later request may continue.

    `key` identifies the conversation up to its message. `has_reply` is whether a recorded reply
    is among the messages. `sources` are the sources of the message, `client` is the client of the
    session.
    """

    key: bytes
    session_id: str
    message_id: str
    at: datetime
    has_reply: bool = False
    client: str = ""
    sources: tuple[ReplySource, ...] = ()


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call to add to a session, in one transaction.

    `is_new` is whether the session is created. `messages` are the new messages of the request,
    `history` the exchanges of replies among them that were not recorded; `replies` are the
    messages of the awaited reply, one for each choice. `places` are the new messages' places,
    `sent` is the request.
    """

    session: Session
    is_new: bool
    messages: tuple[Message, ...]
    replies: tuple[Message, ...]
    opening: Exchange
    history: tuple[Exchange, ...] = ()
    places: tuple[Place, ...] = field(default=())
    sent: RequestSent | None = None


class WatchStore(Protocol):
    """The sessions of watched programs. Every method may raise StoreError."""

    async def find_places(self, keys: Sequence[bytes]) -> tuple[Place, ...]:
        """The known places of sessions that are not deleted, newest first."""
        ...

    async def begin_call(self, call: NewCall) -> Journal:
        """Save a call that starts. Raises StoreRejected if its session was removed."""
        ...

    async def add_places(self, places: Sequence[Place]) -> None:
        """Save the places of a reply that has ended."""
        ...

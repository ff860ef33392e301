"""Replies that a provider stores, as this machine knows them."""

from datetime import datetime
from enum import StrEnum

from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.message import Part, Role
from replyscope.domain.values import dataclass


class RemoteState(StrEnum):
    """The known state of a reply at its provider."""

    KEPT = "kept"
    NOT_KEPT = "not kept"
    EXPIRED = "expired"
    DELETED = "deleted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RemoteReply:
    """The id of a stored reply. The API can't list stored replies: replyscope lists its own."""

    response_id: str
    api: Api
    endpoint: str
    base_url: str
    model: str
    session_id: str
    seen_at: datetime
    state: RemoteState

    @property
    def may_be_stored(self) -> bool:
        """Whether a provider may store it. Chat Completions does not, unless it says so."""
        return self.api is Api.RESPONSES or self.state is not RemoteState.UNKNOWN


@dataclass(frozen=True, slots=True)
class FetchedInput:
    """One message of a reply's input; `item_id` is unique among all replies."""

    role: Role
    parts: tuple[Part, ...]
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class FetchedReply:
    """A reply from its provider: the exchange, and its input."""

    exchange: Exchange
    inputs: tuple[FetchedInput, ...]

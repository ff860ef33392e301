"""Replies that a provider keeps on its side: what this machine knows of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.message import Part, Role


class RemoteState(StrEnum):
    """What is known of a reply at its provider."""

    KEPT = "kept"
    NOT_KEPT = "not kept"
    EXPIRED = "expired"
    DELETED = "deleted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RemoteReply:
    """An id that replyscope has seen. There is no call that lists them: this is the list."""

    response_id: str
    api: Api
    endpoint: str
    base_url: str
    model: str
    session_id: str
    seen_at: datetime
    state: RemoteState


@dataclass(frozen=True, slots=True)
class FetchedInput:
    """One thing that was said to the model; `item_id` tells it from those of other replies."""

    role: Role
    parts: tuple[Part, ...]
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class FetchedReply:
    """A reply as the provider has it: the exchange that it makes, and its input."""

    exchange: Exchange
    inputs: tuple[FetchedInput, ...]

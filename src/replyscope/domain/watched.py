"""A call of another program that `replyscope watch` forwards, and the protocols of its listener.

The relay reports calls through these protocols; the archive implements them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Client:
    """The program that made a call. `name` is of its user agent; pid and command are of the peer
    process, where they are known.
    """

    name: str
    pid: int | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class WatchedRequest:
    """A request that was forwarded. Header values with secrets are masked; `body` is decoded.

    `upstream` is the name of the upstream: a provider's name or the host. `base_url` is without
    userinfo; `path` is below it, such as `/chat/completions`. With `is_cut` the body was larger
    than the bound, and `body` is empty. `secrets` are the keys in the request's headers: they are
    masked in everything that is recorded, and never stored. `fault` is the rule of `--fault` that
    hits the call, empty for none. `intervention` is a sentence about what a person or a rule
    decided about the call before it was forwarded, empty for nothing.
    """

    id: str
    at: datetime
    upstream: str
    base_url: str
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    client: Client
    is_cut: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    fault: str = ""
    intervention: str = ""


MISSED = ", which found nothing to change"
"""Follows the rule of a fault that had no effect."""


class CallListener(Protocol):
    """A receiver of one response, in order. Methods return at once and never raise.

    Times are milliseconds since the request began.
    """

    def responded(self, status: int, headers: tuple[tuple[str, str], ...], at_ms: float) -> None:
        """The status and the headers arrived."""
        ...

    def received(self, data: bytes, at_ms: float) -> None:
        """A part of the body arrived; content encoding and chunking are removed."""
        ...

    def fault_missed(self) -> None:
        """The rule in `fault` of the request found nothing to change. Reported before the end."""
        ...

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> None:
        """The call ended: properly with None, else `fault` says why it broke off: "client",
        "upstream", or a sentence.

        `lack` is a sentence that says why not all of the body was reported, although it was
        forwarded; None when it was.
        """
        ...


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer a call with an error in the form of the API; the request is not forwarded."""

    status: int
    message: str


class CallObserver(Protocol):
    """A receiver of calls."""

    def called(self, request: WatchedRequest) -> CallListener:
        """A request was forwarded. Returns at once and never raises."""
        ...

"""The messages between the program and the process of its relay.

Reports of calls and questions come from the relay; its setup and answers go to it. `call` and
`question` are numbers that the process of the relay counts.
"""

from dataclasses import dataclass

from replyscope.domain.watched import WatchedRequest
from replyscope.serving.faults.rule import FaultRule
from replyscope.serving.gate import Decision
from replyscope.serving.watch.process.trust import Trust
from replyscope.serving.watch.upstream import Access

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class UpstreamSetup:
    """An upstream with its route in a form that another process can use. `proxy` is the URL and
    the source of the proxy.
    """

    name: str
    base_url: str
    secrets: tuple[str, ...]
    access: Access | None
    proxy: tuple[str, str] | None
    trust: Trust


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message to a relay. With port 0 it chooses one. `most_waiting` are the bytes of
    reports that may wait in its memory.
    """

    upstreams: tuple[UpstreamSetup, ...]
    address: str
    port: int
    token: str | None
    own_names: tuple[str, ...]
    has_gate: bool
    has_faults: bool
    most_waiting: int


@dataclass(frozen=True, slots=True)
class Decided:
    """The answer to Asked."""

    question: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class FaultChosen:
    """The answer to FaultAsked. The query of the rule is left out."""

    question: int
    rule: FaultRule | None


@dataclass(frozen=True, slots=True)
class Settle:
    """Wait until no call runs, for some time at most; Settled is the answer."""

    longest_s: float


@dataclass(frozen=True, slots=True)
class Stop:
    """End all calls, report that, and exit."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The relay accepts calls."""

    port: int


@dataclass(frozen=True, slots=True)
class NotListening:
    """The relay can't listen: the system's number and words for the error."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A notice for the person."""

    text: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The answer to Settle."""


@dataclass(frozen=True, slots=True)
class Called:
    """See CallObserver.called."""

    call: int
    request: WatchedRequest


@dataclass(frozen=True, slots=True)
class Responded:
    """See CallListener.responded."""

    call: int
    status: int
    headers: Pairs
    at_ms: float


@dataclass(frozen=True, slots=True)
class Received:
    """See CallListener.received."""

    call: int
    data: bytes
    at_ms: float


@dataclass(frozen=True, slots=True)
class FaultMissed:
    """See CallListener.fault_missed."""

    call: int


@dataclass(frozen=True, slots=True)
class Ended:
    """See CallListener.ended."""

    call: int
    fault: str | None
    at_ms: float
    lack: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """The gate is asked about a request."""

    question: int
    request: WatchedRequest


@dataclass(frozen=True, slots=True)
class FaultAsked:
    """A fault for a request is asked for."""

    question: int
    request: WatchedRequest


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A question needs no answer any more: the client has left."""

    question: int


ToRelay = Setup | Decided | FaultChosen | Settle | Stop
FromRelay = (
    Listening
    | NotListening
    | Noted
    | Settled
    | Called
    | Responded
    | Received
    | FaultMissed
    | Ended
    | Asked
    | FaultAsked
    | Withdrawn
)
Message = ToRelay | FromRelay

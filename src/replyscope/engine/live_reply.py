"""The target of a request, and the reply while it streams."""

import asyncio
from collections.abc import Sequence
from dataclasses import field, replace
from typing import Protocol

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.event import Event, RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.frame_log import FrameLog
from replyscope.domain.message import Message
from replyscope.domain.ports import Clock, ModelProvider
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.domain.settings import Settings
from replyscope.domain.values import dataclass
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.parameter_layers import effective, parameter_layers


class Destination(Protocol):
    """The endpoint and the model of a request, without a connection."""

    @property
    def endpoint(self) -> Endpoint: ...
    @property
    def model(self) -> str: ...
    @property
    def leaves_out(self) -> int: ...

    def parameters(self, settings: SessionSettings) -> Parameters:
        """The parameters of a request of a session."""
        ...


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """The destination of a request that is only looked at. `known` are the person's settings."""

    endpoint: Endpoint
    model: str
    known: Settings
    leaves_out: int = 0

    def parameters(self, settings: SessionSettings) -> Parameters:
        """The parameters of a request of a session to this target."""
        return effective(parameter_layers(settings, self.endpoint, self.model, self.known))


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a request: an endpoint, an open provider for it, and a model.

    `leaves_out` is the number of the branch's oldest messages that are not sent; `known` are
    the settings of the person.
    """

    endpoint: Endpoint
    provider: ModelProvider
    model: str
    leaves_out: int = 0
    known: Settings = field(default_factory=Settings)

    def parameters(self, settings: SessionSettings) -> Parameters:
        """The parameters of a request of a session to this target."""
        return effective(parameter_layers(settings, self.endpoint, self.model, self.known))


class LiveReply:
    """An exchange while it streams; `exchange()` is a snapshot for the screen.

    Each requested choice has its own message. With `is_resumed` the journal already has the
    request.
    """

    def __init__(
        self,
        messages: Sequence[Message],
        fold: ExchangeFold,
        writer: JournalWriter,
        clock: Clock,
        *,
        is_resumed: bool = False,
    ) -> None:
        self.messages = tuple(messages)
        self.fold = fold
        self.writer = writer
        self.request: RequestSent | None = None
        self.frames = FrameLog()
        self.finishing: asyncio.Future[None] | None = None
        self._clock = clock
        self._is_resumed = is_resumed
        self._started_ms = clock.monotonic_ms()

    def apply(self, event: Event) -> None:
        """Fold an event, and queue its frame or request for the journal."""
        self.fold.apply(event)
        if type(event) is WireFrame:
            self.frames.append(event)
            self.writer.add(event)
        elif type(event) is RequestSent and not self._is_resumed:
            self.request = event
            self.writer.note_request(event)

    @property
    def version(self) -> int:
        """Grows with every event."""
        return self.fold.version

    @property
    def fold_id(self) -> str:
        """The id of the streaming exchange."""
        return self.messages[0].sources[-1].exchange_id

    @property
    def record(self) -> WireRecord:
        """The wire so far; its frames grow in place."""
        return WireRecord(self.request, self.frames)

    def exchange(self) -> Exchange:
        """A snapshot. Its state is `in_progress` until the ending is saved."""
        snapshot = self.fold.snapshot(self._clock.monotonic_ms() - self._started_ms)
        if snapshot.state.is_terminal:
            return replace(snapshot, state=ExchangeState.IN_PROGRESS)
        return snapshot

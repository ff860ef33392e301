"""The target of a request, and the reply while it streams."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.event import RequestSent, WireRecord
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.frame_log import FrameLog
from replyscope.domain.message import Message
from replyscope.domain.ports import Clock, ModelProvider


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a request: an endpoint, an open provider for it, and a model.

    `leaves_out` is the number of the branch's oldest messages that are not sent.
    """

    endpoint: Endpoint
    provider: ModelProvider
    model: str
    leaves_out: int = 0


class LiveReply:
    """An exchange while it streams; `exchange()` is a snapshot for the screen.

    Each requested choice has its own message.
    """

    def __init__(self, messages: Sequence[Message], fold: ExchangeFold, clock: Clock) -> None:
        self.messages = tuple(messages)
        self.fold = fold
        self.request: RequestSent | None = None
        self.frames = FrameLog()
        self.finishing: asyncio.Future[None] | None = None
        self._clock = clock
        self._started_ms = clock.monotonic_ms()

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

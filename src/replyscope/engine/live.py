"""Where a request goes, and the exchange that streams of it."""

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
    """Where a request goes: an endpoint, an open provider for it, and a model.

    `leaves_out` is how many of the branch's oldest messages are not sent.
    """

    endpoint: Endpoint
    provider: ModelProvider
    model: str
    leaves_out: int = 0


class LiveReply:
    """An exchange while it streams; `exchange()` is what a screen may show of it now.

    Each choice that was asked for has a message of its own.
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
        """The id of the exchange that streams."""
        return self.messages[0].sources[-1].exchange_id

    @property
    def record(self) -> WireRecord:
        """The wire so far; its frames grow in place."""
        return WireRecord(self.request, self.frames)

    def exchange(self) -> Exchange:
        """A snapshot. It says `in_progress` until the ending is on disk."""
        snapshot = self.fold.snapshot(self._clock.monotonic_ms() - self._started_ms)
        if snapshot.state.is_terminal:
            return replace(snapshot, state=ExchangeState.IN_PROGRESS)
        return snapshot

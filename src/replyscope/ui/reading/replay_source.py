"""The source of a replay: a recorded reply at the moment of the playback."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, ToolResultPart
from replyscope.inspection.explain import Remedy
from replyscope.inspection.timeline import Timeline, timeline_of
from replyscope.ui.reading.playback import Playback


class ReplaySource:
    """One reply, wherever the cursor is. Nothing is loaded from the store.

    `exchange` is the finished exchange; wire and timeline are drawn from it at each moment.
    """

    can_step = False

    def __init__(
        self, reply: Message, exchange: Exchange, record: WireRecord, playback: Playback
    ) -> None:
        self.exchanges = {exchange.id: exchange}
        self._reply = reply
        self._record = record
        self._playback = playback

    @property
    def moment_ms(self) -> float:
        """The moment of the playback, in milliseconds since the request."""
        return self._playback.at_ms

    def reply_at(self, key: str | None) -> Message:
        """The reply that is played."""
        return self._reply

    def results(self, reply: Message) -> Mapping[str, ToolResultPart]:
        """Empty: no tool runs in a replay."""
        return {}

    def possible(self, reply: Message) -> frozenset[Remedy]:
        """None: a recording is only played."""
        return frozenset()

    def at_moment(self, exchange: Exchange) -> Exchange:
        """The exchange at the moment; at the end, the finished one."""
        return exchange if self._playback.is_over else self._playback.exchange()

    def record_now(self, exchange: Exchange) -> WireRecord:
        """The recording that is played."""
        return self._record

    async def timelines(
        self, exchange: Exchange, results: Mapping[str, ToolResultPart]
    ) -> AsyncIterator[Timeline]:
        """The timeline; of its frames alone while the events are not all read."""
        is_read = self._playback.ready >= 1
        events = self._playback.events() if is_read else self._record.frames
        yield await asyncio.to_thread(timeline_of, exchange, events, results)

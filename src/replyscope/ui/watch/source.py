"""The source of the reading pane: the call that is pointed at, live while it streams."""

from collections.abc import AsyncIterator, Callable, Mapping

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, ReplySource, Role, ToolResultPart
from replyscope.engine.watching.call_log import LoggedCall
from replyscope.inspection.explain import Remedy
from replyscope.inspection.timeline import Timeline, timeline_of
from replyscope.ui.reading.recording import load_timelines
from replyscope.ui.services import Services
from replyscope.ui.transcript.content import EntryContent, no_content, reply_content


class CallSource:
    """Reads one call; `current` returns its current state. Implements Source."""

    can_step = False
    moment_ms = None

    def __init__(self, services: Services, current: Callable[[], LoggedCall | None]) -> None:
        self._services = services
        self._current = current

    @property
    def exchanges(self) -> Mapping[str, Exchange]:
        """The exchange of the call."""
        call = self._current()
        exchange = call.exchange if call is not None else None
        return {} if exchange is None else {exchange.id: exchange}

    def reply_at(self, key: str | None) -> Message | None:
        """The reply of the call with that id, if it is the one pointed at."""
        call = self._current()
        if call is None or call.id != key or call.exchange is None:
            return None
        sources = (ReplySource(call.exchange.id),)
        return Message(call.id, Role.ASSISTANT, (), call.request.at, None, sources)

    def content_of(self, key: str) -> EntryContent:
        """The entry of the reply."""
        reply = self.reply_at(key)
        if reply is None:
            return no_content(key)
        return reply_content(reply, self.exchanges, possible=frozenset())

    def results(self, reply: Message) -> Mapping[str, ToolResultPart]:
        """None: the exchange has them, as soon as the next call brings them."""
        return {}

    def possible(self, reply: Message) -> frozenset[Remedy]:
        """None: another program asked."""
        return frozenset()

    def at_moment(self, exchange: Exchange) -> Exchange:
        """The exchange itself."""
        return exchange

    def record_now(self, exchange: Exchange) -> WireRecord | None:
        """None: the journal has the frames, also of a reply that streams."""
        return None

    async def timelines(
        self, exchange: Exchange, results: Mapping[str, ToolResultPart]
    ) -> AsyncIterator[Timeline]:
        """The timeline of a running call without its frames; else see Source."""
        if not exchange.state.is_terminal:
            yield timeline_of(exchange, (), results)
            return
        async for timeline in load_timelines(self._services, exchange, results):
            yield timeline

"""The source of the chat's reading pane: the open conversation, live while it streams."""

from collections.abc import AsyncIterator, Callable, Mapping

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, ToolResultPart
from replyscope.domain.overlaid import Overlaid
from replyscope.engine.calls import results_under
from replyscope.engine.conversation import Conversation
from replyscope.engine.tree import MessageTree
from replyscope.inspection.timeline import Timeline, timeline_of
from replyscope.ui.reading.entries import reply_at
from replyscope.ui.reading.recording import load_timelines
from replyscope.ui.services import Services
from replyscope.ui.transcript.content import ContentOf


class ConversationSource:
    """The conversation that `opened` returns; another may be opened at any time."""

    can_step = True
    moment_ms = None

    def __init__(
        self, services: Services, opened: Callable[[], Conversation], content_of: ContentOf
    ) -> None:
        self._services = services
        self._opened = opened
        self.content_of = content_of

    @property
    def tree(self) -> MessageTree:
        """The messages of the conversation."""
        return self._opened().tree

    @property
    def exchanges(self) -> Mapping[str, Exchange]:
        """The exchanges by id, with a snapshot of each that streams."""
        conversation = self._opened()
        if not conversation.lives:
            return conversation.exchanges
        live = {exchange_id: live.exchange() for exchange_id, live in conversation.lives.items()}
        return Overlaid(live, conversation.exchanges)

    def reply_at(self, key: str | None) -> Message | None:
        """The reply under the cursor; for a person's message, the reply to it."""
        return reply_at(self._opened().messages, key)

    def results(self, reply: Message) -> Mapping[str, ToolResultPart]:
        """The results of a reply's tool calls, by call id."""
        return results_under(reply, self.tree)

    def at_moment(self, exchange: Exchange) -> Exchange:
        """The exchange itself."""
        return exchange

    def record_now(self, exchange: Exchange) -> WireRecord | None:
        """The record while the exchange streams; its frames grow in place."""
        live = self._opened().lives.get(exchange.id)
        return live.record if live is not None else None

    async def timelines(
        self, exchange: Exchange, results: Mapping[str, ToolResultPart]
    ) -> AsyncIterator[Timeline]:
        """Timelines, each more complete; without frames while it streams. Raises StoreError."""
        if exchange.id in self._opened().lives:
            yield timeline_of(exchange, (), results)
            return
        async for timeline in load_timelines(self._services, exchange, results):
            yield timeline

"""Sources of the reading pane: the reply that is pointed at, its exchanges and its recording."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, Role, ToolResultPart
from replyscope.domain.session import StoredSession
from replyscope.engine.branch import read_in
from replyscope.engine.tool_calls import exchanges_with_results, results_under
from replyscope.engine.tree import MessageTree
from replyscope.inspection.explain import Remedy
from replyscope.inspection.timeline import Timeline
from replyscope.ui.reading.entries import reply_at
from replyscope.ui.reading.recording import load_timelines
from replyscope.ui.services import Services
from replyscope.ui.transcript.content import EntryContent, reply_content, user_content


class Source(Protocol):
    """The data of one reading pane. Nothing in it draws.

    `can_step` is whether each exchange of a continued reply can be inspected. `moment_ms` is the
    moment of a replay, in milliseconds since the request, and None elsewhere.
    """

    @property
    def can_step(self) -> bool: ...

    @property
    def moment_ms(self) -> float | None: ...

    @property
    def exchanges(self) -> Mapping[str, Exchange]:
        """The exchanges of the branch by id; one that streams is a snapshot."""

    def reply_at(self, key: str | None) -> Message | None:
        """The reply to inspect while the entry of that key is under the cursor."""

    def results(self, reply: Message) -> Mapping[str, ToolResultPart]:
        """The results of a reply's tool calls, by call id."""

    def possible(self, reply: Message) -> frozenset[Remedy]:
        """The remedies whose keys work now for a reply."""

    def at_moment(self, exchange: Exchange) -> Exchange:
        """The exchange at the moment of a replay; elsewhere the exchange itself."""

    def record_now(self, exchange: Exchange) -> WireRecord | None:
        """The wire record in memory. None when the store has it."""

    def timelines(
        self, exchange: Exchange, results: Mapping[str, ToolResultPart]
    ) -> AsyncIterator[Timeline]:
        """Timelines of an exchange, each more complete. Raises StoreError."""


class BranchSource(Source, Protocol):
    """A source with the tree of a session, from which other screens can be opened."""

    @property
    def tree(self) -> MessageTree: ...

    def content_of(self, message_id: str) -> EntryContent:
        """The transcript entry of a message."""


class StoredSource:
    """A saved session and the branch shown in it; empty until `open` gets a session."""

    can_step = False
    moment_ms = None

    def __init__(self, services: Services) -> None:
        self._services = services
        self.session: StoredSession | None = None
        self.tree = MessageTree((), None)
        self.exchanges: Mapping[str, Exchange] = {}

    def open(self, session: StoredSession) -> None:
        """Read from this session from now on, its newest branch first."""
        self.session = session
        self.tree = MessageTree(session.messages, session.session.head_id)
        self.exchanges = exchanges_with_results(session.exchanges, self.tree)

    def content_of(self, message_id: str) -> EntryContent:
        """The transcript entry of a message."""
        message = self.tree[message_id]
        if message.role is Role.ASSISTANT:
            return reply_content(message, self.exchanges, possible=frozenset())
        return user_content(read_in(message, {}))

    def reply_at(self, key: str | None) -> Message | None:
        """The reply under the cursor; for a person's message, the reply that follows."""
        return reply_at(self.tree.branch, key)

    def results(self, reply: Message) -> Mapping[str, ToolResultPart]:
        """The results of a reply's tool calls, by call id."""
        return results_under(reply, self.tree)

    def possible(self, reply: Message) -> frozenset[Remedy]:
        """None: a saved session is only read here."""
        return frozenset()

    def at_moment(self, exchange: Exchange) -> Exchange:
        """The exchange itself."""
        return exchange

    def record_now(self, exchange: Exchange) -> WireRecord | None:
        """None: the store has every record."""
        return None

    def timelines(
        self, exchange: Exchange, results: Mapping[str, ToolResultPart]
    ) -> AsyncIterator[Timeline]:
        """Timelines of an exchange, each more complete. Raises StoreError."""
        return load_timelines(self._services, exchange, results)

"""The source of the chat's reading pane: the open conversation with its streams."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, Role, ToolResultPart
from replyscope.domain.tool import ToolCallState
from replyscope.engine.branch import read_in
from replyscope.engine.earlier_exchange import earlier_exchange
from replyscope.engine.tool_calls import results_under, with_results
from replyscope.engine.tree import MessageTree
from replyscope.inspection.cache_use import is_cache_miss
from replyscope.inspection.explain import Mood, Remedy
from replyscope.inspection.timeline import Timeline, timeline_of
from replyscope.ui.chat.desk import Desk
from replyscope.ui.reading.entries import mood_of, reply_at, with_summary
from replyscope.ui.reading.recording import load_timelines
from replyscope.ui.transcript.content import EntryContent, Tab, reply_content, user_content

_WAITING = (FinishReason.TOOL_CALLS.value, FinishReason.NEEDS_APPROVAL.value)
_REQUESTED = ToolCallState.REQUESTED
_UNSENT = "The results of the tools were not sent.\n[t] send them"
_ELSEWHERE = "This reply streams in another window; it comes here when it is done."


class ChatSource:
    """A source that reads the desk's conversation. `has_room` is whether entries have room for
    a summary line.
    """

    can_step = True
    moment_ms = None

    def __init__(self, desk: Desk, has_room: Callable[[], bool]) -> None:
        self._desk = desk
        self._has_room = has_room

    @property
    def tree(self) -> MessageTree:
        """The messages of the open conversation."""
        return self._desk.conversation.tree

    @property
    def exchanges(self) -> Mapping[str, Exchange]:
        """Its exchanges, with the current state of each stream."""
        return self._desk.exchanges_now

    def reply_at(self, key: str | None) -> Message | None:
        """The reply under the cursor, or the reply to the message under it."""
        return reply_at(self._desk.conversation.messages, key)

    def results(self, reply: Message) -> Mapping[str, ToolResultPart]:
        """The results of a reply's tool calls, by call id."""
        return results_under(reply, self.tree)

    def possible(self, reply: Message) -> frozenset[Remedy]:
        """The remedies whose keys work now: an earlier reply can only be retried."""
        conversation = self._desk.conversation
        if self._desk.turns.is_running(conversation.session.id):
            return frozenset()
        last = conversation.messages[-1]
        is_newest = reply.id == last.id or (last.role is Role.TOOL and last.parent_id == reply.id)
        return frozenset(Remedy) if is_newest else frozenset({Remedy.RETRY})

    def at_moment(self, exchange: Exchange) -> Exchange:
        """The exchange itself."""
        return exchange

    def record_now(self, exchange: Exchange) -> WireRecord | None:
        """The wire record of a streaming reply."""
        live = self._desk.conversation.lives.get(exchange.id)
        return live.record if live is not None else None

    async def timelines(
        self, exchange: Exchange, results: Mapping[str, ToolResultPart]
    ) -> AsyncIterator[Timeline]:
        """Yields the timeline, and for a saved exchange a second one with its frames. Raises
        StoreError.
        """
        if exchange.id in self._desk.conversation.lives:
            yield timeline_of(exchange, (), results)
            return
        async for timeline in load_timelines(self._desk.services, exchange, results):
            yield timeline

    def cache_note(self, reply: Message) -> str:
        """A note under a reply's figures if it missed the server's prompt cache; else empty."""
        exchange = self.exchanges.get(reply.sources[-1].exchange_id) if reply.sources else None
        usage = exchange.usage if exchange is not None else None
        if usage is None or usage.cached_input_tokens is None:
            return ""
        earlier = earlier_exchange(self.tree, self.exchanges, reply)
        before = earlier.usage.input_tokens if earlier is not None and earlier.usage else None
        if before is None or not is_cache_miss(usage.cached_input_tokens, before):
            return ""
        return f"cached {usage.cached_input_tokens:,} of {before:,}\n[K] why"

    def content_of(self, message_id: str) -> EntryContent:
        """The entry of a message, live while its reply streams."""
        message = self._desk.conversation.tree[message_id]
        exchanges = self._desk.exchanges_now
        tabs = self._tabs_of(message, exchanges)
        mark = self._desk.conversation.session.settings.mark_of(message_id)
        if message.role is not Role.ASSISTANT:
            return replace(user_content(read_in(message, {})), tabs=tabs, mark=mark)
        now = {s.exchange_id: exchanges.get(s.exchange_id) for s in message.sources}
        joined = {key: self._with_results(message, e) for key, e in now.items() if e is not None}
        content = reply_content(message, joined, possible=self.possible(message))
        content = replace(content, tabs=tabs, mark=mark)
        if self._results_wait(message):
            content = replace(content, notice=_UNSENT, mood=Mood.NOTE)
        elif content.word in _WAITING and self._is_answered_now(message):
            content = replace(content, notice="")  # the card asks, or the tools run
        if content.is_live and not self._streams_here(message):
            return replace(content, word="elsewhere", notice=_ELSEWHERE)
        if self._has_room() and message.sources and not content.is_live:
            newest = exchanges.get(message.sources[-1].exchange_id)
            if newest is not None:
                return with_summary(content, newest)
        return content

    def _with_results(self, message: Message, exchange: Exchange) -> Exchange:
        if not message.sources or message.sources[-1].exchange_id != exchange.id:
            return exchange
        return with_results(exchange, self.results(message))

    def _is_answered_now(self, message: Message) -> bool:
        last = self._desk.conversation.messages[-1]
        is_tip = message.id in (last.id, last.parent_id)
        return is_tip and self._desk.turns.is_running(self._desk.conversation.session.id)

    def _results_wait(self, message: Message) -> bool:
        """Whether every tool of a reply has run and the results are not sent yet."""
        conversation = self._desk.conversation
        last = conversation.messages[-1] if conversation.messages else None
        if last is None or last.role is not Role.TOOL or last.parent_id != message.id:
            return False
        parts = [part for part in last.parts if isinstance(part, ToolResultPart)]
        is_done = all(p.state not in (_REQUESTED, ToolCallState.RUNNING) for p in parts)
        return is_done and not self._desk.turns.is_running(conversation.session.id)

    def _streams_here(self, message: Message) -> bool:
        return any(
            source.exchange_id in self._desk.conversation.lives for source in message.sources
        )

    def _tabs_of(self, message: Message, exchanges: Mapping[str, Exchange]) -> tuple[Tab, ...]:
        siblings = self._desk.conversation.tree.siblings(message)
        if len(siblings) < 2:
            return ()
        return tuple(
            Tab(sibling.id, mood_of(sibling, exchanges), sibling.id == message.id)
            for sibling in siblings
        )

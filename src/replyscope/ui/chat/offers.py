"""Which commands do something now, for the message under the cursor."""

from replyscope.domain.exchange import Choice
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role
from replyscope.engine.tool_calls import calls_of
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.panes import Panes


class Offers:
    """Predicates of commands. The footer shows a key only while its predicate is true."""

    def __init__(self, desk: Desk, panes: Panes) -> None:
        self._desk = desk
        self._panes = panes

    @property
    def is_streaming(self) -> bool:
        """Whether a turn of the open session runs."""
        return self._desk.turns.is_running(self._desk.conversation.session.id)

    @property
    def has_message(self) -> bool:
        """Whether the cursor is on a message."""
        return self._panes.message_at_cursor() is not None

    @property
    def is_at_reply(self) -> bool:
        """Whether the cursor is on a reply that is complete, or on its message."""
        return self._panes.reply_at_cursor() is not None and not self.is_streaming

    @property
    def can_retry(self) -> bool:
        """Whether a message of the person exists, and nothing streams."""
        messages = self._desk.conversation.messages
        return not self.is_streaming and any(m.role is Role.USER for m in messages)

    @property
    def has_versions(self) -> bool:
        """Whether the message under the cursor has siblings."""
        message = self._panes.message_at_cursor()
        return message is not None and len(self._desk.conversation.tree.siblings(message)) > 1

    @property
    def has_exchanges(self) -> bool:
        """Whether the reply was made by several exchanges."""
        reply = self._panes.reply_at_cursor()
        return reply is not None and len(reply.sources) > 1

    @property
    def _last_choice(self) -> Choice | None:
        exchange = self._desk.last_exchange()
        if exchange is None or self.is_streaming:
            return None
        return exchange.choice(self._desk.conversation.messages[-1].sources[-1].choice_index)

    @property
    def can_continue(self) -> bool:
        """Whether the last reply has text and was cut, or its server still writes it."""
        exchange = self._desk.last_exchange()
        if exchange is not None and exchange.is_detached:
            return not self.is_streaming
        choice = self._last_choice
        if choice is None or not self._desk.can_go_on:
            return False
        return choice.finish_reason not in (FinishReason.STOP, FinishReason.TOOL_CALLS)

    @property
    def can_raise(self) -> bool:
        """Whether a limit of this session cut the last reply."""
        choice = self._last_choice
        limit = self._desk.targets.parameters_of(self._desk.conversation).max_tokens
        is_cut = choice is not None and choice.finish_reason is FinishReason.LENGTH
        return is_cut and limit is not None

    @property
    def can_run(self) -> bool:
        """Whether tool calls of the branch wait, or their results were not sent."""
        return not self.is_streaming and bool(self._desk.conversation.waiting_calls())

    @property
    def has_calls(self) -> bool:
        """Whether the reply under the cursor asked for tools."""
        reply = self._panes.reply_at_cursor()
        return reply is not None and bool(calls_of(reply, self._desk.conversation.exchanges))

    @property
    def has_code(self) -> bool:
        """Whether the message under the cursor may have a code block."""
        message = self._panes.message_at_cursor()
        return message is not None and ("```" in message.text or "~~~" in message.text)

    @property
    def is_finding(self) -> bool:
        """Whether matches are marked."""
        return bool(self._panes.transcript.needle)

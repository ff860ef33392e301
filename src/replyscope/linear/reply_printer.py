"""Prints the replies of a turn while they stream. The engine's thread queues the steps."""

from collections.abc import Callable, Sequence
from functools import partial

from replyscope.domain.event import (
    Event,
    ReasoningDelta,
    RefusalDelta,
    RequestAdapted,
    RequestSent,
    RetryScheduled,
    StreamEnded,
    TextDelta,
    ToolCallDelta,
    ToolCallReported,
)
from replyscope.domain.exchange import ANSWERABLE, Exchange, RunKind, ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.json_text import read_json
from replyscope.domain.message import Message, ReplySource, Role, ToolResultPart
from replyscope.domain.printable import printable_line
from replyscope.domain.tool import ToolCallState
from replyscope.engine.conversation import Conversation
from replyscope.engine.tool_calls import calls_of
from replyscope.inspection.explain import has_text
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.reply_parts import reply_parts
from replyscope.linear.desk import LinearDesk
from replyscope.linear.flow import LabelledFlow, print_flowing
from replyscope.linear.sentences import (
    Line,
    call_text,
    ending_lines,
    figures_line,
    finish_line,
    result_line,
)

_CALLING = (FinishReason.TOOL_CALLS, FinishReason.NEEDS_APPROVAL)


class ReplyPrinter:
    """Converts the events of a turn to printing steps. `listen` runs in the engine's thread."""

    def __init__(
        self,
        desk: LinearDesk,
        conversation: Conversation,
        put: Callable[[Callable[[], None]], None],
        replies: int = 1,
    ) -> None:
        self._desk = desk
        self._conversation = conversation
        self._put = put
        choices = desk.targets.parameters_of(conversation).n or 1
        self._is_one = choices * replies == 1
        self._known = {message.id for message in conversation.tree.messages}
        self._flow = LabelledFlow(desk.terminal, "reply")
        self._is_reasoning = False
        self._has_new_calls = False
        self._said_calls: dict[str, set[int]] = {}
        """The calls that are printed, by exchange id: their indexes."""
        self._reported: set[tuple[str, str]] = set()
        self._ended: set[str] = set()
        self._before = conversation.turn
        self._new_results()

    def listen(self, event: Event) -> None:
        """Queue the printing of an event."""
        match event:
            case TextDelta(choice=0, text=text) | RefusalDelta(choice=0, text=text) if self._is_one:
                self._is_reasoning = False
                self._say_calls()
                self._put(partial(self._flow.feed, text))
            case ToolCallDelta(choice=0) | ToolCallReported(choice=0) if self._is_one:
                self._has_new_calls = True
                self._put(self._flow.finish)
            case ReasoningDelta() if not self._is_reasoning:
                self._is_reasoning = True
                self._put(self._flow.finish)
                self._say_calls()
                self._say("reasoning", "streaming. /reasoning prints it after the reply")
            case RequestAdapted(note=note):
                self._say("note", printable_line(note))
            case RetryScheduled(failure=failure, wait_s=wait_s):
                text = f"{failure.message} Retry in {wait_s:.1f} s."
                self._say("note", printable_line(text))
            case RequestSent():
                self._is_reasoning = self._has_new_calls = False
                self._put_lines(self._new_results())
            case StreamEnded() if self._is_one:
                exchange = self._conversation.exchanges.get(self._conversation.turn[-1])
                if exchange is not None:
                    self._put(partial(self._end_reply, exchange))

    def _say(self, label: str, text: str) -> None:
        self._put(partial(self._desk.say, label, text))

    def _say_calls(self) -> None:
        """Queue the complete calls of the streaming reply, before what follows them."""
        live = self._conversation.live
        if live is None or not self._has_new_calls:
            return
        self._has_new_calls = False
        exchange = live.exchange()
        said = self._said_calls.setdefault(exchange.id, set())
        for number, call in enumerate(exchange.choice(0).tool_calls):
            if number not in said and _is_complete(call):
                said.add(number)
                self._say("tool", _call_sentence(call))

    def _put_lines(self, lines: Sequence[Line]) -> None:
        for label, text in lines:
            self._say(label, text)

    def _end_reply(self, exchange: Exchange) -> None:
        """Print the ending of one exchange of the turn: short if its tools run next."""
        self._flow.finish()
        self._ended.add(exchange.id)
        said = self._said_calls.get(exchange.id, ())
        for number, call in enumerate(exchange.choice(0).tool_calls):
            if number not in said:
                self._desk.say("tool", _call_sentence(call))
        is_calling = exchange.choice(0).finish_reason in _CALLING
        lines = [finish_line(exchange, 0)] if is_calling else self._ending_lines(exchange, 0)
        for label, text in (*lines, figures_line(exchange)):
            self._desk.say(label, text)
        if found := find_oddities(exchange):
            self._desk.say("findings", f"{len(found)}. /inspect reads them")

    def _new_results(self) -> list[Line]:
        """The results of tool calls that are not printed yet."""
        lines: list[Line] = []
        conversation = self._conversation
        for message in list(conversation.messages):
            if message.role is not Role.TOOL:
                continue
            parent = conversation.tree.parent_of(message)
            calls = {} if parent is None else _calls_by_id(parent, conversation)
            for part in message.parts:
                key = (message.id, getattr(part, "call_id", ""))
                if not isinstance(part, ToolResultPart) or key in self._reported:
                    continue
                if part.state in (ToolCallState.REQUESTED, ToolCallState.RUNNING):
                    continue
                self._reported.add(key)
                if part.call_id in calls:
                    lines.append(result_line(calls[part.call_id], part))
        return lines

    def finish(self) -> None:
        """Print what the events left out: the last results, and several choices."""
        self._flow.finish()
        turn = self._conversation.turn
        has_begun = turn is not self._before
        exchanges = [self._conversation.exchanges[key] for key in turn if has_begun]
        for exchange in exchanges if self._is_one else ():
            if exchange.id not in self._ended:  # it was stopped
                self._end_reply(exchange)
        for label, text in self._new_results():
            self._desk.say(label, text)
        if not self._is_one:
            self._print_choices(exchanges)

    def _print_choices(self, exchanges: Sequence[Exchange]) -> None:
        choices = [(exchange, choice) for exchange in exchanges for choice in exchange.choices]
        has_models = len({exchange.model for exchange in exchanges}) > 1
        for number, (exchange, choice) in enumerate(choices, start=1):
            place = f" {number} of {len(choices)}" if len(choices) > 1 else ""
            label = f"reply{place}"
            if has_models:
                self._desk.say(f"model{place}", printable_line(exchange.model))
            for part in reply_parts(choice):
                if isinstance(part, ToolCall):
                    self._desk.say("tool", _call_sentence(part))
                elif part.kind is not RunKind.REASONING:
                    print_flowing(self._desk.terminal, label, part.text)
            for label, text in (
                *self._ending_lines(exchange, choice.index),
                figures_line(exchange),
            ):
                self._desk.say(label, text)

    def _ending_lines(self, exchange: Exchange, choice: int) -> list[Line]:
        """The ending of a reply, which may continue the text of an earlier exchange."""
        conversation, source = self._conversation, ReplySource(exchange.id, choice)
        reply = next((m for m in reversed(conversation.messages) if source in m.sources), None)
        is_begun = reply is not None and has_text(reply, conversation.exchanges)
        return ending_lines(exchange, choice, is_begun=is_begun)

    def newest_messages(self) -> list[str]:
        """The messages that were added since the turn began, as lines."""
        conversation = self._conversation
        return [
            f"{message.role.value}: {message.text}"
            for message in conversation.read_messages()
            if message.id not in self._known
        ]


def _call_sentence(call: ToolCall) -> str:
    who = "the model requests" if call.kind in ANSWERABLE else "the server ran"
    return f"{who} {call_text(call)}"


def _is_complete(call: ToolCall) -> bool:
    """Whether the arguments are complete; Chat Completions does not mark the end of a call."""
    if call.state is not ToolCallState.ASSEMBLING:
        return True
    try:
        read_json(call.arguments)
    except ValueError:
        return False
    return True


def _calls_by_id(reply: Message, conversation: Conversation) -> dict[str, ToolCall]:
    return {call.id: call for call in calls_of(reply, conversation.exchanges)}

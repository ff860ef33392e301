"""Compaction: a summary replaces a long conversation, in a new branch of its session.

Nothing is deleted. The request for the summary and its reply are saved after the end of the old
branch, which does not contain them. The new branch begins with the summary, as a sibling of the
first message; copies of the pinned messages follow it unchanged.
"""

from collections.abc import Sequence
from dataclasses import replace

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import Listen, ignore
from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import NOTE, Message, OpaquePart, Part, Role, TextPart
from replyscope.domain.ports import PriceList
from replyscope.domain.session import SessionSettings
from replyscope.engine.branch import read_in
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.next_request import NextRequest
from replyscope.engine.targets import Targets
from replyscope.inspection.figures import cost, dollars

PROMPT: tuple[Part, ...] = (
    TextPart(
        "Summarise this conversation, so that your summary alone is enough to continue. Keep the "
        "goals, the decisions and their reasons, facts, names, numbers, code and file paths "
        "that later messages may need, and what is still open. Leave out greetings and detours. "
        "Write only the summary."
    ),
)
_HEAD = "Summary of the conversation so far:"
_ENDED = (ExchangeState.COMPLETED, ExchangeState.INCOMPLETE)
_BY_SERVER = "The conversation so far was compacted by the server."
_UNSET = (
    *("n", "max_tokens", "stop", "background", "conversation", "context_management", "logprobs"),
    *("tool_choice", "modalities", "audio", "prediction", "extra"),
)
"""The parameters that do not apply to a summary."""


class Compaction:
    """The compaction of a conversation's branch. First `summarise` or `compact_at_server`, then
    `accept`, unless the person does not want the result. Every method raises StoreError.
    """

    def __init__(self, conversation: Conversation) -> None:
        if not conversation.messages:
            raise ReplyscopeError("There is nothing to compact yet.")
        self._conversation = conversation
        self._branch = list(conversation.messages)
        self.text: str | None = None
        """The summary of the model; None before it is complete."""
        self.is_accepted = False
        """Whether the new branch was made."""
        self._reply: Message | None = None

    @property
    def price(self) -> str:
        """The tokens and the cost of the summary, as a phrase."""
        exchange = self.exchange
        usage = exchange.usage if exchange is not None else None
        if exchange is None or usage is None or usage.total_tokens is None:
            return "tokens and cost unknown"
        is_cut = any(choice.finish_reason is FinishReason.LENGTH for choice in exchange.choices)
        cut = "; it was cut at a limit" if is_cut else ""
        price = "unknown" if exchange.cost_usd is None else cost(exchange)
        return f"{usage.total_tokens:,} tokens, cost {price}{cut}"

    @property
    def exchange(self) -> Exchange | None:
        """The exchange that made the summary, with its cost."""
        if self._reply is None:
            return None
        return self._conversation.exchanges.get(self._reply.sources[-1].exchange_id)

    async def summarise(self, target: Target, listen: Listen = ignore) -> str:
        """Request a summary of the branch. Raises ReplyscopeError if there is none."""
        conversation = self._conversation
        settings = self._settings_for(target)
        reply = self._reply = await conversation.send_plain(PROMPT, target, settings, listen)
        exchange = conversation.exchanges[reply.sources[-1].exchange_id]
        choice = exchange.choice(reply.sources[-1].choice_index)
        if exchange.state not in _ENDED or not choice.text.strip():
            raise _no_result("There is no summary", exchange)
        self.text = read_in(reply, conversation.exchanges).text
        return self.text

    async def compact_at_server(self, target: Target, listen: Listen = ignore) -> None:
        """Let the server compact the branch (`POST /responses/compact`). `accept` continues
        from the result. Raises ReplyscopeError if the server cannot do it.
        """
        if target.endpoint.api is not Api.RESPONSES:
            raise ReplyscopeError(
                "Only the Responses API compacts at the server.", "Type /api responses to switch."
            )
        settings = self._settings_for(target)
        conversation = self._conversation
        reply = self._reply = await conversation.compact_at_server(target, settings, listen)
        exchange = conversation.exchanges[reply.sources[-1].exchange_id]
        kinds = [item.kind for choice in exchange.choices for item in choice.items]
        if "compaction" not in kinds:
            raise _no_result("The server did not compact the conversation", exchange)

    def _settings_for(self, target: Target) -> SessionSettings:
        """The settings of the request. Raises ReplyscopeError if the server keeps the messages."""
        settings = self._conversation.session.settings
        is_kept = target.parameters(settings).given().get("conversation") is not None
        if is_kept and target.endpoint.api is Api.RESPONSES:
            raise ReplyscopeError(
                "The server keeps this conversation (parameter conversation), so it would "
                "get the summary in addition.",
                "/params removes the parameter.",
            )
        return plain_settings(settings)

    async def accept(self, summary: str = "") -> None:
        """Continue from the summary, or from the server's result, in a new branch."""
        conversation = self._conversation
        pinned = set(conversation.session.settings.pinned)
        copied = [message for message in self._branch if message.id in pinned]
        at_server = self._reply if self.text is None else None
        part: Part = TextPart(f"{_HEAD}\n\n{summary.strip()}")
        if at_server is not None:  # no text of ours may come between the server's items
            part = OpaquePart(NOTE, _BY_SERVER)
        now, new_id = conversation.clock.now(), conversation.new_id
        root = Message(new_id(), Role.USER, (part,), now)
        sources = [*([at_server] if at_server is not None else []), *copied]
        parent, copies = root, []
        for message in sources:
            parent = replace(message, id=new_id(), created_at=now, parent_id=parent.id)
            copies.append(parent)
        for message in (root, *copies):
            await conversation.add_message(message, keeps_draft=True)
        await self._pin(copies[len(sources) - len(copied) :])
        self.is_accepted = True

    async def _pin(self, copies: Sequence[Message]) -> None:
        settings = self._conversation.session.settings
        pinned = (*settings.pinned, *(message.id for message in copies))
        self._conversation.change_settings(replace(settings, pinned=pinned))
        await self._conversation.save_head()


async def expected_cost(
    prices: PriceList | None, targets: Targets, conversation: Conversation
) -> str:
    """The estimated input of a summary as a phrase: its tokens, and its cost if it is known."""
    tokens = NextRequest(targets, conversation, PROMPT).size().tokens
    planned = targets.planned(conversation)
    phrase = f"≈{tokens:,} tokens of input"
    if planned is None or prices is None:
        return phrase
    endpoint, model = planned.endpoint, planned.model
    rates = (await prices.rates(endpoint.name, endpoint.public_url, [model])).get(model)
    if rates is None or rates.input is None:
        return phrase
    return f"{phrase}, ≈{dollars(rates.cost(tokens, 0, 0))}"


def plain_settings(settings: SessionSettings) -> SessionSettings:
    """The settings of a request for a summary: without tools, schema and limits."""
    parameters = settings.parameters
    for name in _UNSET:
        parameters = parameters.unsetting(name)
    return replace(settings, schema=None, tools=(), hosted=(), parameters=parameters)


def _no_result(what: str, exchange: Exchange) -> ReplyscopeError:
    """The error of a request without a result, with the server's words."""
    why = exchange.failure.message if exchange.failure is not None else "the reply is empty."
    return ReplyscopeError(
        f"{what}: {why}", "The conversation is unchanged. /compact tries again, with any model."
    )

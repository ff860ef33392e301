"""Pure functions over a branch: what its messages say once their exchanges are read in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.exchange import ANSWERABLE, Api, Choice, Exchange, ExchangeState
from replyscope.domain.message import (
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from replyscope.domain.tool import ToolCallState


def choice_parts(choice: Choice) -> list[Part]:
    """What a choice says, as message parts."""
    parts: list[Part] = []
    if choice.reasoning:
        parts.append(ReasoningPart(choice.reasoning))
    if choice.text:
        parts.append(TextPart(choice.text))
    if choice.refusal:
        parts.append(RefusalPart(choice.refusal))
    parts += [
        ToolCallPart(call.id, call.name, call.arguments, call.kind)
        for call in choice.tool_calls
        if call.kind in ANSWERABLE
    ]
    parts += [OpaquePart(item.kind, item.payload) for item in choice.items]
    return parts


_WHOLE = (ExchangeState.COMPLETED, ExchangeState.INCOMPLETE)


def read_in(message: Message, exchanges: Mapping[str, Exchange]) -> Message:
    """An assistant message with the parts of its exchanges; others as they are.

    A continued reply reads as one: text that follows text is joined.
    """
    if message.role is not Role.ASSISTANT:
        return message
    parts: list[Part] = []
    for source in message.sources:
        exchange = exchanges.get(source.exchange_id)
        if exchange is None:
            continue
        for part in choice_parts(exchange.choice(source.choice_index)):
            last = parts[-1] if parts else None
            if isinstance(part, TextPart) and isinstance(last, TextPart):
                parts[-1] = TextPart(last.text + part.text)
            else:
                parts.append(part)
    return replace(message, parts=tuple(parts))


@dataclass(frozen=True, slots=True)
class Known:
    """What a server already has: a response, and the message up to which it knows all."""

    response_id: str
    message_id: str


def what_server_knows(
    messages: Sequence[Message], exchanges: Mapping[str, Exchange], endpoint: Endpoint
) -> Known | None:
    """The last response that this server says it keeps; None when it keeps none.

    Only a reply that is one whole exchange counts: the server knows nothing of the
    others that a continued reply joins.
    """
    if endpoint.api is not Api.RESPONSES:
        return None
    for message in reversed(messages):
        if message.role is not Role.ASSISTANT:
            continue
        exchange = exchanges.get(message.sources[-1].exchange_id) if message.sources else None
        if (
            exchange is None
            or len(message.sources) != 1
            or not exchange.is_stored
            or exchange.response_id is None
            or not _is_of(exchange, endpoint)
            or exchange.state not in _WHOLE
        ):
            return None
        return Known(exchange.response_id, message.id)
    return None


def for_server(
    messages: Sequence[Message], exchanges: Mapping[str, Exchange], endpoint: Endpoint
) -> tuple[Message, ...]:
    """The branch as a server is told it: its own items verbatim, what others said as text.

    A reply that broke off is text too: half an item is none. Every call has a result
    after it, as servers demand: one that nobody ran says so.
    """
    told: list[Message] = []
    read = read_in_all(messages, exchanges)
    for message, following in zip(read, [*read[1:], None], strict=True):
        if message.role is not Role.ASSISTANT:
            told.append(message)
            continue
        if not _has_whole_items(message, exchanges, endpoint):
            parts = tuple(p for p in message.parts if not isinstance(p, OpaquePart))
            message = replace(message, parts=parts)
        told.append(message)
        asked = [part for part in message.parts if isinstance(part, ToolCallPart)]
        if asked and (following is None or following.role is not Role.TOOL):
            told.append(_unanswered(message, asked))
    return tuple(told)


def _unanswered(message: Message, asked: Sequence[ToolCallPart]) -> Message:
    results = tuple(
        ToolResultPart(part.call_id, "", part.name, ToolCallState.REQUESTED, part.kind)
        for part in asked
    )
    return Message(f"{message.id}-calls", Role.TOOL, results, message.created_at, message.id)


def _has_whole_items(
    message: Message, exchanges: Mapping[str, Exchange], endpoint: Endpoint
) -> bool:
    sources = [exchanges.get(source.exchange_id) for source in message.sources]
    return all(e is not None and _is_of(e, endpoint) and e.state in _WHOLE for e in sources)


def _is_of(exchange: Exchange, endpoint: Endpoint) -> bool:
    return exchange.api is Api.RESPONSES and exchange.base_url == endpoint.public_url


def read_in_all(
    messages: Iterable[Message], exchanges: Mapping[str, Exchange]
) -> tuple[Message, ...]:
    """A whole branch, read in."""
    return tuple(read_in(message, exchanges) for message in messages)

"""Pure functions over a branch: the content of its messages, merged from their exchanges."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import ANSWERABLE, Api, Choice, Exchange, ExchangeState
from replyscope.domain.json_text import object_in, read_json
from replyscope.domain.message import (
    MESSAGE_FIELDS,
    NOTE,
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
from replyscope.domain.values import dataclass
from replyscope.inspection.context import belongs_after


def choice_parts(choice: Choice) -> list[Part]:
    """The content of a choice, as message parts."""
    parts: list[Part] = []
    if choice.reasoning:
        parts.append(ReasoningPart(choice.reasoning))
    if choice.text:
        parts.append(TextPart(choice.text))
    if choice.refusal:
        parts.append(RefusalPart(choice.refusal))
    parts += [
        ToolCallPart(call.id, call.name, call.arguments, call.kind, call.fields)
        for call in choice.tool_calls
        if call.kind in ANSWERABLE
    ]
    parts += [OpaquePart(item.kind, item.payload) for item in choice.items]
    return parts


_WHOLE = (ExchangeState.COMPLETED, ExchangeState.INCOMPLETE)


def read_in(message: Message, exchanges: Mapping[str, Exchange]) -> Message:
    """An assistant message with the parts of its exchanges; any other message unchanged.

    The texts of a continued reply are joined.
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
    """The context that a server already stores: a response, and the last message in it."""

    response_id: str
    message_id: str


def what_conversation_knows(
    messages: Sequence[Message], exchanges: Mapping[str, Exchange], conversation: object
) -> Known | None:
    """The last response in a conversation object of the server, which has it and all before it.

    `conversation` is the parameter: an id, or an object with an id.
    """
    wanted = conversation.get("id") if isinstance(conversation, dict) else conversation
    for number, message in reversed(list(enumerate(messages))):
        exchange = exchanges.get(message.sources[-1].exchange_id) if message.sources else None
        if exchange is None or exchange.response_id is None:
            continue
        if not belongs_after(exchange, messages[:number]):
            return None
        if exchange.state in _WHOLE:  # the server adds messages when a response is complete
            stated = _read(dict(exchange.extras).get("conversation", "{}"))
            is_in = isinstance(stated, dict) and stated.get("id") == wanted
            return Known(exchange.response_id, message.id) if is_in else None
    return None


def _read(text: str) -> Any:
    """The value of a JSON text; None for any other text."""
    try:
        return read_json(text)
    except ValueError:
        return None


def what_server_knows(
    messages: Sequence[Message], exchanges: Mapping[str, Exchange], endpoint: Endpoint
) -> Known | None:
    """The last response that this server stores; None when it stores none.

    Only a reply from a single complete exchange counts: the server does not know the parts
    that a continued reply joins.
    """
    if endpoint.api is not Api.RESPONSES:
        return None
    for number, message in reversed(list(enumerate(messages))):
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
            or not belongs_after(exchange, messages[:number])
        ):
            return None
        return Known(exchange.response_id, message.id)
    return None


def for_server(
    messages: Sequence[Message],
    exchanges: Mapping[str, Exchange],
    endpoint: Endpoint,
    model: str,
) -> tuple[Message, ...]:
    """The messages of the branch to send to a server. Complete replies of the same server and
    model are sent verbatim, with the fields that only this server reads; all other replies as text.

    Every call has a result after it, because servers require one: the result of a call that
    did not run says so.
    """
    sent: list[Message] = []
    read = read_in_all(messages, exchanges)
    for message, following in zip(read, [*read[1:], None], strict=True):
        if message.role is Role.ASIDE:
            message = replace(message, role=Role.USER)
        if message.role is not Role.ASSISTANT:
            sent.append(message)
            continue
        sources = [exchanges.get(source.exchange_id) for source in message.sources]
        if all(e is not None and _is_from(e, endpoint, model) for e in sources):
            message = replace(message, parts=(*message.parts, *_own_fields(message, exchanges)))
        else:
            message = replace(message, parts=tuple(_as_text(message.parts)))
        sent.append(message)
        asked = [part for part in message.parts if isinstance(part, ToolCallPart)]
        if asked and (following is None or following.role is not Role.TOOL):
            sent.append(_unanswered(message, asked))
    return tuple(sent)


def _as_text(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts that every server accepts."""
    for part in parts:
        if isinstance(part, ToolCallPart):
            yield replace(part, fields="")
        elif not isinstance(part, OpaquePart):
            yield part


def _own_fields(message: Message, exchanges: Mapping[str, Exchange]) -> Iterator[OpaquePart]:
    """The message fields that only the reply's server reads; none on Responses, which has
    items.
    """
    fields: dict[str, Any] = {}
    content = ""
    has_tags = False
    for source in message.sources:
        choice = exchanges[source.exchange_id].choice(source.choice_index)
        has_tags |= bool(choice.thinking)
        content += choice.thinking + choice.text
        fields |= object_in(choice.fields)
        for name in choice.reasoning_fields:
            fields[name] = f"{fields.get(name, '')}{choice.reasoning or ''}"
    if has_tags:
        fields["content"] = content
    if fields:
        yield OpaquePart(MESSAGE_FIELDS, json.dumps(fields))


def _unanswered(message: Message, asked: Sequence[ToolCallPart]) -> Message:
    results = tuple(
        ToolResultPart(part.call_id, "", part.name, ToolCallState.REQUESTED, part.kind)
        for part in asked
    )
    return Message(f"{message.id}-calls", Role.TOOL, results, message.created_at, message.id)


def check_readable(
    messages: Iterable[Message], exchanges: Mapping[str, Exchange], endpoint: Endpoint, model: str
) -> None:
    """Raise ReplyscopeError if a branch begins with a server's compaction that this model cannot
    read: the request would lack the conversation before it.
    """
    for before, message in pairwise(messages):
        found = exchanges.get(message.sources[-1].exchange_id) if message.sources else None
        is_compacted = {getattr(part, "kind", None) for part in before.parts} == {NOTE}
        if is_compacted and found is not None and not _is_from(found, endpoint, model):
            raise ReplyscopeError(
                f"Only {found.model} at {found.endpoint} can read the compaction with which "
                "this branch begins.",
                "/model chooses it; the old branch still has the whole conversation.",
            )


def _is_of(exchange: Exchange, endpoint: Endpoint) -> bool:
    return exchange.api is endpoint.api and exchange.base_url == endpoint.public_url


def _is_from(exchange: Exchange, endpoint: Endpoint, model: str) -> bool:
    """Whether this server and model sent the exchange, and it is complete."""
    return _is_of(exchange, endpoint) and exchange.model == model and exchange.state in _WHOLE


def read_in_all(
    messages: Iterable[Message], exchanges: Mapping[str, Exchange]
) -> tuple[Message, ...]:
    """Every message of a branch, as `read_in` returns it."""
    return tuple(read_in(message, exchanges) for message in messages)

"""Pure functions over a branch: what its messages say once their exchanges are read in."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from replyscope.domain.exchange import Choice, Exchange
from replyscope.domain.message import (
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
    ToolCallPart,
)


def choice_parts(choice: Choice) -> list[Part]:
    """What a choice says, as message parts."""
    parts: list[Part] = []
    if choice.reasoning:
        parts.append(ReasoningPart(choice.reasoning))
    if choice.text:
        parts.append(TextPart(choice.text))
    if choice.refusal:
        parts.append(RefusalPart(choice.refusal))
    parts += [ToolCallPart(c.id, c.name, c.arguments) for c in choice.tool_calls]
    return parts


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


def read_in_all(
    messages: Iterable[Message], exchanges: Mapping[str, Exchange]
) -> tuple[Message, ...]:
    """A whole branch, read in."""
    return tuple(read_in(message, exchanges) for message in messages)

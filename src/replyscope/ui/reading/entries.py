"""The entries of a transcript: selects the messages of a branch, and marks them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, Role
from replyscope.domain.plural import plural
from replyscope.inspection.explain import Mood, explain
from replyscope.inspection.figures import UNKNOWN, rate, seconds
from replyscope.ui.transcript.content import EntryContent


def shown(branch: Iterable[Message]) -> list[Message]:
    """The messages of a branch with an entry. Tool results are in the entry of their reply."""
    return [message for message in branch if message.role is not Role.TOOL]


def last_shown(branch: Sequence[Message]) -> str | None:
    """The id of the last message with an entry."""
    return next((m.id for m in reversed(branch) if m.role is not Role.TOOL), None)


def reply_at(branch: Sequence[Message], key: str | None) -> Message | None:
    """The reply with an id on a branch; for a person's message, the next reply."""
    number = next((n for n, message in enumerate(branch) if message.id == key), None)
    if number is None:
        return None
    found: Message | None = branch[number]
    if found is not None and found.role is Role.USER:
        found = next((m for m in branch[number + 1 :] if m.role is Role.ASSISTANT), None)
    return found if found is not None and found.sources else None


def mood_of(message: Message, exchanges: Mapping[str, Exchange]) -> Mood:
    """The mood of a message, by the finish reason of its newest exchange."""
    source = message.sources[-1] if message.sources else None
    exchange = exchanges.get(source.exchange_id) if source is not None else None
    if source is None or exchange is None:
        return Mood.GOOD
    return explain(exchange, source.choice_index).mood


def with_summary(content: EntryContent, exchange: Exchange) -> EntryContent:
    """The entry with a summary line, which replaces the inspector on narrow screens."""
    out = exchange.usage.output_tokens if exchange.usage is not None else None
    parts = [plural(out, "token")] if out is not None else []
    parts += [f"{seconds(exchange.timing.first_token_ms)} to first token", rate(exchange)]
    known = [part for part in parts if not part.startswith(UNKNOWN)]
    return replace(content, summary=" · ".join(known))

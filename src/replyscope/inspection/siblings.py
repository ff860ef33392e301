"""Finds the replies that a reply can be compared with. Pure."""

from collections.abc import Mapping, Sequence

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message

Reply = tuple[Exchange, int]
"""A reply: an exchange and the index of a choice."""


def replies_beside(
    message: Message, siblings: Sequence[Message], exchanges: Mapping[str, Exchange]
) -> tuple[list[Reply], int]:
    """The replies to compare, and the index of the given one among them.

    They are its siblings (choices of one exchange, retries, edits), and extra choices of its
    exchange that have no message.
    """
    replies: list[Reply] = []
    at = 0
    for sibling in siblings:
        source = sibling.sources[-1] if sibling.sources else None
        exchange = exchanges.get(source.exchange_id) if source is not None else None
        if exchange is None or source is None:
            continue
        at = len(replies) if sibling.id == message.id else at
        replies.append((exchange, source.choice_index))
    known = {(exchange.id, index) for exchange, index in replies}
    own = [replies[at][0]] if replies else []
    replies += [
        (exchange, choice.index)
        for exchange in own
        for choice in exchange.choices
        if (exchange.id, choice.index) not in known
    ]
    return replies, at

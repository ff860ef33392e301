"""Finds the previous request of a session, for comparisons. Pure."""

from collections.abc import Mapping, Sequence
from itertools import takewhile

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message
from replyscope.engine.tree import MessageTree


def earlier_exchange(
    tree: MessageTree, exchanges: Mapping[str, Exchange], reply: Message
) -> Exchange | None:
    """The exchange before a reply's newest one: of the same reply, of an earlier version, of the
    reply before it, or for the first reply of a branch the newest one of the other branches.
    """
    ids = [source.exchange_id for source in reply.sources[:-1]]
    ids = ids or _ids_of(_versions_before(tree, reply))
    above = tree.parent_of(reply)
    while not ids and above is not None:
        ids = _ids_of([above])
        above = tree.parent_of(above)
    if not ids:
        older = list(takewhile(lambda message: message.id != reply.id, tree.messages))
        ids = _ids_of(older)
    return exchanges.get(ids[-1]) if ids else None


def _versions_before(tree: MessageTree, reply: Message) -> list[Message]:
    """The earlier siblings of a reply that have another exchange, oldest first."""
    own = reply.sources[-1].exchange_id
    siblings = list(tree.siblings(reply))
    at = next((n for n, one in enumerate(siblings) if one.id == reply.id), 0)
    return [one for one in siblings[:at] if own not in _ids_of([one])]


def _ids_of(messages: Sequence[Message]) -> list[str]:
    return [source.exchange_id for message in messages for source in message.sources]

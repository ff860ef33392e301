"""Loads two consecutive requests of a session, and compares what they share."""

from collections.abc import Mapping, Sequence
from itertools import takewhile

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message
from replyscope.engine.archive import Archive
from replyscope.engine.tree import MessageTree
from replyscope.inspection.cache_miss import CacheReport, cache_report


async def load_cache_report(
    archive: Archive, tree: MessageTree, exchanges: Mapping[str, Exchange], reply: Message
) -> CacheReport:
    """Why a reply did or did not use the server's cache. Raises ReplyscopeError."""
    exchange = exchanges[reply.sources[-1].exchange_id]
    earlier = earlier_exchange(tree, exchanges, reply)
    if earlier is None:
        raise ReplyscopeError("This is the first request: there is no earlier one to compare.")
    records = [await archive.load_wire(one.id) for one in (exchange, earlier)]
    bodies = [record.request.body for record in records if record.request is not None]
    if len(bodies) < 2:
        raise ReplyscopeError("The request of this reply, or of the one before, is not recorded.")
    return cache_report(exchange, bodies[0], earlier, bodies[1])


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

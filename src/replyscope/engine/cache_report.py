"""Loads two consecutive requests of a session, and compares what they share."""

import asyncio
from collections.abc import Mapping

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message
from replyscope.engine.archive import Archive
from replyscope.engine.earlier_exchange import earlier_exchange
from replyscope.engine.tree import MessageTree
from replyscope.inspection.cache_miss import CacheReport, cache_report


async def load_cache_report(
    archive: Archive, tree: MessageTree, exchanges: Mapping[str, Exchange], reply: Message
) -> CacheReport:
    """The use of the prompt cache by the request of a reply. Raises ReplyscopeError."""
    exchange = exchanges.get(reply.sources[-1].exchange_id) if reply.sources else None
    if exchange is None:
        raise ReplyscopeError("The request of this reply is not recorded.")
    earlier = earlier_exchange(tree, exchanges, reply)
    if earlier is None:
        raise ReplyscopeError("This is the first request: there is no earlier one to compare.")
    records = [await archive.load_wire(one.id) for one in (exchange, earlier)]
    bodies = [record.request.body for record in records if record.request is not None]
    if len(bodies) < 2:
        raise ReplyscopeError("The request of this reply, or of the one before, is not recorded.")
    # Requests with images have many megabytes.
    return await asyncio.to_thread(cache_report, exchange, bodies[0], earlier, bodies[1])

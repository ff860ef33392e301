"""Keeps the search index, and so the SQL views, in step with the replies that end.

An ended reply is only queued for the index, so that its ending waits for nothing. The queue is
emptied here, while a program runs and before it exits.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import StoreError

_AT_ONCE = 50
"""The replies of one transaction, and of the exit: after an import the rest stays queued."""
_log = logging.getLogger("replyscope.indexing")


@asynccontextmanager
async def indexed(wiring: Wiring) -> AsyncIterator[None]:
    """Index ended replies during the block, within seconds, and once after it."""
    task = asyncio.create_task(_index_quietly(wiring))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await index_newest(wiring)


async def _index_quietly(wiring: Wiring) -> None:
    """Index ended replies after each change of the archive, until the task is cancelled."""
    seen = -1
    while True:
        seen = await wiring.store.next_change(seen)
        await index_newest(wiring)


async def index_newest(wiring: Wiring) -> None:
    """Index the newest ended replies. An error leaves them queued."""
    if not wiring.store.is_saving:
        return
    try:
        await wiring.index.index_newest(_AT_ONCE)
    except StoreError as error:  # the disk may be full, or another program may write
        _log.info("replies are not indexed yet: %s", error)

"""Builds the archive of watched calls from the parts of a run."""

import asyncio
import importlib
from collections.abc import Callable

from replyscope.cli.wiring import Wiring
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.wire_reading import WireReading
from replyscope.engine.watching.archive import WatchArchive, WatchEvents, WatchServices
from replyscope.store.watched import SqliteWatchStore


async def load_wire() -> WireReading:
    """The reader of calls; its package takes a while to load."""
    module = await asyncio.to_thread(importlib.import_module, "replyscope.provider.watched_wire")
    wire: WireReading = module.WatchedWire()
    return wire


async def open_watch_archive(
    wiring: Wiring,
    wire: WireReading,
    endpoint: Callable[[str], Endpoint | None],
    events: WatchEvents,
    *,
    is_private: bool = False,
) -> WatchArchive:
    """The archive, ready for the first call. With `is_private` nothing is written to disk.

    `endpoint` returns the provider with a name.
    """
    tooling = wiring.tooling.for_private() if is_private else wiring.tooling
    store = wiring.private if is_private else wiring.store
    services = WatchServices(
        SqliteWatchStore(lambda: store),
        wire,
        wiring.clock,
        wiring.new_id,
        prices=wiring.prices,
        endpoint=endpoint,
        rule_book=tooling.rule_book,
        keep_file=tooling.keep_file if tooling.keeps_files else None,
    )
    archive = WatchArchive(services, events)
    await archive.prepare()
    return archive

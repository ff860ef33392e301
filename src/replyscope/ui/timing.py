"""Reads the time of a recorded reply: from its frames, by the one who knows their meaning."""

import asyncio
from collections.abc import Mapping

from replyscope.domain.event import Event, StreamEnded
from replyscope.domain.exchange import Exchange
from replyscope.domain.finish import StreamEnd
from replyscope.domain.message import ToolResultPart
from replyscope.inspection.timeline import Timeline, timeline_of
from replyscope.ui.services import Services


async def load_events(services: Services, exchange: Exchange) -> list[Event]:
    """The events of a recorded exchange. Raises StoreError."""
    record = await services.archive.store.load_wire(exchange.id)
    translate = services.translate
    if translate is None or not record.frames:
        return []
    events = await asyncio.to_thread(lambda: list(translate(exchange.api, record.frames)))
    return [*events, StreamEnded(StreamEnd.DONE, exchange.timing.duration_ms, exchange.failure)]


async def load_timeline(
    services: Services, exchange: Exchange, results: Mapping[str, ToolResultPart]
) -> Timeline:
    """What a recorded exchange was doing when. Raises StoreError."""
    return timeline_of(exchange, await load_events(services, exchange), results)

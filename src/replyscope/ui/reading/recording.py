"""Builds the timeline of a recorded reply from its frames, using the provider's translator."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

from replyscope.domain.event import Event, StreamEnded, WireRecord
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.finish import StreamEnd
from replyscope.domain.message import ToolResultPart
from replyscope.inspection.timeline import Timeline, timeline_of
from replyscope.ui.services import Services

_MANY = 1_000
"""From this number of frames on, reading takes part of a second: known facts are shown first."""
NOTHING_TO_PLAY = "Nothing to replay:"


async def load_recording(
    services: Services, exchange: Exchange
) -> tuple[WireRecord, Callable[[], Iterable[Event]]] | str:
    """The wire of an exchange and a reader of its events, or a sentence if nothing can be played.

    Raises StoreError.
    """
    record = await services.archive.load_wire(exchange.id)
    translate = services.translate
    if translate is None or not record.frames:
        return f"{NOTHING_TO_PLAY} {_why_no_frames(exchange)}"

    def read() -> Iterator[Event]:
        yield from translate(exchange.api, record.frames, exchange.think_tags)
        yield StreamEnded(StreamEnd.DONE, exchange.timing.duration_ms, exchange.failure)

    return record, read


def _why_no_frames(exchange: Exchange) -> str:
    if exchange.state is ExchangeState.FAILED:
        return "the server did not respond."
    if not exchange.frame_count:
        return "this reply was imported or fetched, so it has no recorded frames."
    return "the frames of this reply were not recorded."


async def load_timelines(
    services: Services, exchange: Exchange, results: Mapping[str, ToolResultPart]
) -> AsyncIterator[Timeline]:
    """The timeline of a recorded exchange; for a long one first a timeline of its frames alone.

    Raises StoreError.
    """
    found = await load_recording(services, exchange)
    if isinstance(found, str):
        yield timeline_of(exchange, (), results)
        return
    record, read = found
    if len(record.frames) > _MANY:
        yield timeline_of(exchange, record.frames, results)
    yield await asyncio.to_thread(lambda: timeline_of(exchange, read(), results))

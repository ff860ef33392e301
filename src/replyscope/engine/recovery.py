"""Crash recovery: folds the journals of exchanges whose writers have died."""

import logging
from collections.abc import Sequence

from replyscope.domain.event import StreamEnded, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.failure import Failure
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import ExchangeFold, fold_events
from replyscope.domain.ports import TranslateFrames
from replyscope.domain.sse import is_done_marker, parse_frame
from replyscope.domain.stores import UnfinishedStore

_log = logging.getLogger(__name__)
_INTERRUPTED = Failure(
    "interrupted",
    "replyscope ended while this reply was streaming.",
    "The part that arrived is saved. Continue or retry.",
)


def refold(
    opening: Exchange,
    frames: Sequence[WireFrame],
    translate: TranslateFrames,
    end: StreamEnded | None = None,
    broken: Failure | None = _INTERRUPTED,
) -> Exchange:
    """Rebuild an exchange from its journal.

    `broken` is its failure when the journal has no ending, unless the last frames show that
    the reply was complete. With `broken` None the reason of the ending is unknown.
    """
    last_ms = frames[-1].at_ms if frames else 0.0
    fold = ExchangeFold(opening)
    for event in translate(opening.api, frames, opening.think_tags):
        fold.apply(event)
    if end is None:
        is_done = fold.is_complete or any(_is_done(frame) for frame in frames[-2:])
        goes_on = opening.is_background and fold.snapshot().response_id is not None
        if is_done:
            end = StreamEnded(StreamEnd.DONE, last_ms)
        elif goes_on:
            end = StreamEnded(StreamEnd.DETACHED, last_ms)
        else:
            ending = StreamEnd.BROKEN if broken is not None else StreamEnd.CLOSED
            end = StreamEnded(ending, last_ms, broken)
    fold.apply(end)
    return fold.snapshot()


def _is_done(frame: WireFrame) -> bool:
    """Whether a frame is the end marker, not text that contains it."""
    parsed = parse_frame(frame.text)
    return parsed is not None and is_done_marker(parsed[1])


async def recover(store: UnfinishedStore, translate: TranslateFrames) -> int:
    """Close the exchanges of dead processes. Returns their number. Raises StoreError."""
    unfinished = await store.take_unfinished()
    for left in unfinished:
        try:
            exchange = refold(left.opening, left.frames, translate)
        except Exception:  # noqa: BLE001 - a damaged journal must not stop the recovery of the rest
            _log.exception("the journal of exchange %s can't be folded", left.opening.id)
            exchange = fold_events(
                left.opening, [*left.frames, StreamEnded(StreamEnd.BROKEN, 0.0, _INTERRUPTED)]
            )
        await store.close_unfinished(exchange)
    return len(unfinished)

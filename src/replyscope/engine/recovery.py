"""Gives every exchange an ending: those whose writer died are folded from the journal."""

from collections.abc import Sequence

from replyscope.domain.event import StreamEnded, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.failure import Failure
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import fold_events
from replyscope.domain.ports import Store, TranslateFrames

_INTERRUPTED = Failure(
    "interrupted",
    "replyscope ended while this reply was streaming.",
    "What had come is kept. Continue or retry.",
)


def refold(
    opening: Exchange,
    frames: Sequence[WireFrame],
    translate: TranslateFrames,
    end: StreamEnded | None = None,
) -> Exchange:
    """The exchange that a journal makes.

    Without an ending of its own it broke off, unless the last frames say that the
    reply was complete.
    """
    last_ms = frames[-1].at_ms if frames else 0.0
    if end is None:
        is_done = any("[DONE]" in frame.text for frame in frames[-2:])
        end = (
            StreamEnded(StreamEnd.DONE, last_ms)
            if is_done
            else StreamEnded(StreamEnd.BROKEN, last_ms, _INTERRUPTED)
        )
    return fold_events(opening, [*translate(opening.api, frames), end])


async def recover(store: Store, translate: TranslateFrames) -> int:
    """Close what dead processes left open; the number of exchanges. Raises StoreError."""
    unfinished = await store.take_unfinished()
    for left in unfinished:
        await store.close_unfinished(refold(left.opening, left.frames, translate))
    return len(unfinished)

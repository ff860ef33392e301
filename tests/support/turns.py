"""Turns that are looked at before they end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from replyscope.domain.event import Event, Listen


@asynccontextmanager
async def running_to(
    reached: Callable[[Event], bool], turn: Callable[[Listen], Awaitable[object]]
) -> AsyncIterator[None]:
    """A turn that has come to an event, and is cancelled at the end of the block."""
    is_there = asyncio.Event()

    def listen(event: Event) -> None:
        if reached(event):
            is_there.set()

    running = asyncio.ensure_future(turn(listen))
    try:
        waiting = asyncio.ensure_future(is_there.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert is_there.is_set(), "the turn ended before"
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def says(text: str) -> Callable[[Event], bool]:
    """Whether an event adds exactly this text."""
    return lambda event: getattr(event, "text", None) == text

"""Waits until what was typed so far has been dealt with."""

import asyncio

from textual.message_pump import MessagePump


async def settle(*pumps: MessagePump) -> None:
    """Wait until each queue, in turn, is through with what it holds now.

    Never await this in a handler of one of them: it would wait for itself.
    """
    for pump in pumps:
        done = asyncio.Event()
        pump.call_later(done.set)
        await done.wait()

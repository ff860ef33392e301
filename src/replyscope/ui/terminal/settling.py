"""Waiting for the input so far: queues of Textual's messages, drained in order."""

import asyncio

from textual.message_pump import MessagePump


async def settle(*pumps: MessagePump) -> None:
    """Wait until each queue, in turn, has handled the messages that it has now.

    Never await this in a handler of one of these queues: that is a deadlock.
    """
    for pump in pumps:
        done = asyncio.Event()
        pump.call_later(done.set)
        await done.wait()

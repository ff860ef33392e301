"""The response of a recorded reply: head, parts with pauses, and ending.

It has all that is needed to answer, so that a server needs no recording.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from replyscope.serving.connection import Headers


class Ending(StrEnum):
    """How the body ends."""

    LENGTH = "length"
    """The length is in the head; there are no pauses between parts."""
    STREAM = "stream"
    CUT = "cut"
    """The connection closes before the end, as in the recording."""


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """The response for a recorded exchange. `parts` are the pause in seconds before each part of
    the body, and its bytes.
    """

    exchange_id: str
    status: int
    headers: tuple[tuple[str, str], ...]
    parts: tuple[tuple[float, bytes], ...]
    ending: Ending


class Sink(Protocol):
    """The receiver of a response, such as an HttpConnection."""

    def begin(self, status: int, headers: Headers) -> None:
        """Write the status line and the headers."""
        ...

    async def write(self, data: bytes) -> None:
        """Write a part of the body."""
        ...

    async def end(self) -> None:
        """End the response."""
        ...

    async def close(self) -> None:
        """Close the connection; a response that has not ended is cut off."""
        ...

    async def send(self, status: int, body: bytes, headers: Headers) -> None:
        """Send a whole response."""
        ...


async def play(playback: RecordedResponse, sink: Sink) -> None:
    """Send the response with its pauses."""
    if playback.ending is Ending.LENGTH:
        await _wait(sum(pause_s for pause_s, _ in playback.parts))
        body = b"".join(data for _, data in playback.parts)
        await sink.send(playback.status, body, playback.headers)
        return
    sink.begin(playback.status, playback.headers)
    for pause_s, data in playback.parts:
        await _wait(pause_s)
        await sink.write(data)
    if playback.ending is Ending.STREAM:
        await sink.end()
    else:
        await sink.close()


async def _wait(pause_s: float) -> None:
    if pause_s > 0:
        await asyncio.sleep(pause_s)

"""Plays a recording as the answer to a request: streamed as recorded, or as one JSON object."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from replyscope.domain.event import WireFrame
from replyscope.domain.json_text import read_json
from replyscope.serving.connection import Headers, error_object
from replyscope.serving.mock.recording import Recording
from replyscope.serving.mock.whole import whole_of


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

    async def send_json(self, status: int, value: Any, headers: Headers = ()) -> None:
        """Send a whole response in JSON."""
        ...


@dataclass(frozen=True, slots=True)
class RecordedPlayback:
    """A recording in the form that a request wants. `speed` is as in MockServer.

    Without `is_recorded_form` a recorded stream is sent as the object `whole`; None if it is not
    complete.
    """

    found: Recording
    speed: float
    is_recorded_form: bool
    whole: dict[str, Any] | None = None

    @property
    def status(self) -> int:
        """The status that is sent."""
        if self.is_recorded_form:
            return self.found.status
        return 400 if self.whole is None else 200

    async def play(self, sink: Sink, told: Sequence[tuple[str, str]]) -> None:
        """Send the response, with additional headers."""
        found = self.found
        if self.is_recorded_form:
            await play_frames(sink, found, found.frames, told, self.speed)
        elif self.whole is None:
            why = found.why_cut or "it ended without a complete reply"
            message = (
                f"This reply was recorded as a stream, and {why.rstrip('.')}. It has no complete "
                "response object. Request it with stream=true to get the recorded part."
            )
            await sink.send_json(400, error_object(message, "recorded_in_part"), told)
        else:
            await _wait(found.exchange.timing.duration_ms, self.speed)
            headers = [(n, v) for n, v in found.headers if n.lower() != "content-type"]
            headers += [*told, ("x-replyscope-folded", "true")]
            await sink.send_json(200, self.whole, headers)


def playback_of(found: Recording, body: bytes, speed: float) -> RecordedPlayback:
    """The playback of a recording for a request with a body."""
    if not found.is_stream or _wants_stream(body):
        return RecordedPlayback(found, speed, is_recorded_form=True)
    whole = whole_of(found.exchange.api, found.frames)
    return RecordedPlayback(found, speed, is_recorded_form=False, whole=whole)


async def play_frames(
    sink: Sink,
    found: Recording,
    frames: Sequence[WireFrame],
    told: Sequence[tuple[str, str]],
    speed: float,
) -> None:
    """Send a recorded response: its headers, some of its frames, and its ending."""
    headers = [*found.headers, *told]
    if not found.is_stream and found.why_cut is None:
        await _wait(found.exchange.timing.duration_ms, speed)
        await sink.send(found.status, found.body, headers)
        return
    sink.begin(found.status, headers)
    before_ms = 0.0
    for frame in frames:
        if frame.at_ms > before_ms:
            await _wait(frame.at_ms - before_ms, speed)
        before_ms = frame.at_ms
        await sink.write(frame.text.encode("utf-8", "surrogatepass"))
    if found.why_cut is None:
        await sink.end()
    else:
        await sink.close()


async def _wait(passed_ms: float, speed: float) -> None:
    if speed > 0:
        await asyncio.sleep(passed_ms / 1000 / speed)


def _wants_stream(body: bytes) -> bool:
    try:
        value = read_json(body.decode("utf-8"))
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("stream") is True

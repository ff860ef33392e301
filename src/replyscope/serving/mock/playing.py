"""The playback of a recording for a request: streamed as recorded, or as one JSON object."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.json_text import read_json
from replyscope.serving.connection import encode_json, error_object
from replyscope.serving.mock.recording import Recording
from replyscope.serving.mock.whole import whole_of
from replyscope.serving.playback import Ending, RecordedResponse

Named = Sequence[tuple[str, str]]
EXCHANGE = "x-replyscope-exchange"
_KIND = "content-type"
_JSON = (_KIND, "application/json")


@dataclass(frozen=True, slots=True)
class Chosen:
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

    def playback(self, told: Named = ()) -> RecordedResponse:
        """The response, with additional headers."""
        found = self.found
        if self.is_recorded_form:
            return frames_playback(found, found.frames, self.speed, told)
        headers = [(EXCHANGE, found.exchange.id), *told]
        if self.whole is None:
            why = found.why_cut or "it ended without a complete reply"
            message = (
                f"This reply was recorded as a stream, and {why.rstrip('.')}. It has no complete "
                "response object. Request it with stream=true to get the recorded part."
            )
            error = encode_json(error_object(message, "recorded_in_part"))
            return _of_json(found, 400, error, headers)
        kept = [(n, v) for n, v in found.headers if n.lower() != _KIND]
        headers = [*kept, *headers, ("x-replyscope-folded", "true")]
        pause_s = _pause_s(found.exchange.timing.duration_ms, self.speed)
        return _of_json(found, 200, encode_json(self.whole), headers, pause_s)


def choose_form(found: Recording, body: bytes, speed: float = 1.0) -> Chosen:
    """The form of a recording for a request with a body."""
    if not found.is_stream or _wants_stream(body):
        return Chosen(found, speed, is_recorded_form=True)
    whole = whole_of(found.exchange.api, found.frames)
    return Chosen(found, speed, is_recorded_form=False, whole=whole)


def frames_playback(
    found: Recording, frames: Sequence[WireFrame], speed: float, told: Named = ()
) -> RecordedResponse:
    """A recorded response: its headers, some of its frames, and its ending."""
    headers = (*found.headers, (EXCHANGE, found.exchange.id), *told)
    if not found.is_stream and found.why_cut is None:
        pause_s = _pause_s(found.exchange.timing.duration_ms, speed)
        parts: tuple[tuple[float, bytes], ...] = ((pause_s, found.body),)
        ending = Ending.LENGTH
    else:
        parts = tuple(_paced(frames, speed))
        ending = Ending.STREAM if found.why_cut is None else Ending.CUT
    return RecordedResponse(found.exchange.id, found.status, headers, parts, ending)


def _paced(frames: Sequence[WireFrame], speed: float) -> Iterator[tuple[float, bytes]]:
    before_ms = 0.0
    for frame in frames:
        yield _pause_s(frame.at_ms - before_ms, speed), frame.text.encode("utf-8", "surrogatepass")
        before_ms = frame.at_ms


def _of_json(
    found: Recording, status: int, body: bytes, headers: Named, pause_s: float = 0.0
) -> RecordedResponse:
    sent = (_JSON, *headers)
    return RecordedResponse(found.exchange.id, status, sent, ((pause_s, body),), Ending.LENGTH)


def _pause_s(passed_ms: float, speed: float) -> float:
    return max(0.0, passed_ms / 1000 / speed) if speed > 0 else 0.0


def _wants_stream(body: bytes) -> bool:
    try:
        value = read_json(body.decode("utf-8"))
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("stream") is True

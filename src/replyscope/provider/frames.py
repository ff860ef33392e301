"""The wire tap: splits a byte stream into SSE frames and keeps each with its time.

It stands in for the SDK's decoder, because that one hides the [DONE] marker, drops
a last frame without its blank line, dies on frames without data and on bytes that
are not UTF-8, and ends the stream at the first frame that is no JSON or has an error
in it. Here every byte ends up in a frame; the SDK gets those that it can read, and the
others are kept beside it.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.json_text import MOST_VALUES, has_too_many_values
from replyscope.domain.sse import Flood, FrameSplitter
from replyscope.provider.frame_reader import NOT_JSON, EventData, FrameReader
from replyscope.provider.mask import Mask
from replyscope.provider.openai_internals import ServerSentEvent

MOST_EMPTY = 100_000
"""Frames without data in a row: at one a second, more than a day of waiting."""
MOST_EMPTY_BYTES = 16 * 1024 * 1024
"""Bytes of such frames: they are kept until one with data comes."""


@dataclass(slots=True)
class Arrival:
    """A frame, and what it says that the SDK was not given."""

    frame: WireFrame
    aside: tuple[EventData, ...] = ()


class _Decoded(ServerSentEvent):
    """An event whose JSON was read already."""

    def __init__(self, said: EventData) -> None:
        super().__init__(event=said.event, data=said.text.lstrip())
        self._value = said.value

    def json(self) -> Any:
        return self._value


class FrameTap:
    """Collects the frames of one response as the SDK reads it."""

    def __init__(self, mask: Mask, elapsed_ms: Callable[[], float]) -> None:
        self._mask = mask
        self._elapsed_ms = elapsed_ms
        self._reader = FrameReader()
        self._arrivals: list[Arrival] = []
        self.saw_done = False
        self.ends_garbled = False
        """Whether the last data so far could not be read."""
        self.is_cut_short = False
        """Whether the stream ended inside a frame."""
        self.first_text = ""
        self._empty = self._empty_bytes = 0

    @property
    def saw_data(self) -> bool:
        """Whether a frame of an event stream came."""
        return self._reader.has_data

    def take(self) -> list[Arrival]:
        """The frames that came since the last call."""
        arrivals, self._arrivals = self._arrivals, []
        return arrivals

    def _record(self, raw: bytes, at_ms: float, *, is_given: bool = True) -> list[ServerSentEvent]:
        """Keep a frame; what of it the SDK is given, if it is given anything more."""
        # Masked before anybody reads it: what is folded is what is recorded.
        text = self._mask.text(raw.decode("utf-8", errors="replace"))
        if has_too_many_values(raw):
            self._arrivals.append(Arrival(WireFrame(at_ms, text)))
            raise Flood(f"a frame with more than {MOST_VALUES:,} values")
        said = self._reader.read(text)
        if not self.saw_data and len(self.first_text) < 65_536:
            self.first_text += text
        if not said:
            self._arrivals.append(Arrival(WireFrame(at_ms, text)))
            self._empty += 1
            self._empty_bytes += len(raw)
            if self._empty > MOST_EMPTY or self._empty_bytes > MOST_EMPTY_BYTES:
                count = f"{self._empty:,} frames, {self._empty_bytes:,} bytes"
                raise Flood(f"{count} in a row that say nothing")
            return []
        self._empty = self._empty_bytes = 0
        given = [one for one in said if is_given and _is_for_the_sdk(one)]
        aside = tuple(one for one in said if one not in given)
        self._arrivals.append(Arrival(WireFrame(at_ms, text), aside))
        self.saw_done |= any(one.is_done for one in said)
        self.ends_garbled = said[-1].value is NOT_JSON and not said[-1].is_done
        return [_Decoded(one) for one in given]

    async def aiter_bytes(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[ServerSentEvent]:
        """The SDK's decoder protocol: bytes in, frames with data out."""
        splitter = FrameSplitter()
        at_ms = 0.0
        try:
            async for chunk in chunks:
                at_ms = self._elapsed_ms()
                for raw in splitter.feed(chunk):
                    for sse in self._record(raw, at_ms):
                        yield sse
        except BaseException:
            self._record_last(splitter, at_ms, is_given=False)
            self.ends_garbled = self.is_cut_short = False  # it was left, or broke: no ending
            raise
        for sse in self._record_last(splitter, at_ms):
            yield sse

    def iter_bytes(self, chunks: Iterator[bytes]) -> Iterator[ServerSentEvent]:
        """The protocol's synchronous half, for a client that is not async."""
        splitter = FrameSplitter()
        at_ms = 0.0
        for chunk in chunks:
            at_ms = self._elapsed_ms()
            for raw in splitter.feed(chunk):
                yield from self._record(raw, at_ms)
        yield from self._record_last(splitter, at_ms)

    def _record_last(
        self, splitter: FrameSplitter, at_ms: float, *, is_given: bool = True
    ) -> list[ServerSentEvent]:
        """What is left when the stream ends: whole, or cut inside a frame."""
        last = splitter.finish()
        if not last.strip():
            return []
        passed = self._record(last, at_ms, is_given=is_given)
        aside = self._arrivals[-1].aside if self._arrivals else ()
        said_something = bool(passed or aside)
        self.is_cut_short = not said_something or any(one.value is NOT_JSON for one in aside)
        return passed


def _is_for_the_sdk(said: EventData) -> bool:
    """Whether the SDK reads it: it raises for what is no JSON and for an error."""
    if said.is_done:
        return True
    value = said.value
    return isinstance(value, dict) and not value.get("error") and said.event != "error"

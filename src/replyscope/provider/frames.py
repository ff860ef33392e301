"""The wire tap: an SSE decoder that records every frame with its time.

It replaces the SDK's decoder, which hides the [DONE] marker, drops a last frame without a
blank line, fails on frames without data and on invalid UTF-8, and ends the stream at the first
frame that is not JSON or has an error. Here every byte is recorded in a frame. The SDK gets
the events that it can parse; the other events are kept separately.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.json_text import MOST_VALUES, has_too_many_values
from replyscope.domain.mask import Mask
from replyscope.domain.sse import Flood, FrameSplitter
from replyscope.provider.frame_reader import NOT_JSON, EventData, FrameReader
from replyscope.provider.openai_internals import ServerSentEvent

MOST_EMPTY = 100_000
"""Consecutive frames without data: at one per second, more than a day."""
MOST_EMPTY_BYTES = 16 * 1024 * 1024
"""Bytes of consecutive frames without data."""


_LONG = 512 * 1024
"""The bytes of a frame that takes longer than 5 ms to parse; one of 20 MB takes 0.1 s."""


@dataclass(slots=True)
class Arrival:
    """A recorded frame, and its events that the SDK did not get."""

    frame: WireFrame
    aside: Sequence[EventData] = ()


class _Decoded(ServerSentEvent):
    """An event of the SDK with parsed JSON, so that the SDK does not parse it again."""

    def __init__(self, said: EventData) -> None:
        super().__init__(event=said.event, data=said.text.lstrip())
        self._value = said.value

    def json(self) -> Any:
        return self._value


class FrameTap:
    """A decoder that records the frames of one response while the SDK reads it."""

    def __init__(self, mask: Mask, elapsed_ms: Callable[[], float]) -> None:
        self._mask = mask
        self._elapsed_ms = elapsed_ms
        self._reader = FrameReader()
        self._arrivals: list[Arrival] = []
        self.saw_done = False
        self.ends_garbled = False
        """Whether the last data so far is not JSON."""
        self.is_cut_short = False
        """Whether the stream ended in the middle of a frame."""
        self.first_text = ""
        self._empty = self._empty_bytes = 0
        self._pushed = FrameSplitter()

    @property
    def saw_data(self) -> bool:
        """Whether any frame had data."""
        return self._reader.has_data

    def take(self) -> list[Arrival]:
        """Remove and return the frames since the last call."""
        arrivals, self._arrivals = self._arrivals, []
        return arrivals

    def _record(self, raw: bytes, at_ms: float, *, is_given: bool = True) -> list[ServerSentEvent]:
        """Record a frame; return its events for the SDK, none unless `is_given`."""
        return self._note(raw, *self._parse(raw), at_ms, is_given=is_given)

    async def _record_apart(self, raw: bytes, at_ms: float) -> list[ServerSentEvent]:
        """Record a long frame, which a thread parses, so that keys are handled meanwhile."""
        parsing = asyncio.ensure_future(asyncio.to_thread(self._parse, raw))
        try:
            parsed = await asyncio.shield(parsing)
        except asyncio.CancelledError:
            self._note(raw, *await parsing, at_ms, is_given=False)
            raise
        return self._note(raw, *parsed, at_ms)

    def _parse(self, raw: bytes) -> tuple[str, list[EventData] | None]:
        """The masked text of a frame, and its events; None for too many values."""
        # Masked before it is parsed, so that events and the recording have the same text.
        text = self._mask.text(raw.decode("utf-8", errors="replace"))
        if has_too_many_values(raw):
            return text, None
        return text, self._reader.read(text)

    def _note(
        self,
        raw: bytes,
        text: str,
        said: list[EventData] | None,
        at_ms: float,
        *,
        is_given: bool = True,
    ) -> list[ServerSentEvent]:
        if said is None:
            self._arrivals.append(Arrival(WireFrame(at_ms, text)))
            raise Flood(f"a frame with more than {MOST_VALUES:,} values")
        if not self.saw_data and len(self.first_text) < 65_536:
            self.first_text += text
        if not said:
            self._arrivals.append(Arrival(WireFrame(at_ms, text)))
            self._empty += 1
            self._empty_bytes += len(raw)
            if self._empty > MOST_EMPTY or self._empty_bytes > MOST_EMPTY_BYTES:
                count = f"{self._empty:,} frames, {self._empty_bytes:,} bytes"
                raise Flood(f"{count} in a row without data")
            return []
        self._empty = self._empty_bytes = 0
        given: list[ServerSentEvent] = []
        aside: list[EventData] = []
        for one in said:
            if is_given and _is_for_the_sdk(one):
                given.append(_Decoded(one))
            else:
                aside.append(one)
            self.saw_done |= one.is_done
        self._arrivals.append(Arrival(WireFrame(at_ms, text), aside))
        self.ends_garbled = said[-1].value is NOT_JSON and not said[-1].is_done
        return given

    async def aiter_bytes(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[ServerSentEvent]:
        """Decode a byte stream into the events for the SDK."""
        splitter = FrameSplitter()
        at_ms = 0.0
        try:
            async for chunk in chunks:
                at_ms = self._elapsed_ms()
                for raw in splitter.feed(chunk):
                    is_long = len(raw) > _LONG
                    given = await self._record_apart(raw, at_ms) if is_long else None
                    for sse in self._record(raw, at_ms) if given is None else given:
                        yield sse
        except BaseException:
            self._record_last(splitter, at_ms, is_given=False)
            self.ends_garbled = self.is_cut_short = False  # cancelled or broken: not an ending
            raise
        for sse in self._record_last(splitter, at_ms):
            yield sse

    def iter_bytes(self, chunks: Iterator[bytes]) -> Iterator[ServerSentEvent]:
        """The synchronous version, which the SDK's protocol requires."""
        splitter = FrameSplitter()
        at_ms = 0.0
        for chunk in chunks:
            at_ms = self._elapsed_ms()
            for raw in splitter.feed(chunk):
                yield from self._record(raw, at_ms)
        yield from self._record_last(splitter, at_ms)

    def push(self, chunk: bytes, at_ms: float) -> None:
        """Record the frames that a chunk completes, without the SDK: `take` returns their events.

        Raises Flood.
        """
        for raw in self._pushed.feed(chunk):
            self._record(raw, at_ms, is_given=False)

    def close(self, at_ms: float, *, is_broken: bool) -> None:
        """Record the rest of the pushed bytes at the end of the response. Raises Flood."""
        self._record_last(self._pushed, at_ms, is_given=False)
        if is_broken:
            self.ends_garbled = self.is_cut_short = False

    def _record_last(
        self, splitter: FrameSplitter, at_ms: float, *, is_given: bool = True
    ) -> list[ServerSentEvent]:
        """Record the rest of the bytes when the stream ends, possibly an incomplete frame."""
        last = splitter.finish()
        if not last.strip():
            return []
        passed = self._record(last, at_ms, is_given=is_given)
        aside = self._arrivals[-1].aside if self._arrivals else ()
        said_something = bool(passed or aside)
        self.is_cut_short = not said_something or any(one.value is NOT_JSON for one in aside)
        return passed


def _is_for_the_sdk(said: EventData) -> bool:
    """Whether the SDK can parse an event; it raises for other data and for errors."""
    if said.is_done:
        return True
    value = said.value
    return isinstance(value, dict) and not value.get("error") and said.event != "error"

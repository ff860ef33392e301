"""The wire tap: splits a byte stream into SSE frames and keeps each with its time.

It stands in for the SDK's decoder, because that one hides the [DONE] marker, drops
a last frame without its blank line, dies on frames without data and on bytes that
are not UTF-8. Here every byte ends up in a frame, and only frames with data go on.
"""

from collections.abc import AsyncIterator, Callable, Iterator

from openai._streaming import ServerSentEvent

from replyscope.domain.event import WireFrame
from replyscope.domain.json_text import MOST_VALUES, has_too_many_values
from replyscope.domain.sse import Flood, FrameSplitter, parse_frame
from replyscope.provider.mask import Mask

MOST_EMPTY = 100_000
"""Frames without data in a row: at one a second, more than a day of waiting."""
MOST_EMPTY_BYTES = 16 * 1024 * 1024
"""Bytes of such frames: they are kept until one with data comes."""


class FrameTap:
    """Collects the frames of one response as the SDK reads it."""

    def __init__(self, mask: Mask, elapsed_ms: Callable[[], float]) -> None:
        self._mask = mask
        self._elapsed_ms = elapsed_ms
        self._frames: list[WireFrame] = []
        self.saw_data = False
        self.saw_done = False
        self.is_cut_short = False
        """Whether the stream ended inside a frame."""
        self.first_text = ""
        self._empty = self._empty_bytes = 0

    def take(self) -> list[WireFrame]:
        """The frames that came since the last call."""
        frames, self._frames = self._frames, []
        return frames

    def _record(self, raw: bytes, at_ms: float) -> ServerSentEvent | None:
        # Masked before anybody reads it: what is folded is what is recorded.
        text = self._mask.text(raw.decode("utf-8", errors="replace"))
        self._frames.append(WireFrame(at_ms, text))
        if not self.saw_data and len(self.first_text) < 65_536:
            self.first_text += text
        parsed = parse_frame(text)
        if parsed is None:
            self._empty += 1
            self._empty_bytes += len(raw)
            if self._empty > MOST_EMPTY or self._empty_bytes > MOST_EMPTY_BYTES:
                told = f"{self._empty:,} frames, {self._empty_bytes:,} bytes"
                raise Flood(f"{told} in a row that say nothing")
            return None
        if has_too_many_values(raw):
            raise Flood(f"a frame with more than {MOST_VALUES:,} values")
        self._empty = self._empty_bytes = 0
        self.saw_data = True
        event, data = parsed
        if data.startswith("[DONE]"):
            self.saw_done = True
        return ServerSentEvent(event=event, data=data)

    async def aiter_bytes(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[ServerSentEvent]:
        """The SDK's decoder protocol: bytes in, frames with data out."""
        splitter = FrameSplitter()
        at_ms = 0.0
        try:
            async for chunk in chunks:
                at_ms = self._elapsed_ms()
                for raw in splitter.feed(chunk):
                    sse = self._record(raw, at_ms)
                    if sse is not None:
                        yield sse
        finally:
            last = splitter.finish()
            self.is_cut_short = bool(last.strip())
            sse = self._record(last, at_ms) if self.is_cut_short else None
        if sse is not None:
            yield sse

    def iter_bytes(self, chunks: Iterator[bytes]) -> Iterator[ServerSentEvent]:
        """The protocol's synchronous half, for a client that is not async."""
        splitter = FrameSplitter()
        for chunk in chunks:
            at_ms = self._elapsed_ms()
            for raw in splitter.feed(chunk):
                sse = self._record(raw, at_ms)
                if sse is not None:
                    yield sse

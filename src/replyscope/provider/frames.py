"""The wire tap: splits a byte stream into SSE frames and keeps each with its time.

It stands in for the SDK's decoder, because that one hides the [DONE] marker, drops
a last frame without its blank line, dies on frames without data and on bytes that
are not UTF-8. Here every byte ends up in a frame, and only frames with data go on.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator

from openai._streaming import ServerSentEvent

from replyscope.domain.event import WireFrame
from replyscope.provider.mask import Mask

MOST_FRAME = 64 * 1024 * 1024
"""Bytes without a blank line; the largest pictures that come in one frame have a third."""
MOST_EMPTY = 100_000
"""Frames without data in a row: at one a second, more than a day of waiting."""
_KEPT_OF_A_FLOOD = 64 * 1024

_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")


class Flood(Exception):
    """A server sends without end what says nothing. The text says what it sends."""


class FrameSplitter:
    """Cuts bytes into frames at blank lines, whatever the chunking.

    A frame keeps its blank line, so the frames joined are the stream.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._seen = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The frames that this chunk completes. Raises Flood when one never ends."""
        rest = self._rest
        if len(rest) > MOST_FRAME:
            del rest[_KEPT_OF_A_FLOOD:]
            raise Flood(f"a frame of more than {MOST_FRAME // 1024**2} MB")
        rest += chunk
        start = 0
        if b"\r" in rest:
            for match in _BLANK_LINE.finditer(rest, max(0, self._seen - 3)):
                if match.end() == len(rest) and rest.endswith(b"\r"):
                    break
                yield bytes(rest[start : match.end()])
                start = match.end()
        else:
            end = rest.find(b"\n\n", max(0, self._seen - 1))
            while end >= 0:
                yield bytes(rest[start : end + 2])
                start = end + 2
                end = rest.find(b"\n\n", start)
        if start:
            del rest[:start]
        self._seen = len(rest)

    def finish(self) -> bytes:
        """What is left when the stream ends: a frame without its blank line, or nothing."""
        rest = bytes(self._rest)
        self._rest.clear()
        self._seen = 0
        return rest


def parse_frame(text: str) -> tuple[str | None, str] | None:
    """A frame's event name and data; None for one without data (comments, pings, retry)."""
    if text.startswith("data: ") and "\n" not in text[:-2] and "\r" not in text:
        data = text[6:].rstrip("\n")
        return (None, data) if data.strip() else None
    event: str | None = None
    data_lines: list[str] = []
    for line in re.split(r"\r\n|\n|\r", text.lstrip("\ufeff")):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data_lines.append(value)
        elif name == "event":
            event = value or None
    data = "\n".join(data_lines)
    return (event, data) if data.strip() else None


_FIELDS = (":", "data:", "event:", "id:", "retry:")


def is_of_a_stream(text: str) -> bool:
    """Whether every line is a field or a comment of an event stream, or begins as one."""
    lines = [line for line in re.split(r"\r\n|\n|\r", text.lstrip("\ufeff")) if line]
    return all(
        any(line.startswith(field) or field.startswith(line) for field in _FIELDS) for line in lines
    )


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
        self._empty = 0

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
            if self._empty > MOST_EMPTY:
                raise Flood(f"more than {MOST_EMPTY:,} frames in a row that say nothing")
            return None
        self._empty = 0
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

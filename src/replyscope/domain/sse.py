"""Server-sent events: splits a byte stream into frames, and parses frames. Pure functions."""

import json
import re
from collections.abc import Iterator

MOST_FRAME = 32 * 1024 * 1024
"""The most bytes of a frame: the largest images in one frame have two thirds of this."""
MOST_LINES = 100_000
"""The most lines of a frame that is parsed."""
_LINES_THAT_TELL = 64 * 1024
_KEPT_OF_A_FLOOD = 64 * 1024

_FIELDS = (":", "data:", "event:", "id:", "retry:", "error:")
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")

_WHOLE_LINE = re.compile(
    rb"^(?:data:)?[ ]?([{\[][^\n]*)\n(?=data:|event:|error:|id:|\{)", re.MULTILINE
)
_DONE = "[DONE]"


class Flood(Exception):
    """A server sends endless data without meaning. The message describes the data."""


class FrameSplitter:
    """Splits bytes into frames at blank lines, for any chunking.

    A frame includes its blank line, so the joined frames equal the stream.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._seen = 0
        self._has_return = False
        """Whether the rest may have a carriage return."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The frames that this chunk completes. Raises Flood when one never ends."""
        rest = self._rest
        if len(rest) > MOST_FRAME:
            del rest[_KEPT_OF_A_FLOOD:]
            raise Flood(f"a frame of more than {MOST_FRAME // 1024**2} MB")
        rest += chunk
        # The end of a long frame is searched once for each chunk: never in all that came before.
        self._has_return = b"\r" in chunk or (self._has_return and b"\r" in rest)
        yield from self._cut_at_blank_lines(rest)
        if b"\n" in chunk and b"\n" in rest:
            yield from self._cut_at_whole_lines(rest)
        self._seen = len(rest)

    def _cut_at_blank_lines(self, rest: bytearray) -> Iterator[bytes]:
        start = 0
        try:
            if self._has_return:
                for match in _BLANK_LINE.finditer(rest, max(0, self._seen - 3)):
                    if match.end() == len(rest) and rest.endswith(b"\r"):
                        break
                    before, start = start, match.end()
                    yield _part(rest, before, start)
            else:
                end = rest.find(b"\n\n", max(0, self._seen - 1))
                while end >= 0:
                    before, start = start, end + 2
                    yield _part(rest, before, start)
                    end = rest.find(b"\n\n", start)
        finally:  # also when the reader stops after a frame: it got that one
            if start:
                del rest[:start]

    def _cut_at_whole_lines(self, rest: bytearray) -> Iterator[bytes]:
        """For servers that separate events by one line break: a line with complete data ends its
        frame when another field follows.
        """
        start = 0
        try:
            while (match := _WHOLE_LINE.search(rest, start)) is not None:
                if not _is_whole(match[1]):
                    break
                before, start = start, match.end()
                yield _part(rest, before, start)
        finally:
            if start:
                del rest[:start]

    def finish(self) -> bytes:
        """The rest at the end of the stream: a frame without its blank line, or nothing."""
        rest = bytes(self._rest)
        self._rest.clear()
        self._seen = 0
        self._has_return = False
        return rest


def _part(rest: bytearray, start: int, end: int) -> bytes:
    """A part, copied once."""
    with memoryview(rest) as view:
        return bytes(view[start:end])


def _is_whole(data: bytes) -> bool:
    if data.startswith(_DONE.encode()):
        return True
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def is_done_marker(data: str) -> bool:
    """Whether the data of an event is the end marker."""
    return data.lstrip().startswith(_DONE)


def parse_frame(text: str) -> tuple[str | None, str] | None:
    """A frame's event name and data; None for one without data (comments, pings, retry)."""
    event, lines = parse_lines(text)
    data = "\n".join(lines)
    return (event, data) if data.strip() else None


def parse_lines(text: str) -> tuple[str | None, list[str]]:
    """The event name and the data lines of a frame; no lines if it has more than MOST_LINES.

    A field `error:`, which some servers send, is an event with that name.
    """
    first = text.find("\n")  # the slices of a text of 20 MB take longer than its search
    if text.startswith("data: ") and (first < 0 or first >= len(text) - 2) and "\r" not in text:
        return None, [text[6 : first if first >= 0 else len(text)]]
    if len(text) > MOST_LINES and text.count("\n") + text.count("\r") > MOST_LINES:
        return None, []
    event: str | None = None
    lines: list[str] = []
    for line in re.split(r"\r\n|\n|\r", text.lstrip("\ufeff")):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            lines.append(value)
        elif name == "event":
            event = value or None
        elif name == "error" and value.strip():
            event = "error"
            lines.append(value)
    return event, lines


def is_of_a_stream(text: str) -> bool:
    """Whether every line in the first 64 kB is a field or a comment of an event stream, or the
    beginning of one.
    """
    start = text[:_LINES_THAT_TELL].lstrip("\ufeff")
    lines = [line for line in re.split(r"\r\n|\n|\r", start) if line]
    return all(
        any(line.startswith(field) or field.startswith(line) for field in _FIELDS) for line in lines
    )

"""Formats the wire of an exchange: the sent request, and each frame with its time."""

from collections.abc import Sequence

from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.json_text import indented, read_json


def request_lines(request: RequestSent) -> list[str]:
    """The request line, the headers, and the indented body."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    lines.append("")
    return [*lines, *_laid_out(request.body.decode("utf-8", errors="replace")).split("\n")]


def response_lines(exchange: Exchange) -> list[str]:
    """The response's status and headers."""
    if exchange.status is None:
        return []
    return [f"HTTP {exchange.status}", *(f"{name}: {value}" for name, value in exchange.headers)]


def frame_line(number: int, frame: WireFrame) -> str:
    """A frame in one line: number, milliseconds, event name and data."""
    event, data = _fields(frame.text)
    # Every event of the Responses API has this prefix, which only takes space.
    name = f"{event.removeprefix('response.')}  " if event else ""
    return f"{number:>4} {frame.at_ms:>6.0f}  {name}{data.replace(chr(10), ' ⏎ ')}"


def frame_gist(number: int, frame: WireFrame) -> str:
    """A frame in half a line: number, milliseconds, and its delta rather than its first fields."""
    event, data = _fields(frame.text)
    at = max(data.find('"delta"'), 0)
    name = f"{event.removeprefix('response.')}  " if event else ""
    said = data[at + 8 :].lstrip(" :") if at else data
    return f"{number:>4} {frame.at_ms:>6.0f}  {name}{said.replace(chr(10), ' ⏎ ')}"


def frame_text(frame: WireFrame) -> str:
    """A frame in full: JSON data indented, other data verbatim."""
    event, data = _fields(frame.text)
    head = f"event: {event}\n\n" if event else ""
    return head + _laid_out(data)


def _fields(text: str) -> tuple[str, str]:
    """The event name and the data. A frame without data counts as data itself."""
    event = ""
    rows: list[str] = []
    lines = text.replace("\r\n", "\n").strip("\n\r").split("\n")
    for line in lines:
        field, _, value = line.partition(":")
        if field == "data":
            rows.append(value.removeprefix(" "))
        elif field == "event":
            event = value.strip()
    return event, "\n".join(rows or lines)


def _laid_out(text: str) -> str:
    try:
        return indented(read_json(text))
    except ValueError:
        return text


def frames_text(frames: Sequence[WireFrame]) -> str:
    """The recorded stream: all frames, joined and unchanged."""
    return "".join(frame.text for frame in frames)

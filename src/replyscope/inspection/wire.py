"""The wire of an exchange as text: the request as sent, and each frame with its time."""

from collections.abc import Sequence

from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.json_text import indented, read_json


def request_lines(request: RequestSent) -> list[str]:
    """The request: its line, headers, and body laid out."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    lines.append("")
    text = request.body.decode("utf-8", errors="replace")
    try:
        text = indented(read_json(text))
    except ValueError:
        pass
    return [*lines, *text.split("\n")]


def response_lines(exchange: Exchange) -> list[str]:
    """The response's status and headers."""
    if exchange.status is None:
        return []
    return [f"HTTP {exchange.status}", *(f"{name}: {value}" for name, value in exchange.headers)]


def frame_line(number: int, frame: WireFrame) -> str:
    """One frame on one line: number, time in milliseconds, text."""
    text = frame.text.strip("\r\n").replace("\r\n", "\n").replace("\n", " ⏎ ")
    return f"{number:>6} {frame.at_ms:>10.1f}  {text}"


def frames_text(frames: Sequence[WireFrame]) -> str:
    """The frames as they came, joined: the stream itself."""
    return "".join(frame.text for frame in frames)

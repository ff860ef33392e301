"""Formats the wire of an exchange: the request, the head of the response, and the frames."""

from collections.abc import Sequence

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Exchange


def request_head(request: RequestSent) -> list[str]:
    """The request line and the headers."""
    return [f"{request.method} {request.url}", *_header_lines(request.headers)]


def request_body(request: RequestSent) -> str:
    """The body of a request as text."""
    return request.body.decode("utf-8", errors="replace")


def response_lines(exchange: Exchange) -> list[str]:
    """The response's status and headers."""
    if exchange.status is None:
        return []
    return [f"HTTP {exchange.status}", *_header_lines(exchange.headers)]


def _header_lines(headers: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers]


def wire_text(exchange: Exchange, record: WireRecord) -> str:
    """The request, the head of the response, and the recorded stream, unchanged."""
    request = record.request
    parts = [[*request_head(request), "", request_body(request)]] if request is not None else []
    parts += [lines] if (lines := response_lines(exchange)) else []
    head = "\n\n".join("\n".join(lines) for lines in parts)
    return f"{head}\n\n{frames_text(record.frames)}" if head else frames_text(record.frames)


def frame_fields(text: str) -> tuple[str, str]:
    """The event name and the data of a frame. A frame without data counts as data itself."""
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


def frames_text(frames: Sequence[WireFrame]) -> str:
    """The recorded stream: all frames, joined and unchanged."""
    return "".join(frame.text for frame in frames)

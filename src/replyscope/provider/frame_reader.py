"""Parses the frames of one stream, live or recorded, into events with JSON data.

It accepts three framing errors of servers: an event name in a separate frame, several events
in one frame, and JSON without `data:`.
"""

import re
from dataclasses import dataclass
from typing import Any

from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.sse import is_done_marker, parse_lines

_OBJECT = re.compile(r"\s*\{")
NOT_JSON = object()
"""The value of data that cannot be parsed as JSON."""


@dataclass(slots=True)
class EventData:
    """The data of one event: its text, and its parsed JSON value or NOT_JSON."""

    event: str | None
    text: str
    value: Any

    @property
    def is_done(self) -> bool:
        """Whether it is `[DONE]`, the end marker of a stream."""
        return self.value is NOT_JSON and is_done_marker(self.text)


class FrameReader:
    """A parser of frames. `has_data` is whether any frame so far had a `data` field."""

    def __init__(self) -> None:
        self.has_data = False
        self._event: str | None = None
        self._bare: list[EventData] = []

    def read(self, text: str) -> list[EventData]:
        """The events of a frame; empty for comments and pings."""
        event, lines = parse_lines(text)
        if all(not line or line.isspace() for line in lines):
            self._event = event or self._event
            return self._read_bare(text)
        event, self._event = event or self._event, None
        said = [*self._bare, *_bare_lines(text), *_read_data(event, lines)]
        self._bare.clear()
        self.has_data = True
        return said

    def _read_bare(self, text: str) -> list[EventData]:
        """The events of a frame without `data`.

        They are buffered until the first frame with `data`, because a response that is not a
        stream is such JSON as well.
        """
        said = _bare_lines(text)
        if self.has_data:
            return said
        self._bare += said
        return []


def _bare_lines(text: str) -> list[EventData]:
    """JSON objects without a field name: the whole frame, or one object per line."""
    if _OBJECT.match(text) is None and text.find("\n{", text.find("\n")) < 0:
        return []  # a line break alone is found much faster, in a text of 20 MB
    whole = text.strip()
    if isinstance(value := _value_of(whole), dict):
        return [EventData(None, whole, value)]
    lines = [line for line in re.split(r"\r\n|\n|\r", text) if line.startswith("{")]
    said = [EventData(None, line, _value_of(line)) for line in lines]
    return [one for one in said if isinstance(one.value, dict)]


def _read_data(event: str | None, lines: list[str]) -> list[EventData]:
    """One event, or one per line when each line is JSON by itself."""
    text = "\n".join(lines)
    value = _with_type(event, _value_of(text))
    if value is NOT_JSON and len(lines) > 1:
        apart = [EventData(event, line, _value_of(line)) for line in lines if line.strip()]
        if all(said.is_done or said.value is not NOT_JSON for said in apart):
            return apart
    return [EventData(event, text, value)]


def _with_type(event: str | None, value: Any) -> Any:
    """The value with its `type`, which some gateways send only as the event name."""
    is_named = event is not None and event.startswith("response.")
    if is_named and isinstance(value, dict) and value.get("type") is None:
        return {**value, "type": event}
    return value


def _value_of(text: str) -> Any:
    try:
        return read_bounded_json(text)
    except ValueError:
        return NOT_JSON

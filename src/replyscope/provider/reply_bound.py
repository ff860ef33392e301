"""The size limit of one reply, which is kept in memory, rendered and saved as a whole."""

from dataclasses import fields, is_dataclass
from typing import Any

from replyscope.domain.event import (
    Event,
    ExtraReported,
    FrameSkipped,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallReported,
    WireFrame,
)
from replyscope.domain.limits import CHOICES
from replyscope.provider.bounds import TooMuch

MOST_SAID = 20 * 1024 * 1024
"""Bytes of texts and arguments in memory: four per character if any character is not ASCII.
A reply of 128,000 tokens has less than one million."""
MOST_OTHER = 64 * 1024 * 1024
"""Bytes of all other events, such as images."""
MOST_CALLS = 2_000
MOST_FIELDS = 10_000
MOST_EVENTS = 100_000
"""Events other than deltas."""


class _Size:
    """The size of a text that is appended to, in bytes of memory.

    One character outside ASCII makes Python use four bytes for each.
    """

    def __init__(self) -> None:
        self._width = 1
        self.in_memory = 0

    def add(self, text: str) -> None:
        """Add the size of a text."""
        if self._width == 1 and not text.isascii():
            self._width = 4
            self.in_memory *= 4
        self.in_memory += len(text) * self._width


class ReplyBound:
    """A counter of the sizes of one reply, checked against their limits."""

    def __init__(self) -> None:
        self._said = _Size()
        self._other = _Size()
        self._events = 0
        self._choices: set[int] = set()
        self._calls: set[tuple[int, int]] = set()
        self._fields: set[str] = set()

    def count(self, event: Event) -> None:
        """Count one event."""
        match event:
            case WireFrame() | FrameSkipped():
                return  # limited with the stream
            case TextDelta() | ReasoningDelta() | RefusalDelta():
                self._said.add(event.text)
            case ToolCallDelta():
                self._said.add(event.arguments)
                self._other.add(event.fields)
                self._calls.add((event.choice, event.slot))
            case ExtraReported():
                self._fields.add(event.name)
                self._count_other(event)
            case ToolCallReported():
                self._calls.add((event.choice, event.slot))
                self._count_other(event)
            case _:
                self._count_other(event)
        self._choices.add(getattr(event, "choice", 0))

    def _count_other(self, event: Event) -> None:
        self._events += 1
        for text in _texts_in(event):
            self._other.add(text)

    def check(self) -> None:
        """Raise TooMuch over a limit. Called between chunks, so that every frame is kept."""
        if self._said.in_memory > MOST_SAID:
            raise TooMuch(f"a reply of more than {MOST_SAID // 1024**2} MB")
        if self._other.in_memory > MOST_OTHER:
            raise TooMuch(f"a reply of more than {MOST_OTHER // 1024**2} MB")
        if len(self._choices) > CHOICES.most:
            raise TooMuch(f"a reply with more than {CHOICES.most:g} choices")
        if len(self._calls) > MOST_CALLS:
            raise TooMuch(f"a reply with more than {MOST_CALLS:,} tool calls")
        if len(self._fields) > MOST_FIELDS:
            raise TooMuch(f"a reply with more than {MOST_FIELDS:,} non-standard fields")
        if self._events > MOST_EVENTS:
            raise TooMuch(f"a reply with more than {MOST_EVENTS:,} events other than text")


def _texts_in(value: Any) -> list[str]:
    """The texts in an event, at any depth."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, bytes):
        return [value.decode("latin-1")]
    if is_dataclass(value):
        value = [getattr(value, one.name) for one in fields(value)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts_in(one)]
    return []

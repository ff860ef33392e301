"""Applies a rule to the decoded body of one response: bytes to send, pauses, and a cut. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from replyscope.domain.sse import FrameSplitter, is_done_marker, parse_frame
from replyscope.serving.faults.edits import edited_body, edited_frame, output_tokens
from replyscope.serving.faults.rule import FaultRule


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next step."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Close the connection. There are no steps after it."""


Step = bytes | Pause | Cut


class FaultyBody:
    """The steps of one body. `content_type` decides whether it is a stream or one JSON value; of
    any other body, and with `is_opaque` of one that can't be decoded, nothing is changed.
    """

    def __init__(self, rule: FaultRule, content_type: str, *, is_opaque: bool = False) -> None:
        self._rule = rule
        kind = content_type.partition(";")[0].strip().lower()
        edits = rule.finish is not None or rule.garbles
        can_read = not is_opaque and (edits or rule.slow is not None)
        self._splitter = FrameSplitter() if can_read and kind == "text/event-stream" else None
        self._whole = bytearray() if can_read and kind.endswith("json") else None
        self.changes_size = edits and (self._splitter is not None or self._whole is not None)
        """Whether the body may get another length."""
        self.has_changed = False
        """Whether a part of the body was changed."""
        self._sent = 0
        places: list[tuple[int, Step]] = []
        if rule.stall_s is not None and rule.stall_after is not None:
            places.append((rule.stall_after, Pause(rule.stall_s)))
        if rule.cut is not None:
            places.append((rule.cut, Cut()))
        self._places = sorted(places, key=lambda one: one[0])

    def feed(self, data: bytes) -> Iterator[Step]:
        """The steps of a part of the body. Raises Flood for a frame that never ends."""
        if self._whole is not None:
            self._whole += data
        elif self._splitter is not None:
            for frame in self._splitter.feed(data):
                yield from self._frame(frame)
        else:
            yield from self._out(data)

    def finish(self) -> Iterator[Step]:
        """The steps at the end of the body."""
        if self._whole is not None:
            body = bytes(self._whole)
            if self._rule.slow is not None:
                yield Pause(output_tokens(body) / self._rule.slow)
            edited = edited_body(self._rule, body)
            self.has_changed |= edited != body
            yield from self._out(edited)
        elif self._splitter is not None:
            yield from self._frame(self._splitter.finish())

    def _frame(self, frame: bytes) -> Iterator[Step]:
        if self._rule.slow is not None:
            parsed = parse_frame(frame.decode("utf-8", "replace"))
            if parsed is not None and not is_done_marker(parsed[1]):
                yield Pause(1 / self._rule.slow)
        edited = edited_frame(self._rule, frame)
        self.has_changed |= edited != frame
        yield from self._out(edited)

    def _out(self, data: bytes) -> Iterator[Step]:
        """Send data, with what is due at places in it."""
        while self._places and self._sent + len(data) > self._places[0][0]:
            place, step = self._places.pop(0)
            kept = place - self._sent
            if kept:
                yield data[:kept]
            data, self._sent = data[kept:], place
            yield step
        if data:
            self._sent += len(data)
            yield data

"""The values of a large JSON document one after the other, never the whole.

At most one item is held. One that is broken is told as such and passed over, so that it
never takes those after it along; where that can't be, the rest is told as broken.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from replyscope.domain.json_text import is_too_deep

MOST = 200_000_000
"""Characters of one item; more are not read into memory."""
_CHUNK = 1 << 20
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}"]', re.DOTALL)
_SPACE = re.compile(r"[\s,]*")
_DOCUMENT = re.compile(r"\n[{\[]")
_WHOLE_LITERAL = 16  # a number or word may go on beyond what was read


@dataclass(frozen=True, slots=True)
class Broken:
    """An item that is no JSON, or too much of it, and why."""

    why: str


class JsonItems:
    """Reads from a text stream. Iterating gives the items of the array that it is at."""

    def __init__(self, stream: TextIO, most: int = MOST) -> None:
        self._stream = stream
        self._most = most
        self._buffer = ""
        self._at = 0
        self._decoder = json.JSONDecoder()
        self.is_cut = False
        """Whether an array never ended: nothing can be read after it."""

    def enter(self, opening: re.Pattern[str]) -> bool:
        """Go beyond what the document begins with, when it begins so."""
        while len(self._buffer) - self._at < 200 and self._more():
            pass
        found = opening.match(self._buffer, self._at)
        if found is not None:
            self._at = found.end()
        return found is not None

    def __iter__(self) -> Iterator[Any]:
        """Each item, or Broken in its place."""
        while True:
            character = self._next_character()
            if character == "]":
                self._at += 1
                return
            if not character:
                self.is_cut = True
                yield Broken("the file ends in the middle")
                return
            try:
                yield self.value()
            except ValueError as error:
                yield Broken(str(error))
                if not self._skip():
                    self.is_cut = True
                    return

    def value(self) -> Any:
        """The value that begins here. Raises ValueError, and then has not moved."""
        self._next_character()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise ValueError("it is nested too deeply") from None
            except json.JSONDecodeError as error:
                if not self._may_go_on(error):
                    raise ValueError(f"it is not JSON: {error.msg}") from None
                if not self._more():
                    raise ValueError("the file ends in the middle of it") from None
            else:
                if is_too_deep(value):
                    raise ValueError("it is nested too deeply")
                rest = len(self._buffer) - end
                is_closed = rest > _WHOLE_LITERAL or self._buffer[end - 1] in '"]}'
                if is_closed or not self._more():
                    self._at = len(self._buffer) - rest
                    return value

    def skip_lines(self) -> bool:
        """Go to the next line that begins a document; False when none does."""
        while True:
            found = _DOCUMENT.search(self._buffer, self._at)
            if found is not None:
                self._at = found.end() - 1
                return True
            self._at = max(self._at, len(self._buffer) - 1)
            if not self._more():
                return False

    def is_over(self) -> bool:
        """Whether nothing but space is left."""
        return not self._next_character()

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether more text may mend it: what was read ends in the middle of something."""
        if len(self._buffer) - self._at > self._most:
            raise ValueError(f"it is larger than {self._most // 1_000_000} MB") from None
        is_open = error.msg.startswith("Unterminated string")
        return is_open or error.pos >= len(self._buffer) - _WHOLE_LITERAL

    def _more(self) -> bool:
        piece = self._stream.read(max(_CHUNK, len(self._buffer) - self._at))
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)

    def _next_character(self) -> str:
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._at = found.end() if found is not None else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _skip(self) -> bool:
        """Go beyond the broken item by its brackets; False when it never ends."""
        depth = 0
        start = self._at
        while True:
            found = _TOKEN.search(self._buffer, start)
            token = found.group() if found is not None else ""
            if found is None or token == '"':  # a string that goes on beyond what was read
                self._at = found.start() if found is not None else len(self._buffer)
                if len(self._buffer) - self._at > self._most or not self._more():
                    return False
                start = 0
                continue
            start = found.end()
            if token in "[{":
                depth += 1
            elif token in "]}":
                depth -= 1
            if depth <= 0:
                self._at = start - (depth < 0)  # that bracket closes what it stands in
                return True

"""Reads the values of a large JSON document one by one, holding at most one in memory.

An item that is not valid JSON is returned as Broken and skipped. If its end cannot be found,
the rest of the document is one Broken item.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from replyscope.domain.json_text import is_too_deep
from replyscope.domain.values import dataclass

MOST = 200_000_000
"""The most characters of one item; a longer one is not read into memory."""
_CHUNK = 1 << 20
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}"]', re.DOTALL)
_SPACE = re.compile(r"[\s,]*")
_DOCUMENT = re.compile(r"\n[{\[]")
_AND_THE_REST = "; its end was not found, so what follows is not read"
_WHOLE_LITERAL = 16  # a number or word may continue beyond the buffer


@dataclass(frozen=True, slots=True)
class Broken:
    """An item that is not valid JSON or too large, and the reason."""

    why: str


class JsonItems:
    """A reader of a text stream. Iterating gives the items of the array at its position."""

    def __init__(self, stream: TextIO, most: int = MOST) -> None:
        self._stream = stream
        self._most = most
        self._buffer = ""
        self._at = 0
        self._decoder = json.JSONDecoder()
        self.is_cut = False
        """Whether an array has no end, so that the rest can't be read."""

    def enter(self, opening: re.Pattern[str]) -> bool:
        """Skip an opening at the beginning of the document. Returns whether it was found."""
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
                self.is_cut = not self._skip()
                yield Broken(f"{error}{_AND_THE_REST if self.is_cut else ''}")
                if self.is_cut:
                    return

    def value(self) -> Any:
        """The value at the position. Raises ValueError, and then the position has not changed."""
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
                    raise ValueError("the file ends in the middle of the value") from None
            else:
                if is_too_deep(value):
                    raise ValueError("it is nested too deeply")
                rest = len(self._buffer) - end
                is_closed = rest > _WHOLE_LITERAL or self._buffer[end - 1] in '"]}'
                if is_closed or not self._more():
                    self._at = len(self._buffer) - rest
                    return value

    def skip_lines(self) -> bool:
        """Go to the next line that begins a document; False if there is none."""
        while True:
            found = _DOCUMENT.search(self._buffer, self._at)
            if found is not None:
                self._at = found.end() - 1
                return True
            self._at = max(self._at, len(self._buffer) - 1)
            if not self._more():
                return False

    def is_over(self) -> bool:
        """Whether only space is left."""
        return not self._next_character()

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether the buffer may end within the value, so that more text is needed."""
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
        """Skip the broken item by its brackets; False if its end is not found."""
        depth = 0
        start = self._at
        while True:
            found = _TOKEN.search(self._buffer, start)
            token = found.group() if found is not None else ""
            if found is None or token == '"':  # a string that continues beyond the buffer
                if token:
                    self._buffer = '"' + _open_escape(self._buffer)
                self._at = 0 if token else len(self._buffer)
                if not self._more():
                    return False
                start = 0
                continue
            start = found.end()
            if token in "[{":
                depth += 1
            elif token in "]}":
                depth -= 1
            if depth <= 0:
                self._at = start - (depth < 0)  # the bracket closes the enclosing array or object
                return True


def _open_escape(text: str) -> str:
    """The backslash at the end of a text that escapes the next character, if there is one."""
    return "\\" * ((len(text) - len(text.rstrip("\\"))) % 2)

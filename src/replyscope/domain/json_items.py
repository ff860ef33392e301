"""Reads the values of a large JSON document one by one, holding at most one in memory.

An item that is not valid JSON is returned as Broken and skipped. If its end cannot be found,
the rest of the document is one Broken item.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from replyscope.domain.item_bound import MOST_ITEM, narrow, too_large
from replyscope.domain.json_text import MOST_VALUES, count_values, is_too_deep
from replyscope.domain.values import dataclass

_CHUNK = 1 << 20
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}"]', re.DOTALL)
_SPACE = re.compile(r"[\s,]*")
_DOCUMENT = re.compile(r"\n[{\[]")
_AND_THE_REST = "; its end was not found, so what follows is not read"
_WINDOW = 1 << 16
_CLOSING = '"]}'
_WHOLE_LITERAL = 16  # a number or word may continue beyond the buffer


@dataclass(frozen=True, slots=True)
class Broken:
    """An item that is not valid JSON or too large, and the reason."""

    why: str


class JsonItems:
    """A reader of a text stream. Iterating gives the items of the array at its position."""

    def __init__(self, stream: TextIO, most: int = MOST_ITEM) -> None:
        self._stream = stream
        self.most = most
        """The most characters of an item."""
        self._buffer = ""
        self._at = 0
        self._wide = 0
        """The characters of the item's parts with emoji: their values take more memory."""
        self._read: list[Any] = []
        """The item that was read to decide about its list."""
        self._decoder = json.JSONDecoder()
        self.is_cut = False
        """Whether an array has no end, so that the rest can't be read."""

    def begins(self, beginning: re.Pattern[str]) -> bool:
        """Whether the document begins so."""
        return self._match(beginning) is not None

    def enter(self, opening: re.Pattern[str]) -> bool:
        """Skip an opening at the beginning of the document. Returns whether it was found."""
        found = self._match(opening)
        if found is not None:
            self._at = found.end()
        return found is not None

    def _match(self, beginning: re.Pattern[str]) -> re.Match[str] | None:
        while len(self._buffer) - self._at < 200 and self._more():
            pass
        return beginning.match(self._buffer, self._at)

    def __iter__(self) -> Iterator[Any]:
        """Each item, or Broken in its place."""
        while self._read:
            yield self._read.pop()
        while True:
            character = self._next_character()
            if character == "]":
                self._at += 1
                return
            if not character:
                self.is_cut = True
                yield Broken("the file ends in the middle")
                return
            why = ""
            try:
                yield self.value()
            except ValueError as error:
                why = str(error)
            if why:  # outside of the handler: the error holds the text that was read
                self.is_cut = not self._skip()
                yield Broken(f"{why}{_AND_THE_REST if self.is_cut else ''}")
                if self.is_cut:
                    return

    def value(self) -> Any:
        """The value at the position. Raises ValueError, and then the position has not changed."""
        self._next_character()
        while True:
            try:
                value, end = self._decode()
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
                is_closed = rest > _WHOLE_LITERAL or self._buffer[end - 1] in _CLOSING
                if is_closed or not self._more():
                    self._at = len(self._buffer) - rest
                    self._release()
                    return value

    def enter_list(self, is_wanted: Callable[[Any], bool]) -> bool:
        """Enter the first list of the object at the position whose first item is wanted. Returns
        False, at an unknown position, if there is none.
        """
        self._at += self._next_character() == "{"
        try:
            while self._next_character() == '"':
                self.value()  # the name of a field
                self._at += self._next_character() == ":"
                if self._next_character() == "[" and self._is_entered(is_wanted):
                    return True
                if self._next_character() not in '[{"':
                    self.value()
                elif not self._skip():
                    return False
        except ValueError:
            pass
        return False

    def _is_entered(self, is_wanted: Callable[[Any], bool]) -> bool:
        """Enter the list at the position if its first item is wanted, else go to its end."""
        self._at += 1
        try:
            first = self.value() if self._next_character() != "]" else None
        except ValueError:  # also of one that is too large
            first = None
        if is_wanted(first):
            self._read = [first]
            return True
        self._buffer = "[" + self._buffer[self._at :]
        self._at = 0
        return False

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
        if len(self._buffer) - self._at + self._wide > self.most:
            raise ValueError(too_large(self.most)) from None
        is_open = error.msg.startswith("Unterminated string")
        return is_open or error.pos >= len(error.doc) - _WHOLE_LITERAL

    def _decode(self) -> tuple[Any, int]:
        """The value at the position, and its end. Raises ValueError, RecursionError.

        It is looked for in larger and larger parts of the buffer. A part with too many values is
        decoded only up to a place that has fewer: they take more memory than their text.
        """
        left, size = len(self._buffer) - self._at, _WINDOW
        while True:
            text = self._buffer[self._at : self._at + size]
            few = _with_few_values(text)
            try:
                value, end = self._decoder.raw_decode(few)
            except json.JSONDecodeError:
                if len(few) < len(text):
                    raise ValueError(f"it has more than {MOST_VALUES:,} values") from None
                if size >= left:
                    raise
            else:
                if size >= left or len(text) - end > _WHOLE_LITERAL or few[end - 1] in _CLOSING:
                    return value, self._at + end
            size *= 4

    def _more(self) -> bool:
        held = len(self._buffer) - self._at
        # Twice as much each time, so that all tries cost as much as two.
        wanted = max(_CHUNK, min(held, (self.most - held - self._wide) // 2))
        pieces = [self._buffer[self._at :]]
        while wanted > 0 and (piece := self._stream.read(min(wanted, _CHUNK))):
            pieces.append(narrow(piece, pieces[-1][-1:]))
            self._wide += len(piece) if pieces[-1] is not piece else 0
            wanted -= len(piece)
        self._buffer = "".join(pieces)
        self._at = 0
        return len(pieces) > 1

    def _release(self) -> None:
        """Forget the text of a large value that was read."""
        self._wide = 0
        if self._at > _CHUNK and self._at * 2 > len(self._buffer):
            self._buffer = self._buffer[self._at :]
            self._at = 0

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


def _with_few_values(text: str) -> str:
    """The beginning of a text that has at most MOST_VALUES values."""
    end = len(text)
    while count_values(text, 0, end) > MOST_VALUES:
        end //= 2
    return text[:end]


def _open_escape(text: str) -> str:
    """The backslash at the end of a text that escapes the next character, if there is one."""
    return "\\" * ((len(text) - len(text.rstrip("\\"))) % 2)

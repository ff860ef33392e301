"""An incremental scanner that detects the end of a JSON object. Pure.

The cost of a chunk does not depend on the length of the text before it.
"""

import re

_MARKS = re.compile(r'\\.|["{}\[\]]', re.DOTALL)


class ObjectScan:
    """A counter of brackets outside strings."""

    __slots__ = ("_depth", "_has_opened", "_in_string", "_rest")

    def __init__(self) -> None:
        self._depth = 0
        self._has_opened = False
        self._in_string = False
        self._rest = ""

    @property
    def is_closed(self) -> bool:
        """Whether a bracket was opened, all are closed, and the text is outside a string."""
        return self._has_opened and self._depth <= 0 and not self._in_string

    def feed(self, piece: str) -> None:
        """Scan the next chunk of the text."""
        text, self._rest = self._rest + piece, ""
        slashes = len(text) - len(text.rstrip("\\"))
        if slashes % 2:
            text, self._rest = text[:-1], "\\"
        for match in _MARKS.finditer(text):
            mark = match[0]
            if mark == '"':
                self._in_string = not self._in_string
            elif self._in_string or len(mark) > 1:
                continue
            elif mark in "{[":
                self._depth += 1
                self._has_opened = True
            else:
                self._depth -= 1

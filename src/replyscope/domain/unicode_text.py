"""Handles lone surrogates in text, which JSON from a model can contain.

Received text is kept unchanged. In text that leaves the program (for a terminal, a file, a
request, a database column), a lone surrogate becomes U+FFFD.
"""

import codecs
import re
from typing import Any

REPLACE = "replyscope-replace"
"""An error handler for encoders: U+FFFD where the encoding has it, else a question mark."""

_PIECE = 256 * 1024
_HALF = re.compile("[\ud800-\udfff]")


def _has_half(text: str) -> bool:
    """Whether a text has a surrogate. A long one is searched in pieces, because Python searches
    without letting other threads run.
    """
    if text.isascii():
        return False
    pieces = range(0, len(text), _PIECE)
    return any(_HALF.search(text, start, start + _PIECE) is not None for start in pieces)


def join_halves(text: str) -> str:
    """The text with each surrogate pair joined into one character."""
    if not _has_half(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def sound(text: str) -> str:
    """The text with surrogate pairs joined, and lone surrogates replaced by U+FFFD."""
    if not _has_half(text):
        return text
    return _HALF.sub("\ufffd", join_halves(text))


def sound_values(value: Any) -> Any:
    """A JSON value with `sound` applied to every text, also to keys."""
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, list):
        return [sound_values(one) for one in value]
    if isinstance(value, dict):
        return {sound(name): sound_values(one) for name, one in value.items()}
    return value


def byte_count(text: str) -> int:
    """The length of the text in UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


class HalfHolder:
    """Buffers a high surrogate at the end of a piece until the next piece."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """The text that is complete."""
        text = join_halves(self._held + piece)
        self._held = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        return text[: len(text) - len(self._held)]

    def finish(self) -> str:
        """The buffered surrogate."""
        held, self._held = self._held, ""
        return held


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    count = error.end - error.start
    if error.encoding.lower().startswith("utf"):
        # Bytes, because CPython's UTF-8 encoder accepts only ASCII text from a handler.
        return ("\ufffd" * count).encode(error.encoding), error.end
    return "?" * count, error.end


codecs.register_error(REPLACE, _replace)

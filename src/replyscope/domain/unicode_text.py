"""Text that may hold halves of surrogate pairs, as JSON from a model can.

What came is kept as it came. Where text leaves the program (a terminal, a file, a
request, a database column), a half that stayed alone becomes U+FFFD.
"""

import codecs
import re
from typing import Any

REPLACE = "replyscope-replace"
"""An error handler for encoders: U+FFFD where the encoding has it, else a question mark."""

_HALF = re.compile("[\ud800-\udfff]")


def join_halves(text: str) -> str:
    """The text with each high and low surrogate side by side as one character."""
    if _HALF.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def sound(text: str) -> str:
    """The text as it can leave: halves side by side joined, others replaced by U+FFFD."""
    if _HALF.search(text) is None:
        return text
    return _HALF.sub("\ufffd", join_halves(text))


def sound_values(value: Any) -> Any:
    """A JSON value with every text of it sound, names of fields too."""
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, list):
        return [sound_values(one) for one in value]
    if isinstance(value, dict):
        return {sound(name): sound_values(one) for name, one in value.items()}
    return value


def byte_count(text: str) -> int:
    """How many bytes the text has in UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


class HalfHolder:
    """Holds back the first half of a pair at the end of a piece until the next one comes."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be written now."""
        text = join_halves(self._held + piece)
        self._held = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        return text[: len(text) - len(self._held)]

    def finish(self) -> str:
        """What was held back."""
        held, self._held = self._held, ""
        return held


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    count = error.end - error.start
    if error.encoding.lower().startswith("utf"):
        # Bytes, because CPython's UTF-8 encoder takes no other text than ASCII from here.
        return ("\ufffd" * count).encode(error.encoding), error.end
    return "?" * count, error.end


codecs.register_error(REPLACE, _replace)

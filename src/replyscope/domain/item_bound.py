"""The bound of one item of an import: a conversation, a line of a log, a recorded stream.

An item is in memory several times for a moment: as text, as values, as a session, and as the rows
that are saved. A larger one is not read, and reported.
"""

import codecs
import re
import sys

MOST_ITEM = 48_000_000
"""The most bytes of an item."""
MOST_OWN_ITEM = 200_000_000
"""The most bytes of a session that replyscope exported: what it wrote it reads again."""
TOO_LARGE = "it is larger than"
_PIECE = 1 << 20
_ASTRAL = re.compile(r"(?<!\\)[\U00010000-\U0010ffff]")


def too_large(most: int = MOST_ITEM) -> str:
    """Why an item is not read: a phrase for the person."""
    return f"{TOO_LARGE} {most // 1_000_000} MB"


def narrow(text: str, before: str = "") -> str:
    """A part of a JSON text with escapes for characters beyond U+FFFF, such as emoji.

    One of them makes Python use four bytes for each character of the whole text. JSON has them
    only within strings, where the escape means the same. `before` is the character before the part.
    """
    if sys.getsizeof(text) < 3 * len(text):
        return text
    is_escaped = before == "\\"  # that is an error, and stays one
    kept = text[:1] if is_escaped else ""
    return kept + _ASTRAL.sub(_escape, text[len(kept) :])


def _escape(found: re.Match[str]) -> str:
    high, low = divmod(ord(found[0]) - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def decode_json(data: bytes) -> str:
    """A JSON text from UTF-8, with the escapes of `narrow`. Invalid bytes are replaced."""
    if len(data) <= _PIECE:
        return data.decode("utf-8-sig", "replace")
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    pieces: list[str] = []
    for start in range(0, len(data), _PIECE):
        end = start + _PIECE
        text = decoder.decode(data[start:end], final=end >= len(data))
        pieces.append(narrow(text, pieces[-1][-1:] if pieces else ""))
    return "".join(pieces)

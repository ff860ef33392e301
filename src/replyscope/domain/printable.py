"""Makes untrusted text safe to draw: control characters become visible symbols.

Without it, escape sequences, C1 controls and bidirectional overrides in the text of a model,
a server or a file would control the terminal. Only drawn text is changed, never the stored
text.

There are two levels. `printable_…` is for prose: it keeps joiners, variation selectors and
no-break spaces, which emoji and many scripts need. `exact_…` is for text that a person
decides about, such as a tool call: every character that draws nothing, or a blank other
than the space, is shown by its code.
"""

import re
from collections.abc import Iterable

from replyscope.domain.late_pattern import LatePattern

_TAB_WIDTH = 4
PLACEHOLDER = "\U0010eeee"
"""The character by which text draws a part of a picture that a terminal knows."""


def _symbols() -> dict[int, str]:
    table = {code: chr(0x2400 + code) for code in range(0x20)}
    table[0x7F] = "\u2421"
    table |= dict.fromkeys(range(0x80, 0xA0), "\ufffd")
    bidi = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    table |= {code: f"‹{code:04x}›" for code in bidi}
    table |= dict.fromkeys((0x2028, 0x2029), "\u2424")
    table |= dict.fromkeys((0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB), "\ufffd")
    table |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    table |= dict.fromkeys((*range(0xE0000, 0xE0080), ord(PLACEHOLDER)), "\ufffd")
    return table


_SYMBOLS = _symbols()
_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f\U0010eeee]"
)
_UNSAFE_OR_TAB = LatePattern("\t|" + _UNSAFE.pattern)
_BLOCK_UNSAFE = LatePattern(_UNSAFE.pattern.replace("\x0a", "\x0b", 1))


IGNORABLE = (
    *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
    *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164)),
    *((0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8)),
    *((0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
"""Ranges of code points that draw nothing: Unicode's Default_Ignorable_Code_Point."""

BLANK = (
    *((0x00A0, 0x00A0), (0x1680, 0x1680), (0x2000, 0x200A), (0x202F, 0x202F), (0x205F, 0x205F)),
    *((0x2800, 0x2800), (0x3000, 0x3000), (0x16FE4, 0x16FE4), (0x1D159, 0x1D159)),
)
"""Ranges that draw a blank: every space except U+0020, and characters with an empty glyph."""

FORMATS = (
    *((0x0600, 0x0605), (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2)),
    *((0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1345F)),
)
"""Ranges of other format characters: their glyphs depend on their neighbours."""


def _class(ranges: Iterable[tuple[int, int]]) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


_UNSEEN = LatePattern(f"[{_class((*IGNORABLE, *BLANK, *FORMATS))}]")
_NOT_EXACT = LatePattern(f"{_UNSEEN.pattern}|{_UNSAFE.pattern}")


def exact_line(text: str) -> str:
    """One line in which every character is visible, and the space is the only blank."""
    if text.isascii():
        return printable_line(text)
    return printable_line(_UNSEEN.compiled.sub(_code, text))


def exact_text(text: str) -> str:
    """Text with its line breaks, and every other character as in `exact_line`."""
    if text.isascii():
        return printable_text(text)
    return printable_text(_UNSEEN.compiled.sub(_code, text))


def escape_unseen(text: str) -> str:
    """JSON with the same value, in which invisible characters are escaped."""
    if text.isascii():
        return text
    import json  # not needed before the first paint

    return _NOT_EXACT.compiled.sub(
        lambda found: found[0] if found[0] in "\r\n" else json.dumps(found[0])[1:-1], text
    )


def _code(found: re.Match[str]) -> str:
    return f"‹{ord(found[0]):04x}›"


def printable_line(text: str) -> str:
    """One line with every control character, line breaks included, made visible."""
    if text.isascii() and text.isprintable():
        return text
    if "\t" in text:
        text = text.replace("\t", " " * _TAB_WIDTH)
    if _UNSAFE.search(text) is None:
        return text
    return text.translate(_SYMBOLS)


def is_printable_line(text: str) -> bool:
    """Whether the text has neither control characters nor line breaks."""
    return (text.isascii() and text.isprintable()) or _UNSAFE_OR_TAB.compiled.search(text) is None


def printable_text(text: str) -> str:
    """Text with its line breaks, and every other control character made visible."""
    if _UNSAFE_OR_TAB.compiled.search(text) is None:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(printable_line(line) for line in lines)


def is_printable(text: str) -> bool:
    """Whether the text has no control characters except line breaks."""
    return _BLOCK_UNSAFE.compiled.search(text) is None

"""Untrusted text made safe to draw: control characters become visible symbols.

What a model, a server or a file says is data. Escape sequences, C1 controls and
bidirectional overrides would otherwise reach the terminal and be obeyed. The
stored text is never changed; only what is drawn.
"""

import re

_TAB_WIDTH = 4


def _symbols() -> dict[int, str]:
    table = {code: chr(0x2400 + code) for code in range(0x20)}
    table[0x7F] = "\u2421"
    table |= dict.fromkeys(range(0x80, 0xA0), "\ufffd")
    bidi = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    table |= {code: f"‹{code:04x}›" for code in bidi}
    table |= dict.fromkeys((0x2028, 0x2029), "\u2424")
    table |= dict.fromkeys((0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB), "\ufffd")
    table |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    table |= dict.fromkeys(range(0xE0000, 0xE0080), "\ufffd")
    return table


_SYMBOLS = _symbols()
_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_UNSAFE_OR_TAB = re.compile("\t|" + _UNSAFE.pattern)
_BLOCK_UNSAFE = re.compile(_UNSAFE.pattern.replace("\x0a", "\x0b", 1))


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
    """Whether drawing the text can't do more than draw it, on one line."""
    return (text.isascii() and text.isprintable()) or _UNSAFE_OR_TAB.search(text) is None


def printable_text(text: str) -> str:
    """Text whose line breaks stay and whose other control characters are made visible."""
    if _UNSAFE_OR_TAB.search(text) is None:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(printable_line(line) for line in lines)


def is_printable(text: str) -> bool:
    """Whether drawing the text can't do more than draw it (line breaks allowed)."""
    return _BLOCK_UNSAFE.search(text) is None

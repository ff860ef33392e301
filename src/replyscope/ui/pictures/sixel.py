"""Sixel: pixels as printable characters, six rows of one colour in each.

https://vt100.net/docs/vt3xx-gp/chapter14.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = 64
"""A band of six rows is sent once for each of its colours."""
_BAND = 6
_LEAST_OPAQUE = 128
_RUN = re.compile(rb"(.)\1{3,}", re.DOTALL)
_CHARACTERS = bytes((bits & 63) + 63 for bits in range(256))


def sixel(image: Image) -> str:
    """The sequence that paints a picture with a palette at the cursor. Transparent pixels stay as
    they are. Where the cursor is afterwards depends on the terminal.
    """
    width, height = image.size
    pixels, palette = image.tobytes(), bytes(image.getpalette("RGBA") or ())
    seen = [colour for colour in sorted(set(pixels)) if palette[4 * colour + 3] >= _LEAST_OPAQUE]
    parts = [f'\x1bP0;1;0q"1;1;{width};{height}']
    parts += [f"#{colour};2;{_percent(palette[4 * colour : 4 * colour + 3])}" for colour in seen]
    for top in range(0, height, _BAND):
        rows = [pixels[y * width : (y + 1) * width] for y in range(top, min(top + _BAND, height))]
        here = set().union(*rows)
        lines = (f"#{colour}{_line(rows, colour)}" for colour in seen if colour in here)
        parts += ["$".join(lines), "-"]
    return "".join((*parts[:-1], "\x1b\\"))


def _percent(colour: bytes) -> str:
    return ";".join(str(round(value * 100 / 255)) for value in colour)


def _line(rows: list[bytes], colour: int) -> str:
    """The pixels of one colour in a band."""
    total = 0
    for place, row in enumerate(rows):
        bits = bytearray(256)
        bits[colour] = 1 << place
        total |= int.from_bytes(row.translate(bits))
    columns = total.to_bytes(len(rows[0])).translate(_CHARACTERS).rstrip(b"?")
    return _RUN.sub(lambda run: b"!%d%c" % (len(run[0]), run[1]), columns).decode("ascii")

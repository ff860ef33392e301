"""Cells of pictures: each says by its combining characters which row and column of a picture it is,
and by its colour which picture. Kitty draws them itself; for terminals that draw only pixels, they
are replaced when they are sent.

https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

import re
from collections.abc import Iterator

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from replyscope.domain.printable import PLACEHOLDER
from replyscope.domain.values import dataclass
from replyscope.ui.pictures.grid import MOST_COLUMNS, Grid

_NUMBERS = (
    "0305 030d 030e 0310 0312 033d 033e 033f 0346 034a 034b 034c 0350 0351 0352 0357 035b 0363 "
    "0364 0365 0366 0367 0368 0369 036a 036b 036c 036d 036e 036f 0483 0484 0485 0486 0487 0592 "
    "0593 0594 0595 0597 0598 0599 059c 059d 059e 059f 05a0 05a1 05a8 05a9 05ab 05ac 05af 05c4 "
    "0610 0611 0612 0613 0614 0615 0616 0617 0657 0658 0659 065a 065b 065d 065e 06d6 06d7 06d8 "
    "06d9 06da 06db 06dc 06df 06e0 06e1 06e2"
)
NUMBERS = tuple(chr(int(code, 16)) for code in _NUMBERS.split())
"""The combining characters that encode the numbers of rows and columns, from 0."""
assert len(NUMBERS) >= MOST_COLUMNS
_NUMBER_OF = {character: number for number, character in enumerate(NUMBERS)}
_COLOUR = re.compile(r"(?:^|;)38;2;(\d+);(\d+);(\d+)")

OWN = "picture"
"""The key in the meta of a style by which the gate knows our placeholders."""


@dataclass(frozen=True, slots=True)
class CellSpan:
    """Neighbouring cells of a picture: its row, its first column, and their number."""

    row: int
    column: int
    count: int


def image_id(key: str, grid: Grid) -> int:
    """The id of a picture in a grid: 24 bits, never 0."""
    import hashlib  # only a picture needs OpenSSL

    digest = hashlib.sha256(f"{key} {grid.columns} {grid.rows}".encode()).digest()
    return int.from_bytes(digest[:3]) or 1


def placeholder_rows(number: int, grid: Grid) -> list[list[Segment]]:
    """The cells of a picture. Each has its own numbers, so that a dialog may cover a part."""
    color = Color.from_rgb(number >> 16, number >> 8 & 255, number & 255)
    style = Style.from_color(color) + Style(meta={OWN: True})
    columns = NUMBERS[: grid.columns]
    return [
        [Segment("".join(f"{PLACEHOLDER}{row}{column}" for column in columns), style)]
        for row in NUMBERS[: grid.rows]
    ]


def id_of(ansi: str) -> int | None:
    """The id of the picture of a cell with these SGR codes; None without a true colour."""
    found = _COLOUR.search(ansi)
    if found is None:
        return None
    return int(found[1]) << 16 | int(found[2]) << 8 | int(found[3])


def spans_of(text: str) -> Iterator[CellSpan]:
    """The spans of placeholder cells, from left to right."""
    span: CellSpan | None = None
    for _, row, column in zip(text[::3], text[1::3], text[2::3], strict=True):
        at = (_NUMBER_OF[row], _NUMBER_OF[column])
        if span is not None and at == (span.row, span.column + span.count):
            span = CellSpan(span.row, span.column, span.count + 1)
        else:
            if span is not None:
                yield span
            span = CellSpan(*at, 1)
    if span is not None:
        yield span

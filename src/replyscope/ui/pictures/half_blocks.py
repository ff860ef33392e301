"""Draws pixels as half blocks: a cell has two pixels, in its foreground and background."""

from functools import lru_cache
from itertools import groupby

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from replyscope.ui.pictures.grid import Grid

_OPAQUE = 128
_LEVELS = 0xFC
"""Colours that differ less are drawn as one run of cells."""
_Pixel = tuple[int, int, int] | None


def half_block_rows(pixels: bytes, grid: Grid) -> list[list[Segment]]:
    """The rows of RGBA pixels, two for each cell. A transparent pixel has no colour."""
    stride = 4 * grid.columns
    lines = [_line(pixels[at : at + stride]) for at in range(0, len(pixels), stride)]
    return [_row(*pair) for pair in zip(lines[::2], lines[1::2], strict=True)]


def _line(pixels: bytes) -> list[_Pixel]:
    return [
        (red & _LEVELS, green & _LEVELS, blue & _LEVELS) if alpha >= _OPAQUE else None
        for red, green, blue, alpha in zip(*(pixels[n::4] for n in range(4)), strict=True)
    ]


def _row(upper: list[_Pixel], lower: list[_Pixel]) -> list[Segment]:
    """One row of cells; equal neighbours are one segment."""
    runs = ((pair, len(list(same))) for pair, same in groupby(zip(upper, lower, strict=True)))
    return [_segment(*pair, length) for pair, length in runs]


def _segment(upper: _Pixel, lower: _Pixel, length: int) -> Segment:
    if upper is None and lower is None:
        return Segment(_blocks(" ", length))
    if upper is None:
        return Segment(_blocks("▄", length), _style(lower, None))
    return Segment(_blocks("▀", length), _style(upper, lower))


@lru_cache(maxsize=256)
def _blocks(block: str, length: int) -> str:
    """A text of equal cells: one for all runs, of which most are one cell long."""
    return block * length


@lru_cache(maxsize=4096)
def _style(color: _Pixel, background: _Pixel) -> Style:
    return Style.from_color(_color(color), _color(background))


def _color(pixel: _Pixel) -> Color | None:
    return Color.from_rgb(*pixel) if pixel is not None else None

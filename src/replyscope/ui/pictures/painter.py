"""Draws the cells of pictures as pixels, for terminals that know no placeholders.

Each run of cells that is sent is a picture of its own, one row high: what a dialog covers or what
has scrolled away is not sent, and writing over a cell removes its pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from replyscope.ui.pictures import iterm, sixel
from replyscope.ui.pictures.grid import Grid
from replyscope.ui.pictures.placeholders import CellSpan, id_of, spans_of

if TYPE_CHECKING:
    from PIL.Image import Image

CellSize = tuple[int, int]
"""The width and height of a cell in pixels."""
Encode = Callable[["Image", int], str]
"""Encodes a picture with a palette, one row of so many cells."""


class PixelForm:
    """A protocol for pixels: how many colours it gets, and its encoding."""

    def __init__(self, colours: int, encode: Encode) -> None:
        self.colours = colours
        self.encode = encode


SIXEL = PixelForm(sixel.COLOURS, lambda image, _: sixel.sixel(image))
ITERM = PixelForm(iterm.COLOURS, iterm.inline_file)


class PixelPicture:
    """A picture and its encoded rows, for one size of cells at a time."""

    def __init__(self, image: Image, grid: Grid, form: PixelForm) -> None:
        self.grid = grid
        self._image = image
        self._form = form
        self._cell: CellSize | None = None
        self._scaled: Image | None = None
        self._encoded: dict[CellSpan, str] = {}

    def prepare(self, cell: CellSize) -> None:
        """Encode all rows. Slow: call it in a thread, before the picture is shown."""
        for row in range(self.grid.rows):
            self.encoded(CellSpan(row, 0, self.grid.columns), cell)

    def encoded(self, span: CellSpan, cell: CellSize) -> str:
        """The sequence that draws a span at the cursor."""
        scaled = self._at(cell)
        found = self._encoded.get(span)
        if found is None:
            width, height = cell
            left, top = span.column * width, span.row * height
            part = scaled.crop((left, top, left + span.count * width, top + height))
            found = self._encoded[span] = self._form.encode(part, span.count)
        return found

    def _at(self, cell: CellSize) -> Image:
        if self._scaled is None or self._cell != cell:
            size = (self.grid.columns * cell[0], self.grid.rows * cell[1])
            image = self._image if self._image.size == size else self._image.resize(size)
            self._scaled = image.quantize(self._form.colours, method=2)  # octree: keeps alpha
            self._cell, self._encoded = cell, {}
        return self._scaled


class PixelPainter:
    """Paints the pictures that somebody keeps. Implements CellPainter."""

    def __init__(self, form: PixelForm, cell_size: Callable[[], CellSize | None]) -> None:
        self._form = form
        self._cell_size = cell_size
        self._pictures: WeakValueDictionary[int, PixelPicture] = WeakValueDictionary()

    def prepared(self, image: Image, grid: Grid) -> PixelPicture:
        """A picture with all its rows encoded. Slow: call it in a thread."""
        picture = PixelPicture(image, grid, self._form)
        cell = self._cell_size()
        if cell is not None:
            picture.prepare(cell)
        return picture

    def add(self, number: int, picture: PixelPicture) -> None:
        """Know a picture by its id, for as long as it is kept elsewhere."""
        self._pictures[number] = picture

    def paint(self, text: str, ansi: str) -> str:
        """See CellPainter."""
        picture = self._pictures.get(id_of(ansi) or 0)
        cell = self._cell_size()
        if picture is None or cell is None:
            return ""
        # The terminals leave the cursor in different places.
        return "".join(
            f"\x1b7{picture.encoded(span, cell)}\x1b8\x1b[{span.count}C" for span in spans_of(text)
        )

"""A cache of drawn pictures. They are decoded in a thread; until then their place is blank."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from textual.strip import Strip

from replyscope.ui.pictures import kitty
from replyscope.ui.pictures.background_cache import BackgroundCache, Notify
from replyscope.ui.pictures.decode import decode_image, decode_pixels, encode_png
from replyscope.ui.pictures.forms import PictureForm
from replyscope.ui.pictures.grid import Grid, fit_grid
from replyscope.ui.pictures.half_blocks import half_block_rows
from replyscope.ui.pictures.painter import PixelPainter, PixelPicture
from replyscope.ui.pictures.placeholders import image_id, placeholder_rows
from replyscope.ui.pictures.row import picture_row
from replyscope.ui.pictures.source import PictureError, PictureSource

_MOST_CELLS = 40_000
"""The cells of the kept pictures, 500 bytes to 2 kB each."""


@dataclass(slots=True)
class _Drawn:
    """A decoded picture: the fault, or its rows, and what the terminal needs before them."""

    rows: list[Strip] = field(default_factory=list)
    fault: str = ""
    transmission: str = ""
    picture: PixelPicture | None = None


class Gallery:
    """Draws pictures in the form of the terminal. `write` sends a transmission to the terminal,
    and `painter` draws cells as pixels.

    `strips` is called in the thread of the screen, and `notify` in another one, after a picture
    was decoded.
    """

    def __init__(
        self,
        form: PictureForm,
        write: Callable[[str], object],
        painter: PixelPainter | None = None,
    ) -> None:
        self._form = form
        self._painter = painter
        self._write = write
        self._drawn: BackgroundCache[tuple[str, Grid], _Drawn] = BackgroundCache(
            "pictures", _MOST_CELLS, lambda key: key[1].columns * key[1].rows
        )
        self._transmitted: set[int] = set()

    @property
    def draws(self) -> bool:
        """Whether pictures are drawn, and not only described."""
        return self._form is not PictureForm.WORDS

    def strips(self, source: PictureSource, room: int, notify: Notify) -> list[Strip]:
        """The rows of a picture in `room` columns: blank ones while it is decoded.

        Raises PictureError if it cannot be drawn.
        """
        if not self.draws:
            return []
        header = source.header
        assert header.width is not None
        assert header.height is not None
        grid = fit_grid(header.width, header.height, room)
        draw = partial(self._draw, source, grid)
        drawn = self._drawn.find((source.key, grid), draw, notify)
        if drawn is None:
            return [picture_row([]) for _ in range(grid.rows)]
        if drawn.fault:
            raise PictureError(drawn.fault)
        if drawn.transmission:
            self._write(drawn.transmission)
            self._transmitted.add(image_id(source.key, grid))
            drawn.transmission = ""
        if drawn.picture is not None and self._painter is not None:
            self._painter.add(image_id(source.key, grid), drawn.picture)
        return drawn.rows

    def close(self) -> None:
        """Delete the pictures of the terminal."""
        self._write("".join(kitty.deletion(number) for number in self._transmitted))
        self._transmitted.clear()

    def _draw(self, source: PictureSource, grid: Grid) -> _Drawn:
        try:
            data = source.read()
            if self._form is PictureForm.HALF_BLOCKS:
                blocks = half_block_rows(decode_pixels(data, grid), grid)
                return _Drawn([picture_row(row) for row in blocks])
            number = image_id(source.key, grid)
            rows = [picture_row(row) for row in placeholder_rows(number, grid)]
            if self._painter is not None:
                picture = self._painter.prepared(decode_image(data, grid), grid)
                return _Drawn(rows, picture=picture)
            sent = kitty.transmission(number, encode_png(data, grid), grid)
            return _Drawn(rows, transmission=sent)
        except PictureError as error:
            return _Drawn(fault=str(error))

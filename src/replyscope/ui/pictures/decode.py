"""Decodes pictures with Pillow, within limits. Slow: call it in a thread."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from replyscope.ui.pictures.grid import Grid
from replyscope.ui.pictures.source import MOST_PIXELS, PictureError

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
CELL = (12, 24)
"""The pixels of a cell for terminals that scale a picture into their cells."""


def decode_pixels(data: bytes, grid: Grid) -> bytes:
    """The pixels of a picture, two for each cell, as RGBA in rows from the top.

    Raises PictureError.
    """
    pixels = _decode(data, grid.columns, 2 * grid.rows).tobytes()
    assert len(pixels) == grid.columns * grid.rows * 8
    return pixels


def decode_image(data: bytes, grid: Grid) -> Image:
    """The picture in RGBA, scaled to the cells of a grid. Raises PictureError."""
    return _decode(data, grid.columns * CELL[0], grid.rows * CELL[1])


def encode_png(data: bytes, grid: Grid) -> bytes:
    """The picture as PNG, scaled to the cells of a grid. Raises PictureError."""
    image = decode_image(data, grid)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _decode(data: bytes, width: int, height: int) -> Image:
    """The first frame, upright, in RGBA and scaled. Raises PictureError."""
    from PIL import Image, ImageOps  # at the first picture

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise PictureError("Too large to draw: it has more pixels than its header says.")
            side = 2 * max(width, height)
            image.draft("RGB", (side, side))  # a JPEG decodes faster if it is reduced
            upright = ImageOps.exif_transpose(image).convert("RGBA")
            return upright.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    except PictureError:
        raise
    except Exception as error:
        raise PictureError("The picture is damaged and cannot be drawn.") from error

"""Opens the gallery of pictures in the best form of this terminal."""

import os
from functools import partial
from typing import Any

from textual.app import App

from replyscope.ui.pictures.forms import PixelAbilities, picture_form, pixel_painter
from replyscope.ui.pictures.gallery import Gallery
from replyscope.ui.terminal.textual_internals import driver_of, write_to_terminal
from replyscope.ui.terminal.updates import output_of


def open_gallery(app: App[Any], *, ascii_only: bool) -> Gallery:
    """The gallery of an app. Cells become pixels in the driver's output, if it has one."""
    driver = driver_of(app)
    output = output_of(driver)
    pixels = PixelAbilities()
    if output is not None:
        pixels = PixelAbilities(
            getattr(driver, "knows_sixel", False), getattr(driver, "cell_size", None)
        )
    form = picture_form(os.environ, app.console.color_system, pixels, ascii_only=ascii_only)
    painter = pixel_painter(form, pixels)
    if output is not None:
        output.painter = painter
    return Gallery(form, partial(write_to_terminal, app), painter)

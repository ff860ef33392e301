"""Gives the updates of Textual's compositor to the output of our driver."""

from functools import partial
from typing import Any

from textual.app import App
from textual.driver import Driver

from replyscope.ui.output.screen_output import PlacedSegments, ScreenOutput
from replyscope.ui.terminal.textual_internals import (
    CompositorUpdate,
    GuardedApp,
    colours_of,
    driver_of,
    pieces_of,
    segments_of,
    size_of,
)


def output_of(driver: Driver | None) -> ScreenOutput | None:
    """The output of a driver; None for every driver but that of a terminal on Linux and macOS."""
    output: ScreenOutput | None = getattr(driver, "screen_output", None)
    return output


def show_update(app: GuardedApp, driver: Driver, update: CompositorUpdate) -> bool:
    """Show an update of the screen. Returns whether the driver has an output."""
    output = output_of(driver)
    size = size_of(update)
    if output is None or size is None:
        return False
    colours = colours_of(app)
    pieces = (
        PlacedSegments(x, y, strip, partial(segments_of, strip, colours))
        for x, y, strip in pieces_of(update)
    )
    cursor = app.screen.outer_size.clamp_offset(app.cursor_position)
    output.show(pieces, size, cursor, is_synced=app.knows_sync)
    return True


def forget_screen(app: App[Any]) -> None:
    """Draw everything with the next update: the terminal may show something else."""
    output = output_of(driver_of(app))
    if output is not None:
        output.forget()


def is_behind(app: App[Any]) -> bool:
    """Whether a part of the screen waits for the terminal."""
    output = output_of(driver_of(app))
    return output is not None and output.is_waiting

"""The ways in which terminals draw pictures, and which one a terminal gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from replyscope.ui.pictures import iterm, kitty
from replyscope.ui.pictures.decode import CELL
from replyscope.ui.pictures.painter import ITERM, SIXEL, CellSize, PixelPainter

_MULTIPLEXERS = ("TMUX", "STY", "ZELLIJ")
_LARGEST_CELL = 128
"""The most pixels of a side of a cell; a terminal that reports more is not believed."""


class PictureForm(Enum):
    """The ways in which terminals draw pictures."""

    WORDS = "words"
    HALF_BLOCKS = "half blocks"
    KITTY = "kitty"
    ITERM = "iterm2"
    SIXEL = "sixel"


@dataclass(frozen=True, slots=True)
class PixelAbilities:
    """What is known of the terminal's pixels. `cell_size` is asked again at each picture, because
    a person may choose another size of letters; None where cells are sent by others.
    """

    knows_sixel: bool = False
    cell_size: Callable[[], CellSize | None] | None = None


def picture_form(
    environment: Mapping[str, str],
    color_system: str | None,
    pixels: PixelAbilities = PixelAbilities(),
    *,
    ascii_only: bool,
) -> PictureForm:
    """The best form for a terminal. The variables within a multiplexer are those of the terminal
    outside; a multiplexer that draws sixels says so.
    """
    if ascii_only or environment.get("NO_COLOR") or color_system not in ("truecolor", "256"):
        return PictureForm.WORDS
    is_direct = not any(environment.get(name) for name in _MULTIPLEXERS)
    if color_system == "truecolor":
        if is_direct and kitty.draws_placeholders(environment):
            return PictureForm.KITTY
        if pixels.cell_size is not None and is_direct and iterm.draws_files(environment):
            return PictureForm.ITERM
        if pixels.cell_size is not None and pixels.knows_sixel and _is_usual(pixels.cell_size()):
            return PictureForm.SIXEL
    return PictureForm.HALF_BLOCKS


def _is_usual(cell: CellSize | None) -> bool:
    return cell is not None and all(2 <= side <= _LARGEST_CELL for side in cell)


def pixel_painter(form: PictureForm, pixels: PixelAbilities) -> PixelPainter | None:
    """The painter of a form; None where the terminal draws the cells itself."""
    if form is PictureForm.ITERM:
        return PixelPainter(ITERM, lambda: CELL)
    if form is PictureForm.SIXEL and pixels.cell_size is not None:
        return PixelPainter(SIXEL, pixels.cell_size)
    return None

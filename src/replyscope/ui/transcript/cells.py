"""Cells: the parts of an entry that are drawn as a unit, such as a header, block or notice."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from replyscope.domain.plural import plural
from replyscope.ui.markdown.block import Block, BlockKind
from replyscope.ui.markdown.copy_marks import LAYOUT, mark
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.wrap import to_strip, wrap
from replyscope.ui.pictures.grid import MOST_ROWS
from replyscope.ui.pictures.row import indented
from replyscope.ui.pictures.source import PictureError, PictureSource, encoded_picture

if TYPE_CHECKING:  # loaded with the first text
    from replyscope.ui.markdown.document import MarkdownDocument

_MOST_PICTURES = 8
"""The maximum number of pictures of a block: all visible pictures must fit into the gallery."""

Draw = Callable[[int, Palette], list[Strip]]
DrawPicture = Callable[[PictureSource, int], list[Strip]]
"""Draws a picture in at most a number of columns. Raises PictureError."""


class Cell:
    """A part of an entry. It is drawn when it is first visible; before, its height is estimated."""

    __slots__ = ("_draw", "has_drawing", "height", "strips")

    def __init__(self, draw: Draw, estimate: int, *, has_drawing: bool = False) -> None:
        self._draw = draw
        self.has_drawing = has_drawing
        """Whether a part of it is drawn in a thread: a diagram or a picture."""
        self.height = estimate
        self.strips: list[Strip] | None = None

    def drawn(self, width: int, palette: Palette) -> list[Strip]:
        """Return the strips, drawn if necessary. The height is exact then."""
        if self.strips is None:
            self.strips = self._draw(width, palette)
            self.height = len(self.strips)
        return self.strips


def block_cell(
    document: "MarkdownDocument",
    block: Block,
    width: int,
    *,
    is_first: bool,
    draw_picture: DrawPicture | None = None,
) -> Cell:
    """A cell of a Markdown block, with its pictures below it; the first one of a text has no
    blank line above.
    """
    found = document.pictures_in(block) if draw_picture is not None else ()
    pictures = [encoded_picture("picture in the reply", one) for one in found[:_MOST_PICTURES]]
    more = len(found) - len(pictures)

    def draw(width: int, palette: Palette) -> list[Strip]:
        strips = document.draw(block, width, palette)
        strips = strips[1:] if is_first and block.has_gap and strips else strips
        if draw_picture is not None:
            last = strips[-1].text if strips else ""
            indent = len(last) - len(last.lstrip(" "))
            for picture in pictures:
                strips += picture_strips(picture, indent, width, palette, draw_picture)
            if more:
                text = f"{plural(more, 'more picture')} not drawn here"
                strips.append(to_strip(Text(" " * indent + text, palette.muted)))
        return strips

    return Cell(
        draw,
        estimate_height(block.source, width, block.kind) + int(block.has_gap),
        has_drawing=bool(pictures) or block.kind is BlockKind.DIAGRAM or "mermaid" in block.source,
    )


def picture_cell(picture: PictureSource, draw_picture: DrawPicture) -> Cell:
    """A cell of a picture."""

    def draw(width: int, palette: Palette) -> list[Strip]:
        return picture_strips(picture, 0, width, palette, draw_picture)

    return Cell(draw, MOST_ROWS, has_drawing=True)


def picture_strips(
    picture: PictureSource, indent: int, width: int, palette: Palette, draw_picture: DrawPicture
) -> list[Strip]:
    """The rows of a picture, or a sentence if it cannot be drawn."""
    try:
        rows = draw_picture(picture, max(1, width - indent))
    except PictureError as error:
        lines = wrap(Text(str(error), palette.muted), max(1, width - indent))
        return [to_strip(Text(" " * indent, end="").append_text(line)) for line in lines]
    return [indented(row, indent) for row in rows]


def estimate_height(source: str, width: int, kind: BlockKind = BlockKind.MARKDOWN) -> int:
    """Estimate the height of a source in lines, at least 1."""
    breaks = source.count("\n") + 1
    folded = len(source) // max(1, width)
    if kind is BlockKind.MARKDOWN:
        return max(1, breaks, folded + 1)
    return max(breaks, folded)


def text_cell(text: Text, *, indent: int = 0, gap: bool = False, estimate: int = 1) -> Cell:
    """A cell of styled text, wrapped; `estimate` is its height until it is drawn."""

    def draw(width: int, palette: Palette) -> list[Strip]:
        del palette
        lines = wrap(text.copy(), max(1, width - indent))
        pad = mark(Text(" " * indent, end=""), LAYOUT)
        drawn = [to_strip(pad.copy().append_text(line)) for line in lines]
        return [Strip.blank(0), *drawn] if gap else drawn

    return Cell(draw, estimate + int(gap))


def line_cell(text: Text, *, gap: bool = False) -> Cell:
    """A cell of one line, truncated to the width."""

    def draw(width: int, palette: Palette) -> list[Strip]:
        del palette
        line = text.copy()
        line.truncate(width, overflow="ellipsis")
        return [Strip.blank(0), to_strip(line)] if gap else [to_strip(line)]

    return Cell(draw, 1 + int(gap))


def split_cell(left: Text, right: Text) -> Cell:
    """A cell of one line with text at both ends; the right text is omitted without room."""

    def draw(width: int, palette: Palette) -> list[Strip]:
        del palette
        line = left.copy()
        room = width - left.cell_len - right.cell_len
        if room >= 1:
            line.append(" " * room, Style()).append_text(right)
        else:
            line.truncate(width, overflow="ellipsis")
        return [to_strip(line)]

    return Cell(draw, 1)


def blank_cell() -> Cell:
    """A cell of one empty line."""
    return Cell(lambda _width, _palette: [Strip.blank(0)], 1)

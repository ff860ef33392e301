"""A cell is a stretch of an entry that is drawn as one: a header, a block, a notice."""

from collections.abc import Callable

from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from replyscope.ui.markdown.block import Block, BlockKind
from replyscope.ui.markdown.document import MarkdownDocument
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.wrap import to_strip, wrap

Draw = Callable[[int, Palette], list[Strip]]


class Cell:
    """Drawn when first seen; until then its height is an estimate."""

    __slots__ = ("_draw", "height", "strips")

    def __init__(self, draw: Draw, estimate: int) -> None:
        self._draw = draw
        self.height = estimate
        self.strips: list[Strip] | None = None

    def drawn(self, width: int, palette: Palette) -> list[Strip]:
        """The strips; drawing them makes the height exact."""
        if self.strips is None:
            self.strips = self._draw(width, palette)
            self.height = len(self.strips)
        return self.strips


def block_cell(document: MarkdownDocument, block: Block, width: int, *, is_first: bool) -> Cell:
    """A Markdown block; the first of a text has no gap above."""

    def draw(width: int, palette: Palette) -> list[Strip]:
        strips = document.draw(block, width, palette)
        return strips[1:] if is_first and block.has_gap and strips else strips

    return Cell(draw, estimate_height(block.source, width, block.kind) + int(block.has_gap))


def estimate_height(source: str, width: int, kind: BlockKind = BlockKind.MARKDOWN) -> int:
    """About how many lines a source takes: never exact, never 0."""
    breaks = source.count("\n") + 1
    folded = len(source) // max(1, width)
    if kind is BlockKind.MARKDOWN:
        return max(1, breaks // 2, folded + 1)
    return max(breaks, folded)


def text_cell(text: Text, *, indent: int = 0, gap: bool = False) -> Cell:
    """A few lines of styled text of our own, wrapped."""

    def draw(width: int, palette: Palette) -> list[Strip]:
        del palette
        lines = wrap(text.copy(), max(1, width - indent))
        pad = Text(" " * indent, end="")
        drawn = [to_strip(pad.copy().append_text(line)) for line in lines]
        return [Strip.blank(0), *drawn] if gap else drawn

    return Cell(draw, 1 + int(gap))


def line_cell(text: Text, *, gap: bool = False) -> Cell:
    """One line of our own; what has no room is cut."""

    def draw(width: int, palette: Palette) -> list[Strip]:
        del palette
        line = text.copy()
        line.truncate(width, overflow="ellipsis")
        return [Strip.blank(0), to_strip(line)] if gap else [to_strip(line)]

    return Cell(draw, 1 + int(gap))


def split_cell(left: Text, right: Text) -> Cell:
    """One line with something at both ends; the right one goes when there is no room."""

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
    """An empty line."""
    return Cell(lambda _width, _palette: [Strip.blank(0)], 1)

"""Cells: the parts of an entry that are drawn as a unit, such as a header, block or notice."""

from collections.abc import Callable

from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from replyscope.ui.markdown.block import Block, BlockKind
from replyscope.ui.markdown.copy_marks import LAYOUT, mark
from replyscope.ui.markdown.document import MarkdownDocument
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.wrap import to_strip, wrap

Draw = Callable[[int, Palette], list[Strip]]


class Cell:
    """A part of an entry. It is drawn when it is first visible; before, its height is estimated."""

    __slots__ = ("_draw", "has_diagram", "height", "strips")

    def __init__(self, draw: Draw, estimate: int, *, has_diagram: bool = False) -> None:
        self._draw = draw
        self.has_diagram = has_diagram
        self.height = estimate
        self.strips: list[Strip] | None = None

    def drawn(self, width: int, palette: Palette) -> list[Strip]:
        """Return the strips, drawn if necessary. The height is exact then."""
        if self.strips is None:
            self.strips = self._draw(width, palette)
            self.height = len(self.strips)
        return self.strips


def block_cell(document: MarkdownDocument, block: Block, width: int, *, is_first: bool) -> Cell:
    """A cell of a Markdown block; the first one of a text has no blank line above."""

    def draw(width: int, palette: Palette) -> list[Strip]:
        strips = document.draw(block, width, palette)
        return strips[1:] if is_first and block.has_gap and strips else strips

    return Cell(
        draw,
        estimate_height(block.source, width, block.kind) + int(block.has_gap),
        has_diagram=block.kind is BlockKind.DIAGRAM or "mermaid" in block.source,
    )


def estimate_height(source: str, width: int, kind: BlockKind = BlockKind.MARKDOWN) -> int:
    """Estimate the height of a source in lines, at least 1."""
    breaks = source.count("\n") + 1
    folded = len(source) // max(1, width)
    if kind is BlockKind.MARKDOWN:
        return max(1, breaks, folded + 1)
    return max(breaks, folded)


def text_cell(text: Text, *, indent: int = 0, gap: bool = False) -> Cell:
    """A cell of styled text, wrapped."""

    def draw(width: int, palette: Palette) -> list[Strip]:
        del palette
        lines = wrap(text.copy(), max(1, width - indent))
        pad = mark(Text(" " * indent, end=""), LAYOUT)
        drawn = [to_strip(pad.copy().append_text(line)) for line in lines]
        return [Strip.blank(0), *drawn] if gap else drawn

    return Cell(draw, 1 + int(gap))


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

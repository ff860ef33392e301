"""The cells of one growing Markdown text, built in bounded steps."""

from itertools import takewhile

from replyscope.domain.growing import WordCount
from replyscope.ui.markdown.block import Block
from replyscope.ui.markdown.options import DrawingOptions
from replyscope.ui.transcript.cells import Cell, DrawPicture, block_cell

_MOST_COUNTED = 256 * 1024
"""The characters whose words one frame may count, about 5 ms."""


class BlockCells:
    """A cache of the cells of a growing text. Cells of closed blocks, and of open blocks without
    changes, are reused.
    """

    def __init__(self, options: DrawingOptions, draw_picture: DrawPicture | None = None) -> None:
        # The parser and the drawing of blocks are loaded with the first text.
        from replyscope.ui.markdown.document import MarkdownDocument

        self._draw_picture = draw_picture
        self._document = MarkdownDocument(options=options)
        self._open: dict[tuple[int, Block], Cell] = {}
        self._width = 0
        self.cells: list[Cell] = []
        """One cell for each block, after the last `lay_out`."""

    @property
    def length(self) -> int:
        """The number of characters of the text that have cells."""
        return self._document.length

    @property
    def parsed(self) -> int:
        """The number of characters parsed so far, as a measure of the cost."""
        return self._document.parsed

    def show(self, text: str) -> None:
        """Feed the whole text at once."""
        self._document.feed(text[self._document.length :])

    def grow(self, text: str) -> None:
        """Feed more of a text that begins with the shown text, at most the work of one frame."""
        self._document.grow(text)

    def forget_look(self) -> None:
        """Invalidate all cells: the next `lay_out` builds them again."""
        self._width = 0

    def lay_out(self, width: int) -> int:
        """Update the cells. Returns the index of the first cell that changed."""
        document = self._document
        if width != self._width:
            self._width, self._open, self.cells = width, {}, []
            document.changed_from = 0
        blocks = document.blocks
        first, closed = min(document.changed_from, len(blocks)), document.closed_count
        known, self._open = self._open, {}
        before = self.cells[first:]
        del self.cells[first:]
        for number in range(first, len(blocks)):
            block = blocks[number]
            cell = known.get((number, block))
            if cell is None:
                cell = block_cell(
                    document,
                    block,
                    width,
                    is_first=number == 0,
                    draw_picture=self._draw_picture,
                )
            self.cells.append(cell)
            if number >= closed:
                self._open[(number, block)] = cell
        # Later text can change the open blocks; only a late definition changes earlier ones.
        document.changed_from = closed
        pairs = zip(before, self.cells[first:], strict=False)
        return first + sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], pairs))


class Words:
    """A word counter for a growing text. Each call counts at most the work of one frame."""

    def __init__(self) -> None:
        self._counted = WordCount()

    @property
    def length(self) -> int:
        """The number of characters whose words were counted."""
        return self._counted.length

    @property
    def count(self) -> int:
        """The number of words in these characters."""
        return self._counted.words

    def grow(self, text: str) -> None:
        """Count more of a text that begins with the counted text."""
        self._counted.feed(text[self.length : self.length + _MOST_COUNTED])

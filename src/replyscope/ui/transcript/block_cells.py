"""The cells of one Markdown text as it grows, a bounded piece at a time."""

from itertools import takewhile

from replyscope.domain.growing import WordCount
from replyscope.ui.markdown.block import Block
from replyscope.ui.markdown.document import MarkdownDocument
from replyscope.ui.transcript.cells import Cell, block_cell

_MOST_COUNTED = 256 * 1024
"""Characters whose words a frame has time to count: some 5 ms."""


class BlockCells:
    """Those of closed blocks are kept; of the open ones, those that look the same."""

    def __init__(self) -> None:
        self._document = MarkdownDocument()
        self._open: dict[tuple[int, Block], Cell] = {}
        self._width = 0
        self.cells: list[Cell] = []
        """One for each block, as of the last `lay_out`."""

    @property
    def length(self) -> int:
        """Characters of the text that have cells."""
        return self._document.length

    @property
    def parsed(self) -> int:
        """Characters that were parsed so far: what it has cost."""
        return self._document.parsed

    def show(self, text: str) -> None:
        """Take a whole text at once."""
        self._document.feed(text[self._document.length :])

    def grow(self, text: str) -> None:
        """Go on towards a text that begins with what is shown, as far as a frame has time."""
        self._document.grow(text)

    def forget_look(self) -> None:
        """Make every cell anew next time."""
        self._width = 0

    def lay_out(self, width: int) -> int:
        """Bring the cells up to date; the number of the first that is another."""
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
                cell = block_cell(document, block, width, is_first=number == 0)
            self.cells.append(cell)
            if number >= closed:
                self._open[(number, block)] = cell
        # The open blocks may differ next time; those before them only by a late definition.
        document.changed_from = closed
        pairs = zip(before, self.cells[first:], strict=False)
        return first + sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], pairs))


class Words:
    """The words of a text as it grows, counted as far as a frame has time."""

    def __init__(self) -> None:
        self._counted = WordCount()

    @property
    def length(self) -> int:
        """Characters that are counted."""
        return self._counted.length

    @property
    def count(self) -> int:
        """Words in them."""
        return self._counted.words

    def grow(self, text: str) -> None:
        """Go on towards a text that begins with what is counted."""
        self._counted.feed(text[self.length : self.length + _MOST_COUNTED])

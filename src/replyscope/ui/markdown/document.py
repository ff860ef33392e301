"""One Markdown text as it grows: its blocks, and their strips for one width and theme."""

from rich.text import Text
from textual.strip import Strip

from replyscope.ui.markdown.block import Block
from replyscope.ui.markdown.draw import draw_block
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.parser import References
from replyscope.ui.markdown.splitter import BlockSplitter
from replyscope.ui.markdown.wrap import to_strip

EFFORT = 64 * 1024
"""Characters that a frame has time to parse: some 15 ms."""
_STEP = 16 * 1024
_SLICED = 16
"""Characters are cut that much faster than they are parsed."""


class MarkdownDocument:
    """Feed it text in any steps; `blocks` and their strips are those of the whole text."""

    def __init__(self, text: str = "") -> None:
        self._splitter = BlockSplitter()
        self._length = 0
        self._open: list[Block] = []
        self._references: References = {}
        self._is_stale = True
        self.changed_from = 0
        """The first block that may differ since the caller last set this to the end."""
        if text:
            self.feed(text)

    @property
    def length(self) -> int:
        """Characters fed so far."""
        return self._length

    def feed(self, text: str) -> None:
        """Add text to the end."""
        if not text:
            return
        self.changed_from = min(self.changed_from, len(self._splitter.blocks))
        self._splitter.feed(text)
        self._length += len(text)
        self._is_stale = True

    def grow(self, text: str, effort: int = EFFORT) -> None:
        """Go on towards a text that begins with what was fed, until `effort` is spent:
        `length` says how far it came.
        """
        spent = 0
        while spent < effort and self._length < len(text):
            before = self._splitter.parsed
            self.feed(text[self._length : self._length + _STEP])
            spent += self._splitter.parsed - before + _STEP // _SLICED

    @property
    def parsed(self) -> int:
        """Characters that were parsed so far, again and again."""
        return self._splitter.parsed

    @property
    def closed_count(self) -> int:
        """How many blocks, from the first, are final but for late link definitions."""
        return len(self._splitter.blocks)

    @property
    def blocks(self) -> list[Block]:
        """Every block, the open ones last."""
        self._refresh()
        return [*self._splitter.blocks, *self._open]

    def _refresh(self) -> None:
        if not self._is_stale:
            return
        self._is_stale = False
        self._open, defined = self._splitter.open_blocks()
        references = {**defined, **self._splitter.references}
        if references != self._references:
            self._note_new_references(references)
        self._references = references

    def _note_new_references(self, references: References) -> None:
        """A definition that came late draws again every block that may have used it."""
        for number, block in enumerate(self._splitter.blocks[: self.changed_from]):
            if "[" in block.source:
                self.changed_from = number
                return

    def draw(self, block: Block, width: int, palette: Palette) -> list[Strip]:
        """The strips of a block."""
        return [to_strip(line) for line in self.lines(block, width, palette)]

    def lines(self, block: Block, width: int, palette: Palette) -> list[Text]:
        """The lines of a block."""
        return draw_block(block, width, palette, self._references)


def draw_lines(text: str, width: int, palette: Palette) -> list[Text]:
    """A whole text as lines that can still be styled."""
    document = MarkdownDocument(text)
    blocks = document.blocks
    return [line for block in blocks for line in document.lines(block, width, palette)]


def draw_text(text: str, width: int, palette: Palette) -> list[Strip]:
    """A whole text at once."""
    document = MarkdownDocument(text)
    return [strip for block in document.blocks for strip in document.draw(block, width, palette)]

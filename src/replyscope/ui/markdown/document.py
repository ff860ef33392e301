"""A growing Markdown text: its blocks, and their strips for a width and theme."""

from rich.text import Text
from textual.strip import Strip

from replyscope.ui.markdown.block import Block, BlockKind
from replyscope.ui.markdown.data_images import DataImages
from replyscope.ui.markdown.draw import draw_block
from replyscope.ui.markdown.options import EFFORT, DrawingOptions
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.parser import References
from replyscope.ui.markdown.splitter import BlockSplitter
from replyscope.ui.markdown.wrap import to_strip

_STEP = 16 * 1024
_DEFAULT = DrawingOptions()
_SLICED = 16
"""The ratio of the speed of slicing to the speed of parsing."""


class MarkdownDocument:
    """A parser of text that arrives in chunks. The blocks and their strips do not depend on the
    chunks.
    """

    def __init__(self, text: str = "", options: DrawingOptions = _DEFAULT) -> None:
        self._splitter = BlockSplitter(is_source=options.is_source)
        self._options = options
        self._images = None if options.is_source else DataImages()
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
        """The number of characters fed so far."""
        return self._length

    def feed(self, text: str) -> None:
        """Append text."""
        if not text:
            return
        self.changed_from = min(self.changed_from, len(self._splitter.blocks))
        self._splitter.feed(text if self._images is None else self._images.filter(text))
        self._length += len(text)
        self._is_stale = True

    def grow(self, text: str, effort: int = EFFORT) -> None:
        """Feed more of `text`, which begins with the text so far, until `effort` characters are
        parsed. `length` is then the number of characters fed.
        """
        spent = 0
        while spent < effort and self._length < len(text):
            before = self._splitter.parsed
            self.feed(text[self._length : self._length + _STEP])
            spent += self._splitter.parsed - before + _STEP // _SLICED

    @property
    def parsed(self) -> int:
        """The number of characters parsed so far, each repetition counted."""
        return self._splitter.parsed

    @property
    def closed_count(self) -> int:
        """The number of blocks at the start that only a later link definition can change."""
        return len(self._splitter.blocks)

    @property
    def blocks(self) -> list[Block]:
        """All blocks, the open ones last."""
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
        """Mark the blocks as changed that a late link definition may change."""
        for number, block in enumerate(self._splitter.blocks[: self.changed_from]):
            if "[" in block.source:
                self.changed_from = number
                return

    def pictures_in(self, block: Block) -> list[str]:
        """The base64 of the pictures that a block contains."""
        is_drawn = self._images is not None and block.kind in (BlockKind.MARKDOWN, BlockKind.TABLE)
        return self._images.named_in(block.source) if is_drawn and self._images else []

    def draw(self, block: Block, width: int, palette: Palette) -> list[Strip]:
        """The strips of a block."""
        return [to_strip(line) for line in self.lines(block, width, palette)]

    def lines(self, block: Block, width: int, palette: Palette) -> list[Text]:
        """The lines of a block."""
        return draw_block(block, width, palette, self._references, self._options)


def draw_lines(
    text: str, width: int, palette: Palette, options: DrawingOptions = _DEFAULT
) -> list[Text]:
    """Render a whole text as lines that can still be styled."""
    document = MarkdownDocument(text, options)
    blocks = document.blocks
    return [line for block in blocks for line in document.lines(block, width, palette)]


def draw_text(text: str, width: int, palette: Palette) -> list[Strip]:
    """Render a whole text as strips."""
    document = MarkdownDocument(text)
    return [strip for block in document.blocks for strip in document.draw(block, width, palette)]

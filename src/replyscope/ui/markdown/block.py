"""A block is the unit of drawing: a stretch of source that is drawn on its own."""

from dataclasses import dataclass
from enum import Enum


class BlockKind(Enum):
    """What a block's source is."""

    MARKDOWN = "markdown"
    """Markdown: a paragraph, a heading, one list item, a quote …"""
    CODE = "code"
    """Lines of code, without their fence."""
    TABLE = "table"
    """A table, or the header of one and some later rows of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block. `context` is earlier source that drawing looks at but doesn't draw:
    the code before, or the first rows of the same table.
    """

    kind: BlockKind
    source: str
    has_gap: bool = True
    indent: int = 0
    language: str = ""
    context: str = ""
    is_first: bool = True

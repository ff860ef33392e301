"""Blocks of Markdown: the units of rendering."""

from enum import Enum

from replyscope.domain.values import dataclass


class BlockKind(Enum):
    """The kind of a block's source."""

    MARKDOWN = "markdown"
    """Markdown: a paragraph, a heading, one list item, a quote …"""
    CODE = "code"
    """Lines of code, without their fence."""
    DIAGRAM = "diagram"
    """The source of a Mermaid diagram, without its fence, which is closed."""
    TABLE = "table"
    """A table, or a table's header with some of its later rows."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block. `context` is earlier source that rendering reads but does not draw:
    the code before it, or the first rows of the same table.
    """

    kind: BlockKind
    source: str
    has_gap: bool = True
    indent: int = 0
    language: str = ""
    context: str = ""
    is_first: bool = True

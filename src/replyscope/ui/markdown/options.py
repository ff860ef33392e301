"""The options for drawing a Markdown text, except its width and theme."""

from collections.abc import Callable

from replyscope.domain.values import dataclass
from replyscope.inspection.markup.diagram import diagram_rows

DiagramRows = Callable[[str, int, bool], list[str] | None]
"""Draws a Mermaid source in a width, if set in ASCII; None while or if it cannot."""


EFFORT = 64 * 1024
"""The characters that one frame may parse, about 15 ms."""


@dataclass(frozen=True, slots=True)
class DrawingOptions:
    """`keeps_breaks` keeps single line breaks; `is_source` shows the source."""

    keeps_breaks: bool = True
    is_source: bool = False
    diagram_rows: DiagramRows = diagram_rows

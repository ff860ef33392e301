"""Renders a display formula as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from replyscope.domain.printable import printable_line
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.wrap import fold

if TYPE_CHECKING:
    from markdown_it.token import Token

_INDENT = 2


def draw_formula(token: Token, width: int, palette: Palette) -> list[Text]:
    """Render a display formula, or its source if it cannot be drawn in the width."""
    from replyscope.inspection.markup.formula_drawing import formula_rows  # at the first formula

    indent = _INDENT if width > 4 * _INDENT else 0
    rows = formula_rows(token.content, width - indent) if token.content else None
    if rows is None or (palette.ascii_only and not "".join(rows).isascii()):
        source = (printable_line(line) for line in token.meta["raw"].split("\n"))
        return [piece for line in source for piece in fold(Text(line, palette.text), width)]
    return [Text(" " * indent + printable_line(row), palette.text, end="") for row in rows]

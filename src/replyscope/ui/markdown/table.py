"""Renders tables as aligned text. The blocks of a long table share its first block's widths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from replyscope.domain.values import dataclass
from replyscope.ui.markdown.copy_marks import COLUMN, LAYOUT, ROW, RULE, mark
from replyscope.ui.markdown.inline import inline_text
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.parser import References, parse_fully
from replyscope.ui.markdown.wrap import wrap

if TYPE_CHECKING:
    from markdown_it.token import Token

_LEAST = 3


@dataclass(frozen=True, slots=True)
class _Table:
    rows: list[list[Text]]
    aligns: list[str]


def draw_table(
    source: str,
    context: str,
    width: int,
    palette: Palette,
    references: References,
    *,
    is_first: bool,
) -> list[Text]:
    """Render a table as lines; without its header when it continues an earlier block."""
    table = read_table(parse_fully(source, references), palette)
    widest = table
    if context:
        widest = read_table(parse_fully(context, references), palette)
    return layout_table(table, widest, width, palette, is_first=is_first, has_more=bool(context))


def read_table(tokens: list[Token], palette: Palette) -> _Table:
    """Read the cells of the first table among the tokens."""
    rows: list[list[Text]] = []
    aligns: list[str] = []
    for position, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            base = palette.heading if token.type == "th_open" else palette.text
            rows[-1].append(inline_text(tokens[position + 1].children or [], palette, base))
            if len(rows) == 1:
                style = str(token.attrs.get("style", ""))
                aligns.append(style.removeprefix("text-align:") or "left")
        elif token.type == "table_close":
            break
    return _Table(rows, aligns)


def layout_table(
    table: _Table,
    widest: _Table,
    width: int,
    palette: Palette,
    *,
    is_first: bool,
    has_more: bool = False,
) -> list[Text]:
    """Lay out the rows; cells are wrapped to columns that fit the width.

    A table of several blocks fills the whole width, because later rows may be wider than the
    first ones.
    """
    columns = len(table.aligns)
    if not columns:
        return []
    widths = _column_widths(widest, columns, width)
    if has_more:
        spare = width - 3 * (columns - 1) - sum(widths)
        widths = [w + max(0, spare) // columns for w in widths]
    bar, rule, cross = " │ ", "─", "─┼─"
    lines: list[Text] = []
    rows = table.rows if is_first else table.rows[1:]
    for number, row in enumerate(rows):
        cells = [wrap(cell, cell_width) for cell, cell_width in zip(row, widths, strict=False)]
        for line in range(max((len(cell) for cell in cells), default=0)):
            pieces = [
                _aligned(cell[line] if line < len(cell) else Text(end=""), cell_width, align)
                for cell, cell_width, align in zip(cells, widths, table.aligns, strict=False)
            ]
            border = mark(Text(bar, palette.marker, end=""), COLUMN)
            lines.append(border.join(pieces))
            if line:
                mark(lines[-1], ROW, 0, 1)
        if is_first and number == 0:
            header_rule = Text(cross.join(rule * w for w in widths), palette.marker, end="")
            lines.append(mark(header_rule, RULE))
    return lines


def _column_widths(table: _Table, columns: int, width: int) -> list[int]:
    natural = [
        max((_widest_line(row[c]) for row in table.rows if c < len(row)), default=0)
        for c in range(columns)
    ]
    widths = [max(_LEAST, w) for w in natural]
    room = max(columns, width - 3 * (columns - 1))
    while sum(widths) > room:
        widest = max(range(columns), key=lambda c: widths[c])
        if widths[widest] <= 1:
            break
        # Reduces the widest column to the width of the second in one step.
        others = sorted(widths, reverse=True)
        second = others[1] if columns > 1 else 1
        excess = sum(widths) - room
        step = max(1, min(excess, widths[widest] - second))
        widths[widest] -= step
    return widths


def _widest_line(cell: Text) -> int:
    return max(map(cell_len, cell.plain.split("\n")))


def _aligned(cell: Text, width: int, align: str) -> Text:
    room = max(0, width - cell_len(cell.plain))
    left = {"right": room, "center": room // 2}.get(align, 0)
    if not room:
        return cell
    before = mark(Text(" " * left, end=""), LAYOUT)
    return before.append_text(cell).append_text(mark(Text(" " * (room - left)), LAYOUT))

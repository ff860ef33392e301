"""Renders one block: Markdown tokens to lines of styled text, at most `width` cells wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from replyscope.domain.printable import printable_line, printable_text
from replyscope.inspection.markup.diagram import is_diagram
from replyscope.inspection.markup.syntax import take_alert, take_task
from replyscope.ui.markdown.block import Block, BlockKind
from replyscope.ui.markdown.code import highlight
from replyscope.ui.markdown.copy_marks import LAYOUT, START, mark
from replyscope.ui.markdown.formula import draw_formula
from replyscope.ui.markdown.inline import footnote_mark, inline_text
from replyscope.ui.markdown.options import DrawingOptions
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.parser import References, parse_fully
from replyscope.ui.markdown.spans import is_closed
from replyscope.ui.markdown.table import draw_table, layout_table, read_table
from replyscope.ui.markdown.wrap import filled, fold, wrap

if TYPE_CHECKING:
    from markdown_it.token import Token

_NARROWEST = 8
_BULLETS = ("•", "◦", "▪")
_BOXES = ("☐", "☑")
_ASCII_BOXES = ("[ ]", "[x]")


def draw_block(
    block: Block, width: int, palette: Palette, references: References, options: DrawingOptions
) -> list[Text]:
    """Render a block as lines, with the blank line above it."""
    indent = min(block.indent, max(0, width - _NARROWEST))
    room = max(1, width - indent)
    match block.kind:
        case BlockKind.CODE:
            lines = draw_code(block, room, palette)
        case BlockKind.DIAGRAM:
            lines = _diagram(block, room, palette, options)
        case BlockKind.TABLE:
            lines = draw_table(
                block.source, block.context, room, palette, references, is_first=block.is_first
            )
        case BlockKind.MARKDOWN:
            tokens = parse_fully(block.source, references, keeps_breaks=options.keeps_breaks)
            lines = _Drawing(palette, options).draw(tokens, room)
    if indent:
        lines = [Text(" " * indent, end="").append_text(line) for line in lines]
    return [Text(end=""), *lines] if block.has_gap and lines else lines


def _diagram(block: Block, width: int, palette: Palette, options: DrawingOptions) -> list[Text]:
    """Render a diagram, or its source if it cannot be drawn in the width."""
    rows = options.diagram_rows(block.source, width, palette.ascii_only)
    if rows is None:
        return draw_code(block, width, palette)
    return [Text(printable_line(row), palette.text, end="") for row in rows]


def draw_code(block: Block, width: int, palette: Palette) -> list[Text]:
    """Render code on its own background; long lines are folded."""
    inner = max(1, width - 2)
    lines = highlight(block.source, block.language, block.context, palette)
    drawn: list[Text] = []
    if block.is_first and block.language:
        label = Text(printable_line(block.language)[:inner], palette.code + palette.muted, end="")
        drawn.append(_on_code(label, width, palette))
    for line in lines:
        drawn += [_on_code(piece, width, palette) for piece in fold(line, inner)]
    return drawn


def _on_code(line: Text, width: int, palette: Palette) -> Text:
    padded = mark(Text(" ", palette.code, end=""), START).append_text(line)
    return filled(padded, width, palette.code)


class _Drawing:
    """A visitor of block tokens. Containers render their content narrower, with a prefix."""

    def __init__(self, palette: Palette, options: DrawingOptions) -> None:
        self._palette = palette
        self._options = options

    def draw(self, tokens: list[Token], width: int, depth: int = 0) -> list[Text]:
        lines: list[Text] = []
        position = 0
        previous_end = 0
        while position < len(tokens):
            token = tokens[position]
            end = _end_of(tokens, position)
            inner = tokens[position + 1 : end]
            drawn = self._draw_one(token, inner, max(1, width), depth)
            if drawn and lines and self._wants_gap(token, tokens, position, previous_end):
                lines.append(Text(end=""))
            lines += drawn
            previous_end = token.map[1] if token.map else previous_end
            position = end + 1
        return lines

    def _wants_gap(
        self, token: Token, tokens: list[Token], position: int, previous_end: int
    ) -> bool:
        """Whether a blank line precedes the token, as in the source; never within a tight list."""
        if token.type in ("list_item_open", "bullet_list_open", "ordered_list_open"):
            start = token.map[0] if token.map else previous_end
            before = tokens[position - 1] if position else None
            return start > previous_end or (
                before is not None and before.type not in ("list_item_close", "paragraph_close")
            )
        return not token.hidden and token.type != "dd_open"

    def _draw_one(self, token: Token, inner: list[Token], width: int, depth: int) -> list[Text]:
        palette = self._palette
        match token.type:
            case "paragraph_open":
                return self._paragraph(inner, width)
            case "formula_block":
                return draw_formula(token, width, palette)
            case "dt_open":
                return wrap(self._inline(inner, palette.heading), width)
            case "dl_open":
                return self.draw(inner, width, depth)
            case "dd_open":
                return self._hung("   ", self.draw(inner, width - 3, depth))
            case "footnote_open":
                mark = footnote_mark(token.meta["label"], palette)
                content = self._inline(inner, palette.text)
                return self._hung(f"{mark} ", wrap(content, width - cell_len(mark) - 1))
            case "heading_open":
                return self._heading(token, inner, width)
            case "bullet_list_open" | "ordered_list_open":
                return self._list(token, inner, width, depth)
            case "blockquote_open":
                return self._quote(inner, width, depth)
            case "fence" | "code_block":
                return self._fence(token, width)
            case "table_open":
                table = read_table([token, *inner], palette)
                return layout_table(table, table, width, palette, is_first=True)
            case "hr":
                return [Text("─" * width, palette.marker, end="")]
            case "html_block":
                source = printable_text(token.content.rstrip("\n"))
                return [
                    line
                    for row in source.split("\n")
                    for line in wrap(Text(row, palette.muted, end=""), width)
                ]
            case _:
                return []

    def _inline(self, inner: list[Token], base: Style) -> Text:
        children = [child for token in inner for child in token.children or []]
        return inline_text(children, self._palette, base)

    def _paragraph(self, inner: list[Token], width: int) -> list[Text]:
        """A paragraph; display formulas within it have lines of their own."""
        children = [child for token in inner for child in token.children or []]
        lines: list[Text] = []
        start = 0
        for place, child in enumerate(children):
            if child.type == "formula_display":
                lines += self._piece(children[start:place], width)
                lines += draw_formula(child, width, self._palette)
                start = place + 1
        if not start:
            return wrap(self._inline(inner, self._palette.text), width)
        return lines + self._piece(children[start:], width)

    def _piece(self, children: list[Token], width: int) -> list[Text]:
        """The text around a display formula, without the adjacent line breaks."""
        text = inline_text(children, self._palette, self._palette.text)
        return wrap(_stripped(text), width) if text.plain.strip() else []

    def _quote(self, inner: list[Token], width: int, depth: int) -> list[Text]:
        palette, room = self._palette, max(_NARROWEST, width - 2)
        kind = take_alert(inner)
        if not kind:
            lines = self.draw(inner, room, depth)
            return [self._prefixed("▌ ", line, palette.quote, palette.marker) for line in lines]
        style = {
            "note": palette.live,
            "tip": palette.good,
            "important": palette.model,
            "warning": palette.note,
            "caution": palette.bad,
        }[kind]
        title = Text(kind.capitalize(), style + Style(bold=True), end="")
        lines = [title, *self.draw(inner, room, depth)]
        return [self._prefixed("▌ ", line, Style(), style) for line in lines]

    def _fence(self, token: Token, width: int) -> list[Text]:
        language = token.info.split()[0] if token.info.strip() else ""
        source = token.content.removesuffix("\n")
        if token.type == "fence" and is_diagram(token.info) and is_closed(token):
            block = Block(BlockKind.DIAGRAM, source, language=language)
            return _diagram(block, width, self._palette, self._options)
        return draw_code(Block(BlockKind.CODE, source, language=language), width, self._palette)

    def _heading(self, token: Token, inner: list[Token], width: int) -> list[Text]:
        level = int(token.tag[1])
        style = self._palette.heading
        if level == 1:
            style += Style(underline=True)
        elif level > 3:
            style += Style(italic=True)
        return wrap(self._inline(inner, style), width)

    def _list(self, token: Token, inner: list[Token], width: int, depth: int) -> list[Text]:
        lines: list[Text] = []
        number = int(str(token.attrs.get("start", 1)))
        position = 0
        previous_end = token.map[0] if token.map else 0
        while position < len(inner):
            item = inner[position]
            end = _end_of(inner, position)
            marker = self._marker(token, number, depth)
            is_done = take_task(inner[position + 1 : end])
            if is_done is not None:
                box = _ASCII_BOXES if self._palette.ascii_only else _BOXES
                bullet = "" if token.type == "bullet_list_open" else marker.strip() + " "
                marker = f" {bullet}{box[is_done]} "
            content = self.draw(inner[position + 1 : end], max(1, width - len(marker)), depth + 1)
            if lines and item.map and item.map[0] > previous_end:
                lines.append(Text(end=""))
            lines += self._hung(marker, content or [Text(end="")])
            previous_end = _last_line(inner[position:end], item)
            position, number = end + 1, number + 1
        return lines

    def _marker(self, token: Token, number: int, depth: int) -> str:
        if token.type == "ordered_list_open":
            return f" {number}{token.markup} "
        bullet = _BULLETS[depth % len(_BULLETS)]
        return f" {bullet} "

    def _hung(self, marker: str, content: list[Text]) -> list[Text]:
        first, *rest = content or [Text(end="")]
        head = Text(marker, self._palette.marker, end="").append_text(first)
        blank = " " * cell_len(marker)
        return [head, *(Text(blank, end="").append_text(line) for line in rest)]

    def _prefixed(self, prefix: str, line: Text, style: Style, bar: Style) -> Text:
        text = mark(Text(prefix, bar, end=""), LAYOUT)
        styled = line.copy()
        styled.stylize_before(style)
        return text.append_text(styled)


def _stripped(text: Text) -> Text:
    """The text without white space at its ends."""
    start = len(text.plain) - len(text.plain.lstrip())
    return text[start : len(text.plain.rstrip())]


def _end_of(tokens: list[Token], position: int) -> int:
    """The index of the token that closes the one at `position`; the same for an empty token."""
    if tokens[position].nesting != 1:
        return position
    depth = 0
    for index in range(position, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index
    return len(tokens) - 1


def _last_line(tokens: list[Token], item: Token) -> int:
    """The line after the last content of an item. The item's own map includes blank lines."""
    ends = [t.map[1] for t in tokens if t.map and t.type in ("inline", "fence", "code_block")]
    return max(ends, default=item.map[0] + 1 if item.map else 0)

"""The line spans of the top-level blocks of a Markdown text. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replyscope.domain.values import dataclass
from replyscope.inspection.markup.diagram import is_diagram

if TYPE_CHECKING:
    from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of one block, from `start` to before `end`; `kind` is its token type.

    `offset` is the column where the content of a list item begins, `children` the first lines
    of its blocks; `info` is the info string of a fence.
    """

    kind: str
    start: int
    end: int
    offset: int = 0
    children: tuple[int, ...] = ()
    info: str = ""
    content: str = ""
    is_closed: bool = True
    """Whether a fence or formula has its end."""

    @property
    def is_diagram(self) -> bool:
        """Whether it is a fence with a Mermaid diagram."""
        return self.kind == "fence" and is_diagram(self.info)


def find_spans(tokens: list[Token]) -> list[Span]:
    """The spans of the top-level blocks in order; a list is replaced by its items."""
    spans: list[Span] = []
    for position, token in enumerate(tokens):
        if token.map is None or token.nesting < 0:
            continue
        if token.level == 0 and token.type not in ("bullet_list_open", "ordered_list_open"):
            spans.append(
                Span(
                    token.type,
                    token.map[0],
                    token.map[1],
                    info=token.info.strip(),
                    content=token.content if token.type in ("fence", "code_block") else "",
                    is_closed=is_closed(token),
                )
            )
        elif token.level == 1 and token.type == "list_item_open":
            spans.append(_item_span(tokens, position))
    return spans


def is_closed(token: Token) -> bool:
    """Whether a fence or formula has its end; True for other blocks."""
    if token.type == "formula_block":
        return bool(token.content)
    if token.type != "fence" or token.map is None:
        return True
    return token.map[1] - token.map[0] - 1 > token.content.count("\n")


def _item_span(tokens: list[Token], position: int) -> Span:
    item = tokens[position]
    assert item.map is not None
    starts: list[int] = []
    for token in tokens[position + 1 :]:
        if token.type == "list_item_close" and token.level == 1:
            break
        if token.level == 2 and token.map is not None and token.nesting >= 0:
            starts.append(token.map[0])
    # A marker is a bullet, or digits and one sign, and then one to four spaces.
    return Span("list_item", item.map[0], item.map[1], children=tuple(starts))


def marker_width(line: str) -> int:
    """The column where the content of a list item begins; 0 for other lines."""
    stripped = line.lstrip(" ")
    indent = len(line) - len(stripped)
    digits = len(stripped) - len(stripped.lstrip("0123456789"))
    after = stripped[digits + 1 :]
    if not stripped[digits : digits + 1] or stripped[digits] not in "-+*.)":
        return 0
    spaces = len(after) - len(after.lstrip(" "))
    return indent + digits + 1 + (spaces if 1 <= spaces <= 4 and after.strip() else 1)

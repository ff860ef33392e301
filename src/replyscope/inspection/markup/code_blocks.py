"""Extracts the code blocks of a Markdown text, for copying; also from lists and quotes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from replyscope.domain.plural import plural
from replyscope.domain.values import dataclass
from replyscope.inspection.markup.syntax import markdown_parser

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A code block. `language` is the info string of its fence, often empty."""

    language: str
    code: str

    @property
    def summary(self) -> str:
        """The language, the number of lines, and the first line."""
        first = next((line.strip() for line in self.code.split("\n") if line.strip()), "")
        lines = plural(self.code.count("\n") + 1, "line")
        return f"{self.language or 'code'} · {lines} · {first[:50]}"


def code_blocks(text: str) -> list[CodeBlock]:
    """Every fenced or indented block, first to last."""
    return [
        CodeBlock(token.info.strip(), token.content.removesuffix("\n"))
        for token in _parser().parse(text)
        if token.type in ("fence", "code_block")
    ]


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = markdown_parser(maxNesting=24)
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser

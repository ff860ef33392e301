"""Extracts the code blocks of a Markdown text, for copying; also from lists and quotes."""

from dataclasses import dataclass

from replyscope.ui.markdown.parser import parse_blocks


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A code block. `language` is the info string of its fence, often empty."""

    language: str
    code: str


def code_blocks(text: str) -> list[CodeBlock]:
    """Every fenced or indented block, first to last."""
    return [
        CodeBlock(token.info.strip(), token.content.removesuffix("\n"))
        for token in parse_blocks(text)[0]
        if token.type in ("fence", "code_block")
    ]

"""The code blocks of a text, for copying: as Markdown sees them, in lists and quotes too."""

from dataclasses import dataclass

from replyscope.ui.markdown.parser import parse_blocks


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """`language` is what the fence says, often empty."""

    language: str
    code: str


def code_blocks(text: str) -> list[CodeBlock]:
    """Every fenced or indented block, first to last."""
    return [
        CodeBlock(token.info.strip(), token.content.removesuffix("\n"))
        for token in parse_blocks(text)[0]
        if token.type in ("fence", "code_block")
    ]

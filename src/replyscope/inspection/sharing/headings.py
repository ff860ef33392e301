"""Moves the headings of a Markdown text below the heading of its message."""

import re
from functools import lru_cache

from markdown_it import MarkdownIt

from replyscope.inspection.markup.syntax import markdown_parser

_MAYBE = re.compile(r"^ {0,3}(?:#{1,6}(?:[ \t]|$)|=+[ \t]*$|-+[ \t]*$)", re.MULTILINE)
_HASHES = re.compile(r"^( {0,3})#{1,6}")
_DEEPEST = 6


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = markdown_parser()
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def headings_below(text: str, level: int) -> str:
    """The text with its headings at levels below `level`, at most 6; code does not change."""
    if not _MAYBE.search(text):
        return text
    lines = text.split("\n")
    for token in reversed(_parser().parse(text)):
        if token.type != "heading_open" or token.level or token.map is None:
            continue
        start, end = token.map
        hashes = "#" * min(_DEEPEST, int(token.tag[1:]) + level)
        if token.markup.startswith("#"):
            lines[start] = _HASHES.sub(rf"\g<1>{hashes}", lines[start])
        else:
            title = " ".join(line.strip() for line in lines[start : end - 1])
            lines[start:end] = [f"{hashes} {title}"]
    return "\n".join(lines)

"""Demotes the headings of a Markdown text, so that they stay below the headings around it."""

import re

from markdown_it import MarkdownIt

_DEEPEST = 6
_ATX = re.compile(r"(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r"^[ \t>]*(?:=+|-+)[ \t]*$")


def demoted(text: str, levels: int) -> str:
    """The text with each heading `levels` deeper, at most at level 6. Code is not changed.

    A heading that is underlined becomes one with number signs.
    """
    if "#" not in text and not re.search(r"^[ \t>]*(?:=+|-+)[ \t]*$", text, re.MULTILINE):
        return text
    lines = text.split("\n")
    removed: set[int] = set()
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "heading_open" and token.map is not None:
            first, end = token.map
            marks = "#" * min(_DEEPEST, int(token.tag[1]) + levels)
            if token.markup.startswith("#"):
                lines[first] = _ATX.sub(marks, lines[first], count=1)
            else:
                _underlined(lines, first, end, marks)
                removed |= {n for n in range(first, end) if _UNDERLINE.match(lines[n])}
    return "\n".join(line for number, line in enumerate(lines) if number not in removed)


def _underlined(lines: list[str], first: int, end: int, marks: str) -> None:
    """Write the lines of an underlined heading as one line with number signs."""
    words = [line.strip(" \t>") for line in lines[first : end - 1]]
    before = re.match(r"[ \t>]*", lines[first])
    lead = before[0] if before is not None else ""
    lines[first] = f"{lead}{marks} {' '.join(words)}"
    for number in range(first + 1, end):
        lines[number] = "-"

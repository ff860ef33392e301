"""Code fences of Markdown: text set in one, and one that a text leaves open."""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$")


def fenced(text: str) -> str:
    """A code block that the text can't end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text}\n{fence}"


def closed(text: str) -> str:
    """The text, and the end of a fence that it leaves open: a reply that was cut off in the
    middle of code would make code of all that follows it.
    """
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found is None:
            continue
        run, rest = found.groups()
        if not fence:
            if not (run[0] == "`" and "`" in rest):
                fence = run
        elif run[0] == fence[0] and len(run) >= len(fence) and not rest.strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text

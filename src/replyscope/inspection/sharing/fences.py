"""Code fences of Markdown: adds a fence around text, and closes an open one."""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$")


def fenced(text: str) -> str:
    """The text in a code block, with a fence longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text}\n{fence}"


def closed(text: str) -> str:
    """The text with an open fence closed.

    Otherwise, all text after a reply that was cut off in a code block would become code.
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

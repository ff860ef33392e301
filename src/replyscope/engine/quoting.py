"""Quotes of a text, as Markdown."""


def quoted(text: str) -> str:
    """The text with `> ` before each line, and a line to write on behind it."""
    lines = text.strip("\n").split("\n")
    return "\n".join([*(f"> {line}".rstrip() for line in lines), "", ""])

"""Replaces characters by similar ones in ASCII, for terminals that draw nothing else.

The width stays: a character of two cells becomes two characters.
"""

from functools import lru_cache

from rich.cells import cell_len

_LIKENESS = str.maketrans(
    {
        **dict.fromkeys("│┃║▌▐▏▎▊▕", "|"),
        **dict.fromkeys("─━═╸╺╌▁▔—–‐‑−", "-"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╋┏┓┗┛", "+"),
        **dict.fromkeys("•◦▪·…", "."),
        **dict.fromkeys("●⚙★", "*"),
        **dict.fromkeys("‘’", "'"),
        **dict.fromkeys("“”", '"'),
        "‹": "<",
        "›": ">",
        **dict(zip("▂▃▄▅▆▇█", ".-~=+*#", strict=True)),
        **dict(zip("░▒■", ".:#", strict=True)),
        "▸": "+",
        "▾": "-",
        "📎": "+ ",
        "\N{NO-BREAK SPACE}": " ",
        "⏎": "<",
        **dict.fromkeys("↑▲", "^"),
        **dict.fromkeys("↓▼", "v"),
        "←": "<",
        "→": ">",
        "✓": "v",
        **dict.fromkeys("×✗", "x"),
    }
)


@lru_cache(4_096)
def in_ascii(text: str) -> str:
    """The text in ASCII, with the same width in cells; `?` where no character looks similar."""
    likeness = text.translate(_LIKENESS)
    if likeness.isascii():
        return likeness
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in likeness)

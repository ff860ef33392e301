"""A line filter for terminals that draw ASCII only: it replaces every other character.

It is the last step before the terminal, so no widget depends on the terminal's abilities.
The width stays: a character of two cells becomes two characters.
"""

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_LIKENESS = str.maketrans(
    {
        **dict.fromkeys("│┃║▌▐▏▎▊▕", "|"),
        **dict.fromkeys("─━═╸╺╌▁▔—–‐‑−", "-"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╋┏┓┗┛", "+"),
        **dict.fromkeys("•◦▪·…", "."),
        **dict.fromkeys("●⚙", "*"),
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
        "→": ">",
        "←": "<",
        "✓": "v",
        **dict.fromkeys("×✗", "x"),
    }
)


class AsciiOnly(LineFilter):
    """A line filter that replaces every character outside ASCII by one that looks similar."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else Segment(in_ascii(segment.text), *segment[1:])
            for segment in segments
        ]


@lru_cache(4_096)
def in_ascii(text: str) -> str:
    """The text in ASCII, with the same width in cells; `?` where no character looks similar."""
    likeness = text.translate(_LIKENESS)
    if likeness.isascii():
        return likeness
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in likeness)

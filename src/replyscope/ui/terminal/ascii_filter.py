"""For terminals that draw ASCII only: every other character becomes one that looks like it.

The last step before the terminal, so that no widget has to know of it. A character keeps
its width: what takes two cells becomes two.
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
        "×": "x",
    }
)


class AsciiOnly(LineFilter):
    """Applied to every line of the screen."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else Segment(in_ascii(segment.text), *segment[1:])
            for segment in segments
        ]


@lru_cache(4_096)
def in_ascii(text: str) -> str:
    """The text in ASCII, as wide as it was; `?` for what has no likeness."""
    likeness = text.translate(_LIKENESS)
    if likeness.isascii():
        return likeness
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in likeness)

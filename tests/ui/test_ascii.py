"""Lines for terminals that draw ASCII only."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from replyscope.domain.printable import printable_line
from replyscope.ui.terminal.ascii_filter import AsciiOnly, in_ascii


def test_symbols_become_what_they_look_like() -> None:
    assert in_ascii("▌ ● stop · ─┼─ ▂█ 📎 a…") == "| * stop . -+- .# +  a."
    assert in_ascii("░▒ ■ out ▲ 2.0 s ▼") == ".: # out ^ 2.0 s v"
    assert in_ascii("漢字 é") == "???? ?"


@given(st.text(max_size=40))
def test_a_line_keeps_its_width(text: str) -> None:
    line = printable_line(text)
    plain = in_ascii(line)
    assert plain.isascii()
    assert cell_len(plain) == sum(cell_len(character) for character in line)


def test_styles_stay() -> None:
    style = Style(bold=True)
    (segment,) = AsciiOnly().apply([Segment("●", style)], Color.parse("black"))
    assert segment == Segment("*", style)

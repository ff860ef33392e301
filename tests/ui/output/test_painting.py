"""Cells of pictures are drawn by a painter, wherever they come to be on the screen."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from replyscope.ui.output.screen_output import ScreenOutput
from replyscope.ui.output.sequences import Abilities
from replyscope.ui.pictures.grid import Grid
from replyscope.ui.pictures.placeholders import CellSpan, id_of, placeholder_rows, spans_of
from tests.ui.output.terminal import Line, Writer, draw, drawn_whole

GRID = Grid(9, 6)
IDS = (0x010203, 0xFEDCBA)
WIDTH, HEIGHT = 24, 8


def _mark(number: int, row: int, column: int) -> str:
    """The sign by which this painter draws a cell."""
    return chr(0x2801 + IDS.index(number) * 100 + row * GRID.columns + column)


class MarkPainter:
    """Draws each cell as a sign of its own. Implements CellPainter."""

    def paint(self, text: str, ansi: str) -> str:
        number = id_of(ansi)
        assert number is not None
        return "".join(
            "\x1b7"
            + "".join(_mark(number, span.row, span.column + at) for at in range(span.count))
            + f"\x1b8\x1b[{span.count}C"
            for span in spans_of(text)
        )


def _ansi(number: int) -> str:
    return f"38;2;{number >> 16};{number >> 8 & 255};{number & 255}"


@st.composite
def _segment(draw_from: Any, most: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """A segment as it is sent, and as it is to be seen."""
    count = draw_from(st.integers(1, min(most, GRID.columns)))
    if draw_from(st.booleans()):
        text = draw_from(st.sampled_from([" ", "a", "─"])) * count
        return (text, "1"), (text, "1")
    number, row = draw_from(st.sampled_from(IDS)), draw_from(st.integers(0, GRID.rows - 1))
    column = draw_from(st.integers(0, GRID.columns - count))
    (whole,) = placeholder_rows(number, GRID)[row]
    seen = "".join(_mark(number, row, column + at) for at in range(count))
    text = whole.text[3 * column : 3 * (column + count)]
    return (text, _ansi(number)), (seen, _ansi(number))


@st.composite
def _screen(draw_from: Any) -> tuple[list[Line], list[Line]]:
    sent: list[Line] = []
    seen: list[Line] = []
    for _ in range(HEIGHT):
        left, line = WIDTH, []
        while left > 0:
            segment = draw_from(_segment(left))
            line.append(segment)
            left -= len(segment[1][0])
        sent.append([one for one, _ in line])
        seen.append([one for _, one in line])
    return sent, seen


@settings(deadline=None)
@given(
    screens=st.lists(_screen(), min_size=1, max_size=4),
    scrolled=st.integers(0, HEIGHT - 1),
    erases=st.booleans(),
)
def test_pictures_are_painted_where_the_cells_are(
    screens: list[tuple[list[Line], list[Line]]], scrolled: int, erases: bool
) -> None:
    writer = Writer(WIDTH, HEIGHT)
    output = ScreenOutput(writer, Abilities(erases_in_colour=erases))
    output.painter = MarkPainter()
    first_sent, first_seen = screens[0]
    moved = (
        [*first_sent[scrolled:], *first_sent[:scrolled]],
        [*first_seen[scrolled:], *first_seen[:scrolled]],
    )
    for sent, seen in (screens[0], moved, *screens[1:]):
        draw(output, sent, WIDTH)
        assert writer.shown() == drawn_whole(seen, WIDTH)


def test_spans_are_neighbouring_cells_of_one_row() -> None:
    first, second = ("".join(one.text for one in row) for row in placeholder_rows(7, Grid(5, 2)))
    assert list(spans_of(first[3:] + second[:6] + second[9:12])) == [
        CellSpan(0, 1, 4),
        CellSpan(1, 0, 2),
        CellSpan(1, 3, 1),
    ]
    assert list(spans_of("")) == []
    assert id_of("1;48;2;1;2;3") is None
    assert id_of(f"1;{_ansi(0x010203)};48;2;9;9;9") == 0x010203

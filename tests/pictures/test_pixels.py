"""Pixels for terminals without placeholders: sixels and iTerm2's files, right to the last cell."""

import base64
import io
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from replyscope.ui.pictures.decode import CELL, decode_image
from replyscope.ui.pictures.forms import PictureForm, PixelAbilities, picture_form
from replyscope.ui.pictures.grid import Grid
from replyscope.ui.pictures.iterm import inline_file
from replyscope.ui.pictures.painter import ITERM, SIXEL, CellSize, PixelPainter
from replyscope.ui.pictures.placeholders import placeholder_rows
from replyscope.ui.pictures.sixel import sixel
from tests.pictures.making import data_uri, encoded, halves, png
from tests.support.server import LoopbackServer, reply

Pixels = dict[tuple[int, int], tuple[int, int, int]]


def decoded(sequence: str) -> tuple[tuple[int, int], Pixels]:
    """A sixel sequence as a terminal reads it: the size, and the colour of each set pixel."""
    head = re.match(r'\x1bP0;1;0q"1;1;(\d+);(\d+)', sequence)
    assert head is not None
    assert sequence.endswith("\x1b\\")
    colours: dict[int, tuple[int, int, int]] = {}
    pixels: Pixels = {}
    colour = x = y = 0
    tokens = re.compile(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|([$-])")
    body = sequence[head.end() : -2]
    at = 0
    while at < len(body):
        found = tokens.match(body, at)
        assert found is not None, body[at : at + 20]
        at = found.end()
        if found[1]:
            colours[int(found[1])] = (int(found[2]), int(found[3]), int(found[4]))
        elif found[5]:
            colour = int(found[5])
        elif found[9]:
            x, y = 0, y + 6 * (found[9] == "-")
        else:
            bits, end = ord(found[7] or found[8]) - 63, x + int(found[6] or 1)
            for place in range(6):
                if bits >> place & 1:
                    run = ((column, y + place) for column in range(x, end))
                    pixels |= dict.fromkeys(run, colours[colour])
            x = end
    return (int(head[1]), int(head[2])), pixels


def _percent(pixel: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(round(value * 100 / 255) for value in pixel[:3])


@st.composite
def _images(draw: st.DrawFn) -> Image.Image:
    """Small pictures with few colours, some of them transparent."""
    width, height = draw(st.integers(1, 20)), draw(st.integers(1, 15))
    colours = draw(st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=6))
    pixels = draw(
        st.lists(st.sampled_from(colours), min_size=width * height, max_size=width * height)
    )
    return Image.frombytes("RGBA", (width, height), b"".join(pixels))


@settings(deadline=None)
@given(image=_images())
def test_sixels_have_each_opaque_pixel_of_a_picture(image: Image.Image) -> None:
    painted = image.quantize(64, method=2)
    size, pixels = decoded(sixel(painted))
    whole = painted.convert("RGBA")
    assert size == whole.size
    expected: Pixels = {}
    for x in range(size[0]):
        for y in range(size[1]):
            pixel = whole.getpixel((x, y))
            assert isinstance(pixel, tuple)
            if pixel[3] >= 128:
                red, green, blue = _percent(pixel)
                expected[x, y] = (red, green, blue)
    assert pixels == expected


def test_a_file_of_iterm2_has_the_size_of_its_cells() -> None:
    sequence = inline_file(halves(30, 20, "RGBA").quantize(256, method=2), 3)
    found = re.fullmatch(
        r"\x1b\]1337;File=inline=1;size=(\d+);width=3;height=1;preserveAspectRatio=0:(.*)\x07",
        sequence,
    )
    assert found is not None
    data = base64.b64decode(found[2])
    assert len(data) == int(found[1])
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (30, 20)
        assert image.convert("RGBA").getpixel((0, 0)) == (248, 0, 0, 255)


@settings(deadline=None, max_examples=30)
@given(
    cells=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(1, 6)), max_size=6),
    cell=st.sampled_from([(10, 20), (9, 19), (7, 13), CELL]),
)
def test_parts_of_a_picture_are_painted_as_they_are_in_the_whole(
    cells: list[tuple[int, int, int]], cell: CellSize
) -> None:
    grid = Grid(6, 4)
    image = decode_image(encoded(halves(24, 32).rotate(30)), grid)
    painter = PixelPainter(SIXEL, lambda: cell)
    picture = painter.prepared(image, grid)
    painter.add(5, picture)
    rows = [row[0].text for row in placeholder_rows(5, grid)]
    whole = [_painted(painter, text)[0][1] for text in rows]
    for row, column, count in cells:
        end = min(column + count, grid.columns)
        ((size, pixels),) = _painted(painter, rows[row][3 * column : 3 * end])
        assert size == ((end - column) * cell[0], cell[1])
        left = column * cell[0]
        assert pixels == {
            (x - left, y): colour
            for (x, y), colour in whole[row].items()
            if left <= x < end * cell[0]
        }


def _painted(painter: PixelPainter, text: str) -> list[tuple[tuple[int, int], Pixels]]:
    sequence = painter.paint(text, "38;2;0;0;5")
    return [decoded(part) for part in re.findall(r"\x1b7(\x1bP.*?\x1b\\)\x1b8\x1b\[\d+C", sequence)]


def test_an_unknown_picture_and_a_terminal_without_a_size_are_not_painted() -> None:
    grid = Grid(2, 1)
    sizes: list[CellSize | None] = [(8, 16)]
    painter = PixelPainter(ITERM, lambda: sizes[-1])
    text = placeholder_rows(5, grid)[0][0].text
    image = decode_image(png(), grid)
    assert painter.paint(text, "38;2;0;0;5") == ""
    kept = painter.prepared(image, grid)
    painter.add(5, painter.prepared(image, grid))
    painter.add(7, kept)
    assert painter.paint(text, "38;2;0;0;5") == ""  # released
    assert "1337;File=" in painter.paint(text, "38;2;0;0;7")
    sizes.append(None)
    assert painter.paint(text, "38;2;0;0;7") == ""


PIXELS = PixelAbilities(knows_sixel=True, cell_size=lambda: (10, 20))


@pytest.mark.parametrize(
    ("environment", "pixels", "form"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, PIXELS, PictureForm.ITERM),
        ({"LC_TERMINAL": "iTerm2"}, PIXELS, PictureForm.ITERM),  # over SSH
        ({"TERM_PROGRAM": "WezTerm"}, PixelAbilities(cell_size=lambda: None), PictureForm.ITERM),
        ({"TERM": "foot"}, PIXELS, PictureForm.SIXEL),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/t"}, PIXELS, PictureForm.SIXEL),
        ({"LC_TERMINAL": "iTerm2", "TMUX": "/tmp/t"}, PIXELS, PictureForm.SIXEL),
        ({"LC_TERMINAL": "iTerm2"}, PixelAbilities(knows_sixel=True), PictureForm.HALF_BLOCKS),
        ({"TERM": "foot"}, PixelAbilities(cell_size=lambda: (10, 20)), PictureForm.HALF_BLOCKS),
        ({}, PixelAbilities(knows_sixel=True, cell_size=lambda: None), PictureForm.HALF_BLOCKS),
        ({}, PixelAbilities(knows_sixel=True, cell_size=lambda: (1, 9)), PictureForm.HALF_BLOCKS),
        ({}, PixelAbilities(knows_sixel=True, cell_size=lambda: (9, 999)), PictureForm.HALF_BLOCKS),
        ({"NO_COLOR": "1"}, PIXELS, PictureForm.WORDS),
    ],
)
def test_the_form_follows_what_is_known_of_the_terminal(
    environment: dict[str, str], pixels: PixelAbilities, form: PictureForm
) -> None:
    assert picture_form(environment, "truecolor", pixels, ascii_only=False) is form
    assert picture_form(environment, "truecolor", pixels, ascii_only=True) is PictureForm.WORDS


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_a_terminal_that_says_that_it_knows_sixels_gets_them(
    server: LoopbackServer, tmp_path: Path
) -> None:
    from tests.stories.terminal import Terminal

    class Sized(Terminal):
        cell = (9, 18)

    server.answer = lambda _request: reply(f"{data_uri(png())}\n\ndone")
    arguments = ("--base-url", server.base_url)
    with Sized(tmp_path, *arguments, size=(100, 30), COLORTERM="truecolor") as terminal:
        terminal.wait_until(lambda: b"\x1b[c" in terminal.received)
        terminal.type("\x1b[?62;4;22c")
        terminal.wait_for("type a message", "test-model")
        assert "62;4" not in terminal.screen
        terminal.type("hi\r")
        terminal.wait_for("done", "● stop")
        terminal.wait_until(lambda: b"\x1bP0;1;0q" in terminal.received)
        found = re.search(rb"\x1bP0;1;0q.*?\x1b\\", terminal.received, re.DOTALL)
        assert found is not None
        size, pixels = decoded(found[0].decode("ascii"))
        assert size[1] == 18
        assert size[0] % 9 == 0
        assert pixels[0, 0] == _percent((248, 0, 0))
        assert pixels[size[0] - 1, 0] == _percent((0, 0, 248))
        assert "\U0010eeee" not in terminal.screen

"""Kitty's protocol: which terminals get it, and that only our own sequences reach them."""

import base64
import re
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from replyscope.domain.printable import PLACEHOLDER, printable_line
from replyscope.ui.pictures.forms import PictureForm, picture_form
from replyscope.ui.pictures.grid import MOST_COLUMNS, MOST_ROWS, Grid
from replyscope.ui.pictures.kitty import transmission
from replyscope.ui.pictures.placeholders import image_id, placeholder_rows
from replyscope.ui.terminal.printable_filter import PrintableOnly
from tests.pictures.making import data_uri, encoded, halves, png
from tests.support.server import LoopbackServer, reply

KITTY = {
    "TERM": "xterm-kitty",
    "KITTY_WINDOW_ID": "1",
    "KITTY_INSTALLATION_DIR": "/nowhere/kitty.app/lib/kitty",
}
FORMS = [
    (KITTY, "truecolor", PictureForm.KITTY),
    ({"TERM": "xterm-ghostty"}, "truecolor", PictureForm.KITTY),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "truecolor", PictureForm.KITTY),
    ({"TERM": "xterm-kitty"}, "truecolor", PictureForm.HALF_BLOCKS),  # over SSH: of any version
    (KITTY, "256", PictureForm.HALF_BLOCKS),
    ({**KITTY, "TMUX": "/tmp/tmux"}, "truecolor", PictureForm.HALF_BLOCKS),
    ({**KITTY, "STY": "1.pts"}, "truecolor", PictureForm.HALF_BLOCKS),
    ({"TERM": "xterm-256color"}, "truecolor", PictureForm.HALF_BLOCKS),
    ({"TERM": "xterm-256color"}, "256", PictureForm.HALF_BLOCKS),
    ({"TERM": "linux"}, "standard", PictureForm.WORDS),
    ({"TERM": "dumb"}, None, PictureForm.WORDS),
    ({**KITTY, "NO_COLOR": "1"}, "truecolor", PictureForm.WORDS),
]


@pytest.mark.parametrize(("environment", "colors", "form"), FORMS)
def test_the_form_of_pictures_is_chosen_without_asking_the_terminal(
    environment: dict[str, str], colors: str | None, form: PictureForm
) -> None:
    assert picture_form(environment, colors, ascii_only=False) is form
    assert picture_form(environment, colors, ascii_only=True) is PictureForm.WORDS


@pytest.mark.parametrize(
    ("version", "form"),
    [
        ("0, 21, 2", PictureForm.HALF_BLOCKS),
        ("0, 26, 5", PictureForm.HALF_BLOCKS),
        ("0, 28, 0", PictureForm.KITTY),
        ("0, 43, 1", PictureForm.KITTY),
        ("1, 0, 0", PictureForm.KITTY),
    ],
)
def test_a_kitty_that_is_too_old_for_placeholders_gets_half_blocks(
    tmp_path: Path, version: str, form: PictureForm
) -> None:
    (tmp_path / "kitty").mkdir()
    constants = f"appname: str = 'kitty'\nversion: Version = Version({version})\n"
    (tmp_path / "kitty" / "constants.py").write_text(constants)
    environment = {**KITTY, "KITTY_INSTALLATION_DIR": str(tmp_path)}
    assert picture_form(environment, "truecolor", ascii_only=False) is form


def test_a_transmission_is_one_picture_in_small_pieces_without_answers() -> None:
    data = encoded(halves(300, 300).effect_spread(300))
    sent = transmission(77, data, Grid(30, 15))
    pieces = re.findall(r"\x1b_G([^;\x1b]*);([A-Za-z0-9+/=]*)\x1b\\", sent)
    assert "".join(f"\x1b_G{keys};{body}\x1b\\" for keys, body in pieces) == sent
    assert pieces[0][0] == "a=T,U=1,f=100,t=d,i=77,c=30,r=15,q=2,m=1"
    assert [keys for keys, _ in pieces[1:]] == ["q=2,m=1"] * (len(pieces) - 2) + ["q=2,m=0"]
    assert all(len(body) <= 4096 for _, body in pieces)
    assert base64.b64decode("".join(body for _, body in pieces)) == data


def test_placeholders_have_the_width_of_their_grid() -> None:
    rows = placeholder_rows(image_id("k", Grid(80, 20)), Grid(MOST_COLUMNS, MOST_ROWS))
    assert len(rows) == MOST_ROWS
    assert {cell_len(segment.text) for (segment,) in rows} == {MOST_COLUMNS}
    assert len({segment.text for (segment,) in rows}) == MOST_ROWS


def test_the_gate_lets_only_cells_of_ours_through() -> None:
    ours = placeholder_rows(0x123456, Grid(3, 1))[0][0]
    assert ours.style is not None

    def passed(segment: Segment) -> str:
        return PrintableOnly().apply([segment], Color(0, 0, 0))[0].text

    assert passed(Segment(ours.text, ours.style + Style(bold=True))) == ours.text
    color = Style.parse("#123456")
    for forged in (
        Segment(ours.text, color),
        Segment(ours.text, color + Style(meta={"@click": ("x", ())})),
        Segment(ours.text),
        Segment(f"{ours.text}\x1b[31m", ours.style),
        Segment(f"text {ours.text}", ours.style),
        Segment(PLACEHOLDER, ours.style),
    ):
        assert PLACEHOLDER not in passed(forged)
        assert "\x1b" not in passed(forged)
    assert PLACEHOLDER not in printable_line(ours.text)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_our_picture_reaches_the_terminal_once_and_that_of_a_reply_never(
    server: LoopbackServer, tmp_path: Path
) -> None:
    from tests.stories.terminal import Terminal

    forged = "\x1b_Ga=T,U=1,f=100,i=999,c=2,r=1;QUJD\x1b\\ \U0010eeee\u0305\u0305 done"
    server.answer = lambda _request: reply(f"{data_uri(png())}\n\n{forged}")
    kitty = {**KITTY, "COLORTERM": "truecolor"}
    arguments = ("--base-url", server.base_url)
    with Terminal(tmp_path, *arguments, size=(100, 30), **kitty) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("hi\r")
        terminal.wait_for("two halves", "done", "● stop")
        cell = "\U0010eeee\u0305\u0305".encode()
        terminal.wait_until(lambda: cell in terminal.received)
        sequences = re.findall(rb"\x1b_G([^;\x1b]*)", terminal.received)
        assert [keys.split(b",")[:4] for keys in sequences] == [[b"a=T", b"U=1", b"f=100", b"t=d"]]
        assert b"i=999" not in b"".join(sequences)
        # The colour of each cell is the id of the picture, which a reply cannot choose.
        (number,) = {int(found) for found in re.findall(rb"i=(\d+)", sequences[0])}
        color = f"38;2;{number >> 16};{number >> 8 & 255};{number & 255}".encode()
        before = [terminal.received[: at.start()] for at in re.finditer(cell, terminal.received)]
        assert all(color in text[text.rindex(b"\x1b[") :] for text in before)
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
        assert f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\".encode() in terminal.received

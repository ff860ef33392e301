"""Lines for terminals that draw ASCII only."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.pilot import Pilot

from replyscope.domain.look import Look
from replyscope.domain.printable import printable_line
from replyscope.inspection.likeness import in_ascii
from replyscope.ui.terminal.ascii_filter import AsciiOnly
from tests.support.server import LoopbackServer
from tests.ui.app import frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send


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


@pytest.mark.parametrize("no_color", [False, True])
async def test_every_screen_and_dialog_is_ascii_and_without_colour(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_color: bool
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(tmp_path, server.base_url, look=Look(ascii_only=True))
    async with open_chat(app) as pilot:
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot))
        for key in ("f1", "f2", "f3", "f8", "f9", "f10", "ctrl+t", "ctrl+p", "f7", "f4"):
            await pilot.press(key)
            await pilot.pause()
            shown = frame(pilot)
            assert shown.isascii(), (key, {c for c in shown if not c.isascii()})
            if no_color:
                assert _is_grey(pilot), key
            while len(app.screen_stack) > 2:
                await pilot.app.pop_screen()
                await pilot.pause()


def _is_grey(pilot: Pilot[None]) -> bool:
    """Whether every colour on the screen is a grey. Uses the compositor's private API."""
    colours = {
        colour.triplet
        for strip in pilot.app.screen._compositor.render_strips()
        for _, style, _ in strip
        if style is not None
        for colour in (style.color, style.bgcolor)
        if colour is not None and colour.triplet is not None
    }
    return all(max(triplet) - min(triplet) <= 1 for triplet in colours)

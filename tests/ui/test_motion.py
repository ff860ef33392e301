"""Nothing blinks, and animations can be turned off."""

import re
from pathlib import Path

import pytest
from textual.widgets import Input

import replyscope
from replyscope.config.look import read_look
from replyscope.domain.look import Look
from replyscope.ui.chat.composer import Composer
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, make_app, open_chat, until

SOURCES = Path(replyscope.__file__).parent


@pytest.mark.parametrize("pattern", ["*.tcss", "*.py"])
def test_no_style_blinks(pattern: str) -> None:
    files = list(SOURCES.rglob(pattern))
    assert files
    assert [
        f.name for f in files if re.search(r"text-style:.*blink|[\"' ]blink[\"']", f.read_text())
    ] == []


async def test_without_motion_nothing_moves(server: LoopbackServer, tmp_path: Path) -> None:
    app = make_app(tmp_path, server.base_url, look=Look(has_motion=False))
    async with open_chat(app) as pilot:
        assert app.animation_level == "none"
        composer = chat_of(pilot).query_one(Composer)
        await until(pilot, lambda: composer.has_focus and not composer.cursor_blink)
        await pilot.press("ctrl+f")
        await until(pilot, lambda: isinstance(app.focused, Input) and not app.focused.cursor_blink)


async def test_with_motion_the_cursor_is_textuals(server: LoopbackServer, tmp_path: Path) -> None:
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app) as pilot:
        composer = chat_of(pilot).query_one(Composer)
        await until(pilot, lambda: composer.has_focus)
        assert composer.cursor_blink


@pytest.mark.parametrize(
    ("text", "look"),
    [
        ("", Look()),
        ("motion = false", Look(has_motion=False)),
        ("motion = true\nlinear = true", Look(is_linear=True)),
        ('motion = "no"', Look()),
    ],
)
def test_the_settings_of_motion_and_lines(text: str, look: Look, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    assert read_look(path) == look

"""Nothing blinks, and animations can be turned off."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

import replyscope
from replyscope.config.look import read_look
from replyscope.domain.look import Look
from replyscope.ui.chat.composer import Composer
from replyscope.ui.terminal import blinking
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


async def test_the_cursor_rests_a_while_after_the_last_key(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blinking, "RESTS_AFTER_S", 0.05)
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app) as pilot:
        composer = chat_of(pilot).query_one(Composer)
        await until(pilot, lambda: composer.has_focus and not composer.cursor_blink)
        monkeypatch.setattr(blinking, "RESTS_AFTER_S", 1_000.0)
        await pilot.press("a")
        assert composer.cursor_blink


class Host:
    """An app with a field, whose timers run when the test says so."""

    def __init__(self) -> None:
        self.focused: object = Input()
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def set_timer(self, delay: float, callback: Callable[[], None]) -> None:
        self.timers.append((delay, callback))


def test_keys_prolong_the_blinking_with_one_timer_at_a_time() -> None:
    host, now_s = Host(), 0.0
    cursor = blinking.Blinking(host, lambda: now_s, moves=True)
    cursor.wake()
    now_s = 4.0
    cursor.wake()
    assert [delay for delay, _ in host.timers] == [10.0]
    now_s = 10.0
    host.timers.pop()[1]()
    assert [delay for delay, _ in host.timers] == [4.0]
    assert isinstance(host.focused, Input)
    assert host.focused.cursor_blink
    now_s = 14.0
    host.timers.pop()[1]()
    assert (host.timers, host.focused.cursor_blink) == ([], False)
    cursor.wake()
    assert host.focused.cursor_blink


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

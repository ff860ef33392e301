"""The editing keys of the composer: those of terminals, and vim keys."""

from pathlib import Path

import pytest
from textual import events

from replyscope.config.settings import parse_settings
from replyscope.domain.errors import SettingsError
from replyscope.domain.look import Look
from replyscope.ui.keys.panel import KeyPanel
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle

VIM = Look(has_vim_keys=True)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("ctrl+k ctrl+y ctrl+y", "one two threeone two three"),
        ("alt+d ctrl+e ctrl+y", " two threeone"),
        ("alt+f ! ", "one! two three"),
        ("end alt+b ! ", "one two !three"),
        ("end ctrl+w ctrl+w ctrl+y", "one two three"),
        ("alt+d alt+d ctrl+y", "one two three"),
        ("end ctrl+u x ctrl+y", "xone two three"),
        ("right ctrl+t", "noe two three"),
        ("end ctrl+w t o ctrl+t", "one two ot"),
        ("end ctrl+w ctrl+z ctrl+k ctrl+y", "one two threethree"),
    ],
)
async def test_keys_of_terminals_delete_insert_and_exchange(
    server: LoopbackServer, tmp_path: Path, keys: str, text: str
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        composer.replace_text("one two three", 0)
        await pilot.pause()
        await pilot.press(*keys.split())
        await until(pilot, lambda: composer.text == text, text)


async def test_ctrl_t_is_the_theme_where_nothing_can_be_exchanged(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("ctrl+t")
        await until(pilot, lambda: len(pilot.app.screen_stack) > 2 or "Theme" in frame(pilot))


async def test_vim_modes_are_shown_and_enter_sends_in_normal_mode(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url, look=VIM)
    async with open_chat(app, size=SIZE) as pilot:
        chat = chat_of(pilot)
        composer = chat.panes.composer
        await until(pilot, lambda: " INSERT " in frame(pilot))
        await pilot.press(*"hello brave world", "escape")
        await until(pilot, lambda: " NORMAL " in frame(pilot))
        await pilot.press(*"bbcwnew", "escape")
        assert composer.text == "hello new world"
        await pilot.press("0", "v", "e")
        await until(pilot, lambda: " VISUAL " in frame(pilot))
        await pilot.press("d", "u", "ctrl+r", "u")
        assert composer.text == "hello new world"
        await pilot.press("V")
        await until(pilot, lambda: " VISUAL LINE " in frame(pilot))
        await pilot.press("escape", "enter")
        await until(pilot, lambda: is_idle(pilot) and len(server.requests) == 1)
        await until(pilot, lambda: " INSERT " in frame(pilot))
        await pilot.press(*"next", "enter")
        await until(pilot, lambda: is_idle(pilot) and len(server.requests) == 2)
        said = [one["content"] for one in server.requests[1]["messages"] if one["role"] == "user"]
        assert said == ["hello new world", "next"]


async def test_escape_in_normal_mode_does_what_it_does_without_vim_keys(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url, look=VIM), size=SIZE) as pilot:
        await pilot.press(*"x")
        await until(pilot, lambda: "[Esc] normal" in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: " NORMAL " in frame(pilot))
        await until(pilot, lambda: "[Esc] read" in frame(pilot), "the footer of the mode")
        await pilot.press("escape")
        await until(pilot, lambda: " READ " in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: " NORMAL " in frame(pilot))


async def test_letters_are_commands_also_after_the_mouse_and_the_clipboard_moved_the_cursor(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url, look=VIM), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        await pilot.press(*"one two", "escape")
        composer.move_cursor((0, 0))
        await pilot.press("x")
        assert composer.text == "ne two"
        composer.insert("O")
        await pilot.pause()
        await pilot.press("u")
        assert composer.text == "ne two"
        await pilot.press("u")
        assert composer.text == "one two"


async def test_nothing_of_another_text_can_be_undone_into_this_one(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url, look=VIM), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        await pilot.press(*"secret", "escape", "d", "d", "u")
        assert composer.text == "secret"
        composer.replace_text("other")
        await pilot.press("escape", "u", "u")
        assert composer.text == "other"


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        ("backspace", "one two three", 11),
        ("0 delete p", "noe two three", 1),
        ("ctrl+u", "one two three", 12),
        ("0 ctrl+d", "one two three", 0),
        ("ctrl+w", "one two three", 12),
        ("ctrl+k", "one two three", 12),
        ("0 alt+d", "one two three", 0),
        ("v b ctrl+w", "one two three", 8),
        ("0 v e ctrl+x", " two three", 0),
        ("0 v e ctrl+c $ escape", "one two three", 12),
    ],
)
async def test_no_key_of_terminals_deletes_in_normal_mode(
    server: LoopbackServer, tmp_path: Path, keys: str, text: str, cursor: int
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url, look=VIM), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        await pilot.press(*"one two three", "escape", *keys.split())
        await pilot.pause()
        assert (composer.text, composer.cursor_location) == (text, (0, cursor))
        if "ctrl+x" in keys or "ctrl+c" in keys:
            assert pilot.app.clipboard == "one"


async def test_a_paste_replaces_the_whole_visual_selection(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url, look=VIM), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        await pilot.press(*"one two", "escape", *"0ve")
        pilot.app.post_message(events.Paste("XX"))
        await until(pilot, lambda: composer.text == "XX two", composer.text)
        assert composer.mode_word == "NORMAL"


async def test_the_register_is_kept_when_a_message_is_sent_but_not_beyond_a_private_session(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url, look=VIM), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        await pilot.press(*"again", "escape", "y", "y", "enter")
        await until(pilot, lambda: is_idle(pilot) and len(server.requests) == 1)
        await pilot.press("escape", "P")
        assert composer.text == "again\n"
        composer.show_private(True)
        await pilot.press("escape", "P")
        assert composer.text == "again\n"


async def test_enter_of_another_meaning_moves_down_in_normal_mode(
    server: LoopbackServer, tmp_path: Path
) -> None:
    look = Look(has_vim_keys=True, keys={"chat.send": "ctrl+x", "chat.newline": "enter"})
    async with open_chat(make_app(tmp_path, server.base_url, look=look), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        await pilot.press("a", "enter", "b", "escape", "k", "enter")
        assert (composer.text, composer.cursor_location) == ("a\nb", (1, 0))
        await pilot.press("ctrl+x")
        await until(pilot, lambda: is_idle(pilot) and len(server.requests) == 1)


async def test_the_panel_of_keys_types_nothing_in_normal_mode(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url, look=VIM), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        await pilot.press("escape", "?")
        await until(pilot, lambda: pilot.app.screen.query(KeyPanel))
        await pilot.press("i", "x")
        assert composer.text == "x"
        assert not pilot.app.screen.query(KeyPanel)


def test_the_setting_names_its_words(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    assert parse_settings('editing = "vim"', file).look.has_vim_keys
    assert not parse_settings("", file).look.has_vim_keys
    with pytest.raises(SettingsError, match="editing is 'vi'; allowed: plain, vim"):
        parse_settings('editing = "vi"', file)

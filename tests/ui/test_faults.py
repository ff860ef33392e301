"""What is wrong with files and terminals is said once, and the chat works all the same."""

import sqlite3
from pathlib import Path

import pytest

from replyscope.cli.parser import build_parser
from replyscope.cli.services import build_services
from replyscope.config.look import read_look
from replyscope.config.paths import find_paths
from replyscope.config.themes import find_theme
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.opening import Opening
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, open_chat, until


def app_as_started(server: LoopbackServer, *more: str) -> ReplyscopeApp:
    """The app as the command line builds it, on the folders of this test."""
    arguments = build_parser().parse_args(
        ["--base-url", server.base_url, "--model", "test-model", *more]
    )
    paths = find_paths(arguments.data_dir)
    look = read_look(paths.settings)
    return ReplyscopeApp(
        Opening(
            look=look,
            theme=find_theme(look.theme, paths.themes),
            is_fresh=True,
            load=lambda: build_services(arguments, paths),
        )
    )


async def chats_all_the_same(server: LoopbackServer, *says: str) -> ReplyscopeApp:
    app = app_as_started(server)
    async with open_chat(app, notifications=True) as pilot:
        await until(pilot, lambda: all(words in frame(pilot) for words in says), f"{says}")
        chat_of(pilot).composer.insert("hi")
        await pilot.press("enter")
        await until(pilot, lambda: "Hello world" in frame(pilot), "the reply")
    return app


def make_newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE future (x)")
    connection.execute("PRAGMA user_version = 999")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_bytes(b"not a database " * 200), "is damaged"),
        (make_newer, "newer"),
        (lambda path: path.mkdir(), "not saved"),
    ],
)
async def test_a_store_that_cannot_be_used_is_left_alone(
    server: LoopbackServer, spoil: object, says: str
) -> None:
    path = find_paths(None).database
    path.parent.mkdir(parents=True)
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    await chats_all_the_same(server, says, "not saved")
    assert before == (path.read_bytes() if path.is_file() else None)


async def test_a_broken_settings_file_is_named_with_its_line(server: LoopbackServer) -> None:
    path = find_paths(None).settings
    path.parent.mkdir(parents=True)
    path.write_text('theme = "paper"\nshine = true\n')
    app = await chats_all_the_same(server, "settings.toml:2", "shine")
    assert app.theme == "paper"
    assert path.read_text() == 'theme = "paper"\nshine = true\n'


async def test_own_themes_are_used_and_broken_ones_named(server: LoopbackServer) -> None:
    paths = find_paths(None)
    paths.themes.mkdir(parents=True)
    paths.settings.write_text('theme = "mine"\n')
    good = 'title = "Mine"\ndark = true\n[colors]\nprimary = "#123456"\n'
    (paths.themes / "mine.toml").write_text(good)
    (paths.themes / "bad.toml").write_text(good.replace("#123456", "not-a-colour"))
    (paths.themes / "worse.toml").write_text("[colors\n")
    app = await chats_all_the_same(server, "bad.toml", "worse.toml")
    assert app.theme == "mine"
    assert "bad" not in app.available_themes

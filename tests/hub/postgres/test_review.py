"""The review screen on a PostgreSQL hub: search, preview, wire, and what can't be changed."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from replyscope.cli.hub_review import open_hub_review
from replyscope.cli.wiring import Wiring, wire
from replyscope.domain.hub import START
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.dialogs.help import HelpScreen
from replyscope.ui.review.commands import CHANGES
from replyscope.ui.review.screen import ReviewScreen
from replyscope.ui.services import Services
from tests.hub.postgres.conftest import FOUNDER
from tests.support.hub_entries import Log
from tests.support.postgres import PostgresServer
from tests.support.queries import answer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_keys import footer
from tests.ui.test_review import ask, found

Opened = tuple[ReplyscopeApp, list[Services]]


@pytest.fixture
def app(
    hub: PostgresHub,
    server: PostgresServer,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Opened:
    """The app of an empty archive, whose settings name a hub with two replies."""
    log = Log()
    entries = [
        *log.turn("one", "What grows here?", answer("Apples and pears.")),
        *log.turn("two", "And there?", answer("Plums."), 1),
    ]
    hub.push("laptop", "Laptop", entries, START)
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:{server.port}:*:*:{server.password}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    monkeypatch.setenv("REPLYSCOPE_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "config").mkdir()
    settings = f'[hub]\nurl = "{server.url(database, FOUNDER)}"\n'
    (tmp_path / "config" / "settings.toml").write_text(settings)
    built: list[Wiring] = []

    def wires(*values: Any, **named: Any) -> Wiring:
        built.append(wire(*values, **named))
        return built[-1]

    async def open_hub() -> Services:
        return await open_hub_review(opened[0], built[-1])

    opened: list[Services] = []
    address = "http://127.0.0.1:9/v1"
    return make_app(tmp_path / "data", address, wires=wires, open_hub=open_hub), opened


async def test_counts_that_are_bounded_say_so(app: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replyscope.hub.postgres.search.MOST_COUNTED", 1)
    running, opened = app
    async with open_chat(running, size=(160, 44), notifications=True) as pilot:
        opened.append(chat_of(pilot).desk.services)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen), "the review")
        await until(pilot, lambda: "2+ replies · of the newest 1" in frame(pilot), "the bound")
        await ask(pilot, "pears")
        await until(pilot, lambda: "1 reply" in frame(pilot), "one reply, counted whole")
        assert "of the newest" not in frame(pilot)


def help_rows(pilot: Pilot[None]) -> str:
    """The rows of the help."""
    return str(pilot.app.screen.query_one("#help-rows", Static).content)


async def test_the_review_of_the_hub_finds_previews_and_refuses_changes(
    app: Opened,
) -> None:
    running, opened = app
    async with open_chat(running, size=(160, 44), notifications=True) as pilot:
        opened.append(chat_of(pilot).desk.services)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen), "the review")
        await until(pilot, lambda: found(pilot) == 2, "both replies")
        assert "Results on the hub 127.0.0.1/" in frame(pilot)
        await ask(pilot, "pears by:me machine:laptop")
        await until(pilot, lambda: found(pilot) == 1, "one reply")
        await until(pilot, lambda: "What grows here?" in frame(pilot), "the preview")
        await pilot.press("escape")
        await until(pilot, lambda: "[e] export" in footer(pilot), "the footer of the results")
        for offered in ("tags", "delete", "pin", "archive", "rename"):
            assert f"] {offered}" not in footer(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen), "the help")
        await until(pilot, lambda: "review.export" in help_rows(pilot), "its rows")
        assert not [name for name in CHANGES if name in help_rows(pilot).split()]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen), "the review again")
        await pilot.press("p")
        await until(pilot, lambda: "can't be changed from here" in frame(pilot), "the refusal")
        await pilot.press("enter")
        await until(pilot, lambda: "is on the hub only" in frame(pilot), "the explanation")
        assert isinstance(pilot.app.screen, ReviewScreen)

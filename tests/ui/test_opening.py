"""The prompt that is painted first: nothing typed into it is lost."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from replyscope.domain.look import Look
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.chat.first_paint import FrontScreen
from replyscope.ui.chat.screen import ChatScreen
from replyscope.ui.services import Services
from tests.support.server import LoopbackServer, reply
from tests.ui.app import chat_of, frame, make_app, open_chat, until


async def test_what_is_typed_before_the_chat_is_there_is_taken_over(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("Early bird.")
    app = make_app(tmp_path, server.base_url)
    may_load = threading.Event()
    load = app._opening.load

    def wait_and_load() -> Services:
        assert may_load.wait(10)
        return load()

    app._opening = replace(app._opening, load=wait_and_load)
    async with app.run_test(size=(120, 40)) as pilot:
        assert isinstance(app.screen, FrontScreen)
        assert "type a message" in frame(pilot)
        await pilot.press(*"hi", "enter")
        app.screen.focused.post_message(events.Paste("line\n" * 100))  # type: ignore[union-attr]
        await pilot.press(*"more")
        may_load.set()
        await until(pilot, lambda: isinstance(app.screen, ChatScreen), "the chat")
        await pilot.press(*"!")
        await until(pilot, lambda: "Early bird." in frame(pilot), "the reply")
        chat = chat_of(pilot)
        assert [m.text for m in chat.desk.conversation.messages][:1] == ["hi"]
        assert chat.panes.composer.text == "more!"
        assert "pasted-1.txt" in frame(pilot)


async def test_the_archive_is_opened_while_the_prompt_is_shown(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url)
    load = app._opening.load
    shown: list[type[object]] = []

    def load_and_note() -> Services:
        services = load()
        open_store = services.open_store

        async def note_and_open() -> None:
            shown.append(type(app.screen))
            await open_store()

        services.open_store = note_and_open
        return services

    app._opening = replace(app._opening, load=load_and_note)
    async with open_chat(app):
        assert shown == [FrontScreen]


async def test_quitting_before_the_chat_is_there_ends_the_app(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    may_load = threading.Event()
    load = app._opening.load

    def wait_and_load() -> Services:
        may_load.wait(10)
        return load()

    app._opening = replace(app._opening, load=wait_and_load)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+q")
        may_load.set()
    assert not app.is_running


async def test_a_missing_theme_is_told_and_the_default_used(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url, look=Look(theme="gone"))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: "no theme gone" in frame(pilot), "the fault")
        assert app.theme == "midnight"


@pytest.mark.parametrize("width", [3, 6, 68, 72])
async def test_a_start_where_the_composer_has_no_room_at_first_is_none_to_crash_at(
    width: int, server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=(width, 24)) as pilot:
        assert chat_of(pilot).panes.composer.size.width > 0


def _opening_later(app: ReplyscopeApp) -> asyncio.Event:
    """Let the archive be opened only once this event is set."""
    may_open = asyncio.Event()
    services = app._opening.load()
    open_store = services.open_store

    async def wait_and_open() -> None:
        await may_open.wait()
        await open_store()

    services.open_store = wait_and_open
    return may_open


async def test_a_message_sent_before_the_chat_is_there_belongs_to_the_named_session(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("Bird.")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await pilot.press(*"first", "enter")
        await until(pilot, lambda: "Bird." in frame(pilot), "the reply")
        await pilot.press(*"draft")
        await chat_of(pilot).groups.drafts.save()
    app = make_app(tmp_path, server.base_url, opens_newest=True)
    may_open = _opening_later(app)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*"second", "enter", *"third")
        await until(pilot, lambda: "Opening the session" in frame(pilot), "why it takes long")
        may_open.set()
        await until(pilot, lambda: frame(pilot).count("Bird.") == 2, "the reply")
        chat = chat_of(pilot)
        assert [m.text for m in chat.desk.conversation.messages][::2] == ["first", "second"]
        assert chat.panes.composer.text == "draft\n\nthird"


async def test_what_was_sent_to_a_session_that_does_not_exist_stays_in_the_composer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url, session_id="gone")
    may_open = _opening_later(app)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press(*"first", "enter", *"second")
        may_open.set()
        await until(pilot, lambda: "gone" in frame(pilot), "the fault")
        assert chat_of(pilot).panes.composer.text == "first\n\nsecond"
        assert server.requests == []


async def test_quitting_while_the_session_is_opened_ends_the_app(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url, opens_newest=True)
    may_open = _opening_later(app)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Opening the session" in frame(pilot), "why it takes long")
        await pilot.press("ctrl+q")
        may_open.set()
    assert not app.is_running

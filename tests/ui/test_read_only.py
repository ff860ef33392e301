"""The chat on an archive that can be read and not written."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from replyscope.config.paths import find_paths
from replyscope.config.themes import find_theme
from replyscope.domain.look import Look
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.opening import Opening
from replyscope.ui.review.screen import ReviewScreen
from tests.faults.small_disk import SmallDisk, small_disk
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, make_services, open_chat, until
from tests.ui.test_chat import is_idle, send

SIZES = [(120, 40), (80, 24)]
STATES: list[Callable[[SmallDisk], None]] = [SmallDisk.lock, SmallDisk.fill]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as mounted:
        yield mounted


async def talk(pilot: Pilot[None], text: str) -> None:
    await send(pilot, text)
    await until(pilot, lambda: is_idle(pilot) and "● stop" in frame(pilot), "the reply")


async def save_one(server: LoopbackServer, folder: Path) -> None:
    """Save a session, and leave."""
    async with open_chat(make_app(folder, server.base_url)) as pilot:
        await talk(pilot, "about lighthouses")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("close", STATES)
async def test_what_is_saved_is_shown_and_nothing_new_is_kept(
    size: tuple[int, int],
    close: Callable[[SmallDisk], None],
    disk: SmallDisk,
    server: LoopbackServer,
) -> None:
    data = disk.folder / "data"
    await save_one(server, data)
    close(disk)
    app = make_app(data, server.base_url)
    async with open_chat(app, size=size) as pilot:
        await until(pilot, lambda: "Nothing new is saved" in frame(pilot), "the reason")
        assert chat_of(pilot).toasts.text().count("saved sessions") == 1
        await talk(pilot, "only in memory")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.is_private, "in memory")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "about lighthouses" in frame(pilot), "the sidebar")
        await pilot.press("end", "enter")
        await until(
            pilot, lambda: not chat_of(pilot).desk.conversation.is_private, "the saved session"
        )
        await until(pilot, lambda: "Hello world" in frame(pilot), "its reply")
        await send(pilot, "and more")
        await until(pilot, lambda: "can only be read" in frame(pilot), "the reason")
        assert chat_of(pilot).panes.composer.text == "and more"
        assert "can't be written" not in chat_of(pilot).toasts.text().rpartition("Nothing new")[0]
        assert len(server.requests) == 2
        chat_of(pilot).panes.composer.replace_text("")
        await review(pilot)


async def review(pilot: Pilot[None]) -> None:
    """Find the saved reply on the review screen."""
    await send(pilot, "/review")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen), "the review")
    await pilot.press("/", *"lighthouses")
    await until(pilot, lambda: "about lighthouses" in frame(pilot), "the saved reply")


async def test_the_next_start_saves_again(disk: SmallDisk, server: LoopbackServer) -> None:
    data = disk.folder / "data"
    await save_one(server, data)
    disk.lock()
    async with open_chat(make_app(data, server.base_url)) as pilot:
        await until(pilot, lambda: "Nothing new is saved" in frame(pilot), "the reason")
    disk.unlock()
    async with open_chat(make_app(data, server.base_url)) as pilot:
        await talk(pilot, "about harbours")
        assert not chat_of(pilot).desk.conversation.is_private
        sessions = await chat_of(pilot).desk.services.sessions.list_sessions()
        assert [one.title for one in sessions] == ["about harbours", "about lighthouses"]


async def test_a_message_that_is_sent_during_the_start_is_answered_in_memory(
    disk: SmallDisk, server: LoopbackServer
) -> None:
    data = disk.folder / "data"
    await save_one(server, data)
    disk.lock()
    services = make_services(data, server.base_url)
    is_let_in, open_store = asyncio.Event(), services.open_store

    async def open_later() -> None:
        await is_let_in.wait()
        await open_store()

    services.open_store = open_later
    theme = find_theme(Look().theme, find_paths(str(data)).themes)
    opening = Opening(look=Look(), theme=theme, is_fresh=True, load=lambda: services)
    async with open_chat(ReplyscopeApp(opening)) as pilot:
        await send(pilot, "an early one")
        await until(pilot, lambda: not is_idle(pilot), "the turn")
        is_let_in.set()
        await until(pilot, lambda: is_idle(pilot) and "● stop" in frame(pilot), "the reply")
        assert chat_of(pilot).desk.conversation.is_private
        assert "╭─ private ─" in frame(pilot)

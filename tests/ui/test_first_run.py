"""The first run: a found server is preselected, a URL is tested, and the message is sent."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from replyscope.domain.endpoint import FoundServer
from replyscope.ui.chat.first_run import FirstRun
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from tests.support.listening import find_free_port
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send
from tests.ui.test_type_ahead import write


def is_open(pilot: Pilot[None], kind: type) -> Callable[[], bool]:
    return lambda: isinstance(pilot.app.screen, kind)


async def test_a_found_server_is_preselected_and_gets_the_message_after_one_enter(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["only-model"]

    async def find() -> tuple[FoundServer, ...]:
        return (FoundServer("Ollama", server.base_url, ("only-model",)),)

    async with open_chat(make_app(tmp_path, None, find_servers=find)) as pilot:
        await until(pilot, is_open(pilot, FirstRun))
        assert isinstance(pilot.app.screen, FirstRun)
        await until(pilot, lambda: "1 server found" in frame(pilot), "the search")
        assert pilot.app.screen.highlighted == f"server:{server.base_url}"
        await pilot.press("escape")
        await send(pilot, "hello")
        await until(pilot, is_open(pilot, FirstRun))
        await pilot.press("enter")
        await until(pilot, lambda: bool(server.requests) and is_idle(pilot), "the request")
    assert server.requests[0]["messages"][-1]["content"] == "hello"


async def test_enter_waits_for_the_search_for_servers(
    server: LoopbackServer, tmp_path: Path
) -> None:
    may_end = asyncio.Event()

    async def find() -> tuple[FoundServer, ...]:
        await may_end.wait()
        return (FoundServer("Ollama", server.base_url, ("only-model",)),)

    async with open_chat(make_app(tmp_path, None, find_servers=find)) as pilot:
        await until(pilot, is_open(pilot, FirstRun))
        write(pilot, "\r")
        await pilot.pause()
        assert isinstance(pilot.app.screen, FirstRun)
        may_end.set()
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot), "the choice")
        endpoint = chat_of(pilot).desk.targets.endpoint
        assert endpoint is not None
        assert endpoint.base_url == server.base_url


async def give_url(pilot: Pilot[None], url: str) -> None:
    await until(pilot, is_open(pilot, LineDialog), "the URL")
    pilot.app.screen.query_one(Input).value = url
    await pilot.press("enter")
    await until(pilot, lambda: "Its API key" in frame(pilot), "the key")
    await pilot.press("enter")


async def test_a_url_that_does_not_answer_is_not_saved_but_can_be_changed(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, None)) as pilot:
        await until(pilot, is_open(pilot, FirstRun))
        await pilot.press("end", "enter")
        await give_url(pilot, f"http://127.0.0.1:{find_free_port()}/v1")
        await until(pilot, is_open(pilot, PickDialog), "what to do")
        assert "Could not connect to the server" in frame(pilot)
        assert "Errno" not in frame(pilot)
        assert chat_of(pilot).desk.targets.endpoint is None
        assert not (tmp_path / "config" / "settings.toml").exists()
        write(pilot, "retry\r")
        await until(pilot, is_open(pilot, PickDialog), "again")
        write(pilot, "change\r")
        await give_url(pilot, server.base_url)
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot), "the chat")
        endpoint = chat_of(pilot).desk.targets.endpoint
        assert endpoint is not None
        assert endpoint.base_url == server.base_url

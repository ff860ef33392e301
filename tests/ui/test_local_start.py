"""A start with the embedded model takes no keys away, whether it is installed or not."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import LocalModelError
from replyscope.domain.local_models import InstallProgress, LocalModel
from replyscope.ui.chat.install import InstallScreen
from tests.support.server import LoopbackServer, reply
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle


class SlowModels:
    """One embedded model, which takes a while to install and to start, or fails to."""

    default_name = "small"

    def __init__(self, base_url: str | None, *, is_installed: bool = True) -> None:
        self.base_url = base_url
        self.is_installed = is_installed
        self.may_go_on = asyncio.Event()

    def missing_engine(self) -> str | None:
        return None

    def list_models(self) -> tuple[LocalModel, ...]:
        installed = self.is_installed
        return (LocalModel("small", "Small", 100, "MIT", "", "", is_installed=installed),)

    async def install(self, _name: str) -> AsyncGenerator[InstallProgress, None]:
        yield InstallProgress("downloading", 50, 100)
        await self.may_go_on.wait()
        self.is_installed = True

    async def remove(self, _name: str) -> None: ...

    async def start(self, name: str) -> Endpoint:
        await self.may_go_on.wait()
        if self.base_url is None:
            raise LocalModelError("The model does not start.")
        return Endpoint("local", self.base_url, model=name, max_retries=0)

    async def stop(self) -> None: ...


async def test_a_message_waits_for_the_installed_model_and_later_keys_stay(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("Here.")
    models = SlowModels(server.base_url)
    app = make_app(tmp_path, None, local=models, starts_local="small")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*"hi", "enter", *"more")
        await until(pilot, lambda: "starting the model…" in frame(pilot), "what it waits for")
        chat = chat_of(pilot)
        await pilot.press(*"over")
        await until(pilot, lambda: chat.panes.composer.text == "moreover", "the text")
        assert app.screen is chat
        assert server.requests == []
        models.may_go_on.set()
        await until(pilot, lambda: "Here." in frame(pilot) and is_idle(pilot), "the reply")
        assert server.requests[0]["messages"][-1]["content"] == "hi"
        assert chat.panes.composer.text == "moreover"
        assert "starting the model" not in frame(pilot)


async def test_a_message_comes_back_when_the_model_does_not_start(
    server: LoopbackServer, tmp_path: Path
) -> None:
    models = SlowModels(None)
    app = make_app(tmp_path, None, local=models, starts_local="small")
    async with open_chat(app) as pilot:
        await pilot.press(*"hi", "enter", *"more")
        models.may_go_on.set()
        await until(pilot, lambda: "does not start" in frame(pilot), "the fault")
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.panes.composer.text == "hi\n\nmore", "the message")
        assert app.screen is chat


async def test_keys_that_are_typed_during_a_download_go_to_the_composer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    models = SlowModels(server.base_url, is_installed=False)
    app = make_app(tmp_path, None, local=models, starts_local="small")
    async with open_chat(app) as pilot:
        await pilot.press(*"he")
        await until(pilot, lambda: isinstance(app.screen, InstallScreen), "the dialog")
        await until(pilot, lambda: "downloading" in frame(pilot), "the progress")
        assert "A cancelled download continues" in frame(pilot)
        await pilot.press(*"llo", "enter", *"more")
        models.may_go_on.set()
        await until(pilot, lambda: bool(server.requests) and is_idle(pilot), "the request")
        assert server.requests[0]["messages"][-1]["content"] == "hello"
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "more", "the rest")

"""A new session goes on with the model and the settings that were used last."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from replyscope.domain.endpoint import Endpoint
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.chat.model_picker import ModelPicker
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send
from tests.ui.test_tools import offer


def without_model(folder: Path, server: LoopbackServer, **changes: Any) -> ReplyscopeApp:
    """The app with a provider that has no model in the settings, as that of the environment."""
    endpoint = Endpoint("test", server.base_url, max_retries=0)
    return make_app(folder, None, endpoint=endpoint, **changes)


async def test_the_model_that_was_used_last_is_used_after_a_restart(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["a", "b", "c"]
    async with open_chat(without_model(tmp_path, server)) as pilot:
        await until(pilot, lambda: "Choose a model" in frame(pilot))
        await send(pilot, "/model b")
        await until(pilot, lambda: "b · test" in frame(pilot))
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot) and len(server.requests) == 1)
    async with open_chat(without_model(tmp_path, server)) as pilot:
        await until(pilot, lambda: "b · test" in frame(pilot), "the model before anything is sent")
        await send(pilot, "again")
        await until(pilot, lambda: is_idle(pilot) and len(server.requests) == 2)
        assert not isinstance(pilot.app.screen, ModelPicker)
    assert [request["model"] for request in server.requests] == ["b", "b"]


async def test_the_last_model_of_another_provider_is_not_used(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["a", "b"]
    async with open_chat(without_model(tmp_path, server)) as pilot:
        await send(pilot, "/model b")
        await until(pilot, lambda: "b · test" in frame(pilot))
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot) and len(server.requests) == 1)
    other = Endpoint("other", server.base_url, max_retries=0)
    async with open_chat(make_app(tmp_path, None, endpoint=other)) as pilot:
        await send(pilot, "hello")
        await until(pilot, lambda: isinstance(pilot.app.screen, ModelPicker))
    assert len(server.requests) == 1


async def test_a_new_session_keeps_the_settings_and_the_status_line_says_so(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        desk = chat_of(pilot).desk
        assert "tool" not in frame(pilot).splitlines()[-2]
        offer(pilot, "calculate")
        settings = desk.conversation.session.settings
        changed = settings.parameters.changed({"temperature": 0.5, "seed": 1})
        desk.apply_settings(desk.conversation, replace(settings, parameters=changed))
        await until(pilot, lambda: "1 tool · 2 parameters" in frame(pilot), "the status line")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: desk.conversation.session.settings.tools is not None)
        assert "1 tool · 2 parameters" in frame(pilot)
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot) and bool(server.requests))
    request = server.requests[0]
    assert request["temperature"] == 0.5
    assert [tool["function"]["name"] for tool in request["tools"]] == ["calculate"]

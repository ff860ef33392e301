"""F8: what is set and by whom, what the server gets, and what is wrong with a value, in place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from replyscope.config.paths import find_paths
from replyscope.config.settings import read_settings
from replyscope.domain.session import Parameters
from replyscope.ui.chat.parameters import ParametersDialog
from tests.support.server import LoopbackServer, error, reply
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import send


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_parameter_is_found_set_and_sent(
    server: LoopbackServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=size) as pilot:
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParametersDialog))
        await until(pilot, lambda: "[Enter] edit" in frame(pilot))
        assert "prompt_cache_key" not in frame(pilot)
        await pilot.press(*"cache_key")
        await until(pilot, lambda: "sent as prompt_cache_key" in frame(pilot))
        await pilot.press("enter", *"k1", "enter")
        await until(pilot, lambda: "k1 · session" in frame(pilot))
        assert "prompt_cache_key is k1 (session), from the next message." in frame(pilot)
        await pilot.press(*"eff", "enter", *"hig", "right", "enter")
        await until(pilot, lambda: "high · session" in frame(pilot))
        await pilot.press(*'extra={"top_k": 40}', "enter")
        await until(pilot, lambda: '{"top_k": 40} · session' in frame(pilot))
        await pilot.press("escape")
        await send(pilot, "hello")
        await until(pilot, lambda: bool(server.requests), "the request")
    request = server.requests[0]
    assert (request["prompt_cache_key"], request["reasoning_effort"]) == ("k1", "high")
    assert request["top_k"] == 40


async def test_a_name_that_is_typed_in_full_is_the_highlighted_one(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParametersDialog))
        dialog = pilot.app.screen
        assert isinstance(dialog, ParametersDialog)
        await pilot.press(*"n=3")  # many rows have an n
        await until(pilot, lambda: dialog.highlighted == "n", "the row of n")
        await until(pilot, lambda: "choices to generate" in frame(pilot), "its documentation")


async def test_a_wrong_value_is_named_in_place_and_can_be_corrected(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=(80, 24)) as pilot:
        await pilot.press("f8", *"seed", "enter", "x", "enter")
        await until(pilot, lambda: "seed must be a whole number" in frame(pilot))
        await pilot.press("backspace", "7", "enter")
        await until(pilot, lambda: "7 · session" in frame(pilot))
        assert "must be" not in frame(pilot)
        await pilot.press(*"top_k=4", "enter")
        await until(pilot, lambda: "top_k is not a parameter" in frame(pilot))
        parameters = chat_of(pilot).desk.conversation.session.settings.parameters
        assert parameters == Parameters(seed=7)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))


async def test_escape_leaves_a_value_as_it_was(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await pilot.press("f8", *"seed", "enter", "7", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParametersDialog))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert chat_of(pilot).desk.conversation.session.settings.parameters == Parameters()


async def test_each_value_has_its_source_and_a_provider_value_can_be_left_out(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app) as pilot:
        targets = chat_of(pilot).desk.targets
        assert targets.endpoint is not None
        below = Parameters(temperature=0.7, seed=3)
        targets.endpoint = replace(targets.endpoint, parameters=below)
        await pilot.press("f8")
        await until(pilot, lambda: "0.7 · provider test" in frame(pilot))
        await pilot.press(*"temperature=0.2", "enter")
        await until(pilot, lambda: "0.2 (session) over 0.7 (provider test)" in frame(pilot))
        await pilot.press(*"seed=null", "enter")
        await until(pilot, lambda: "not sent · session" in frame(pilot))
        await pilot.press("escape")
        await send(pilot, "one")
        await until(pilot, lambda: len(server.requests) == 1)
        await until(pilot, lambda: "Hello world" in frame(pilot))
        await pilot.press("f8", *"temp")
        await until(pilot, lambda: "0.2 · session" in frame(pilot))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "0.7 · provider test" in frame(pilot))
    assert server.requests[0]["temperature"] == 0.2
    assert "seed" not in server.requests[0]


@asynccontextmanager
async def rejected_stop(server: LoopbackServer, folder: Path) -> AsyncIterator[Pilot[None]]:
    """A chat whose server rejected `stop`, with the dialog open at that parameter."""
    server.answer = lambda request: (
        error(400, "Unsupported parameter: 'stop'", param="stop")
        if "stop" in request
        else reply("Yes.")
    )
    async with open_chat(make_app(folder, server.base_url)) as pilot:
        await pilot.press("f8", *"stop=END", "enter", "escape")
        await send(pilot, "hello")
        await until(pilot, lambda: "Yes." in frame(pilot))
        await pilot.press("f8", *"stop")
        await until(pilot, lambda: "not sent: this model rejected it" in frame(pilot))
        yield pilot


async def test_what_the_server_rejected_is_shown_beside_the_parameter(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with rejected_stop(server, tmp_path) as pilot:
        assert "stop was rejected; sent without it" in frame(pilot)
        assert "END · session · rejected, not sent" in frame(pilot)


async def test_a_rejected_parameter_is_sent_again_on_request(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with rejected_stop(server, tmp_path) as pilot:
        assert "send again" in frame(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "sent as stop: END" in frame(pilot))
        assert "rejected" not in frame(pilot)
        assert "send again" not in frame(pilot)
        server.answer = lambda _request: reply("Now.")
        await pilot.press("escape")
        await send(pilot, "again")
        await until(pilot, lambda: "Now." in frame(pilot))
    assert ["stop" in request for request in server.requests] == [True, False, True]


async def test_a_wrong_parameter_of_the_settings_is_named_after_the_start(
    server: LoopbackServer, tmp_path: Path
) -> None:
    file = find_paths(str(tmp_path)).settings
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'provider = "here"\n[providers.here]\nbase_url = "{server.base_url}"\nmodel = "m"\n'
        "[providers.here.parameters]\nstop = [1]\n"
    )
    endpoint = read_settings(file).endpoints[0]
    app = make_app(tmp_path, None, endpoint=endpoint)
    async with open_chat(app, notifications=True) as pilot:
        await until(pilot, lambda: "stop[0]" in frame(pilot), "the sentence about the setting")
        await send(pilot, "hello")
        await until(pilot, lambda: "must be a text" in frame(pilot))
    assert server.requests == []

"""Keys that follow an opening key in one write: each lands in the dialog, none elsewhere."""

import asyncio
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea

from replyscope.domain.tool import Tool, ToolSource
from replyscope.ui.chat.consent_card import ConsentCard
from replyscope.ui.chat.first_run import FirstRun
from replyscope.ui.chat.model_picker import ModelPicker
from replyscope.ui.chat.parameters import ParametersDialog
from replyscope.ui.chat.stored_replies_dialog import RemoteScreen
from replyscope.ui.chat.tools_dialog import ToolsDialog
from replyscope.ui.dialogs.edit_dialog import EditDialog
from replyscope.ui.dialogs.help import HelpScreen
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.review.results import Results
from replyscope.ui.review.screen import ReviewScreen
from replyscope.ui.terminal.type_ahead import PATIENCE_S
from tests.engine.test_tools import asks
from tests.support.server import LoopbackServer, reply
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send

KEYS = {"\r": "enter", "\n": "ctrl+j", " ": "space", "/": "slash"}


def write(pilot: Pilot[None], *keys: str) -> None:
    """Send keys and texts to the application at once, as one write to a terminal."""
    for piece in keys:
        for key in [piece] if len(piece) > 1 and piece in NAMES else list(piece):
            name = KEYS.get(key, key)
            is_text = len(key) == 1 and unicodedata.category(key)[0] != "C"
            event = events.Key(name, key if is_text else None)
            event.set_sender(pilot.app)
            pilot.app.post_message(event)


NAMES = {
    *("f1", "f2", "f3", "f8", "f9", "f10", "ctrl+p", "ctrl+t", "ctrl+s"),
    *("escape", "tab", "down", "up"),
}


@dataclass(frozen=True)
class Opening:
    """The keys that open a dialog, and the field that later text lands in."""

    keys: tuple[str, ...]
    dialog: type[Any]
    field: type[Input] | type[TextArea] = Input
    closes: tuple[str, ...] = ("escape",)


OPENINGS = {
    "model by key": Opening(("f2",), ModelPicker),
    "model by command": Opening(("/model\r",), ModelPicker),
    "api": Opening(("/api\r",), PickDialog),
    "schema": Opening(("/schema\r",), LineDialog),
    "responses": Opening(("/responses\r",), RemoteScreen),
    "tools by key": Opening(("f10",), ToolsDialog),
    "tools by command": Opening(("/tools\r",), ToolsDialog),
    "mcp": Opening(("/mcp\r",), EditDialog, TextArea),
    "provider": Opening(("/provider\r",), FirstRun),
    "review": Opening(("f3",), ReviewScreen, closes=("escape", "escape")),
    "parameters": Opening(("f8",), ParametersDialog),
    "settings": Opening(("/settings\r",), PickDialog),
    "answers": Opening(("/n\r",), PickDialog),
    "import": Opening(("/import\r",), LineDialog),
    "attach": Opening(("/attach\r",), LineDialog),
    "theme": Opening(("ctrl+t",), PickDialog),
    "help": Opening(("f1",), HelpScreen),
    "palette": Opening(("ctrl+p",), CommandPalette),
}
OPENINGS_OF_A_REPLY = {
    "rename": Opening(("/rename\r",), LineDialog),
    "another model": Opening(("escape", "R"), ModelPicker, closes=("escape", "escape")),
    "code": Opening(("/code\r",), PickDialog),
    "export": Opening(("/export\r",), PickDialog),
}
OPENINGS_OF_THE_REVIEW = {
    "tags": Opening(("t",), LineDialog),
    "rename": Opening(("R",), LineDialog),
    "export": Opening(("e",), PickDialog),
    "keep query": Opening(("/hello\r", "S"), LineDialog),
}
OPENINGS_OF_A_CALL = {
    "always": Opening(("a",), EditDialog, TextArea),
    "because": Opening(("b",), LineDialog),
    "edit first": Opening(("e",), EditDialog, TextArea),
}


class SlowToolbox:
    """A toolbox whose servers take a while to start."""

    def __init__(self) -> None:
        self.is_ready = asyncio.Event()

    async def sources(self) -> tuple[ToolSource, ...]:
        await self.is_ready.wait()
        return (ToolSource("shipped", "ready"),)

    async def offer(self, names: Any) -> tuple[Tool, ...]:
        return ()

    async def close(self) -> None: ...


def text_of(pilot: Pilot[None], field: type[Input] | type[TextArea]) -> str:
    found = pilot.app.screen.query_one(field)
    return found.value if isinstance(found, Input) else found.text


async def open_and_close(pilot: Pilot[None], name: str, opening: Opening) -> None:
    """Send the keys of a dialog and a text in one write, and close the dialog."""
    below = pilot.app.screen
    write(pilot, *opening.keys, "zqx9")
    await until(pilot, lambda: isinstance(pilot.app.screen, opening.dialog), name)
    await until(pilot, lambda: "zqx9" in text_of(pilot, opening.field), f"the text of {name}")
    assert chat_of(pilot).panes.composer.text == "", name
    write(pilot, *opening.closes)
    await until(pilot, lambda: pilot.app.screen is below, f"the end of {name}")


async def test_enter_in_the_palette_runs_the_command_that_was_typed(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:

        def has_opened() -> bool:
            screen = pilot.app.screen
            return isinstance(screen, PickDialog) and "Theme" in frame(pilot)

        write(pilot, "ctrl+p", "theme\r")
        await until(pilot, has_opened, "the themes, in one write")
        await pilot.press("escape", "ctrl+p")
        commands = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: commands.option_count > 20, "all commands")
        write(pilot, "theme\r")
        await until(pilot, has_opened, "the themes, and not the first command")


async def test_text_after_the_opening_key_lands_in_the_dialog(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        composer = chat_of(pilot).panes.composer
        for name, opening in OPENINGS.items():
            await open_and_close(pilot, name, opening)
            write(pilot, "after")
            await until(pilot, lambda: composer.text == "after", name)
            composer.replace_text("")
    assert not server.requests


async def test_text_after_the_key_of_a_reply_lands_in_its_dialog(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("```\none\n```\n\n```\ntwo\n```\n")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await send(pilot, "hello")
        await until(pilot, lambda: bool(server.requests) and is_idle(pilot), "the reply")
        for name, opening in OPENINGS_OF_A_REPLY.items():
            await open_and_close(pilot, name, opening)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen), "the review")
        await until(pilot, lambda: "1/1 reply" in frame(pilot), "the results")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.focused, Results), "the results")
        for name, opening in OPENINGS_OF_THE_REVIEW.items():
            await open_and_close(pilot, name, opening)
    assert len(server.requests) == 1


async def test_text_after_the_key_of_a_tool_call_lands_in_its_dialog(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: asks(("calculate", '{"expression": "6*7"}'))
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        write(pilot, "f10", " ", "\r", "hello\r")
        card = chat_of(pilot).query_one(ConsentCard)
        for name, opening in OPENINGS_OF_A_CALL.items():
            await until(pilot, lambda: card.is_ready and card.has_focus, "the card")
            await open_and_close(pilot, name, opening)
    assert len(server.requests) == 1


async def test_keys_wait_for_a_dialog_that_loads_slowly(
    server: LoopbackServer, tmp_path: Path
) -> None:
    toolbox = SlowToolbox()
    async with open_chat(make_app(tmp_path, server.base_url, toolbox=toolbox)) as pilot:
        write(pilot, "draft", "f10", "calc", "f3")
        await pilot.pause()
        assert pilot.app.screen is chat_of(pilot)
        assert chat_of(pilot).panes.composer.text == "draft"
        await until(pilot, lambda: "Loading… [Esc] cancel" in frame(pilot))
        toolbox.is_ready.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, ToolsDialog))
        await until(pilot, lambda: "Loading…" not in frame(pilot))
        await until(pilot, lambda: text_of(pilot, Input) == "calc")
        assert len(pilot.app.screen_stack) == 3  # F3 opened no review under it


async def test_esc_gives_up_a_dialog_that_does_not_come(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replyscope.ui.terminal.type_ahead.PATIENCE_S", 0.0)
    assert PATIENCE_S > 0
    async with open_chat(make_app(tmp_path, server.base_url, toolbox=SlowToolbox())) as pilot:
        write(pilot, "f10", "calc")
        await pilot.pause()
        write(pilot, "escape", "hello")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "hello")
        assert pilot.app.screen is chat_of(pilot)


async def test_two_tools_are_ticked_in_one_write(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        write(pilot, "f10", " ", "down", " ", "file", " ", "\r", "hello\r")
        await until(pilot, lambda: bool(server.requests), "the request")
    names = [tool["function"]["name"] for tool in server.requests[0]["tools"]]
    assert names == ["calculate", "current_time", "list_files"]


async def test_two_dialogs_and_the_message_after_them_in_one_write(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["alpha", "beta"]
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        write(
            pilot,
            "f2",
            "bet\r",
            "/system\r",
            "be brief",
            "ctrl+s",
            "f8",
            "seed=7\r",
            "escape",
            "hello\r",
        )
        await until(pilot, lambda: bool(server.requests), "the request")
    assert server.requests[0]["model"] == "beta"
    roles = [(m["role"], m["content"]) for m in server.requests[0]["messages"]]
    assert roles == [("system", "be brief"), ("user", "hello")]
    assert server.requests[0]["seed"] == 7


async def test_a_message_without_a_model_is_sent_after_one_enter_in_the_list(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["alpha", "beta"]
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app) as pilot:
        targets = chat_of(pilot).desk.targets
        assert targets.endpoint is not None
        targets.endpoint = replace(targets.endpoint, model=None)
        write(pilot, "hello\r", "bet\r", "next")
        await until(pilot, lambda: bool(server.requests), "the request")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "next")
    assert [(r["model"], r["messages"][-1]["content"]) for r in server.requests] == [
        ("beta", "hello")
    ]


async def test_keys_before_the_first_paint_of_the_chat_reach_its_dialog(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url)
    async with app.run_test(size=(120, 40)) as pilot:
        write(pilot, "f2", "zqx9")
        await until(pilot, lambda: isinstance(pilot.app.screen, ModelPicker), "the list")
        await until(pilot, lambda: text_of(pilot, Input) == "zqx9")
        assert chat_of(pilot).panes.composer.text == ""


async def test_a_long_text_is_typed_without_delay(server: LoopbackServer, tmp_path: Path) -> None:
    words = "word " * 400
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        write(pilot, words)
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == words)

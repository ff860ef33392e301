"""Every dialog shows the key that closes it, also in a narrow window."""

import asyncio
from pathlib import Path

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import Screen

from replyscope.domain.event import Listen
from replyscope.domain.exchange import Exchange
from replyscope.ui.chat.asides import AsideDialog
from replyscope.ui.chat.prompt_form import PromptForm
from replyscope.ui.dialogs.dialog import Dialog
from replyscope.ui.dialogs.edit_dialog import EditDialog, ReadDialog
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.keys.footer import KeyFooter
from tests.prompts.writing import prompt_of
from tests.snapshots.scenes import SCENES, Scene
from tests.snapshots.stage import Stage, drawn
from tests.support.server import LoopbackServer
from tests.ui.app import make_app, open_chat, until

WIDTHS = (80, 60)
OF_DIALOGS = (
    *("first_run", "install", "help", "model", "parameters", "tools", "context", "request"),
    *("prompt_history", "tool_call", "retry", "rename", "api", "theme", "schema", "attach"),
    *("add_server", "import_ask", "provider", "tool_try", "tool_tried", "delete_private"),
    *("stored_replies", "no_room", "export", "export_path", "review_purge", "consent_reason"),
    *("wire_frame", "compare", "replay", "numbers"),
)
"""The scenes that end in a dialog, or in a screen that closes with Esc."""
FOUND = {scene.name: scene for scene in reversed(SCENES) if scene.name in OF_DIALOGS}


def keys_of(screen: Screen[object]) -> str:
    """The text of the footer in front."""
    content = screen.query_one(KeyFooter).content
    assert isinstance(content, Content)
    return content.plain


async def check_footer(pilot: Pilot[None]) -> None:
    for width in WIDTHS:
        await pilot.resize_terminal(width, 24)
        await until(pilot, lambda: "Esc" in keys_of(pilot.app.screen), f"{width} columns")


def test_the_scenes_are_known() -> None:
    assert set(FOUND) == set(OF_DIALOGS)


@pytest.mark.parametrize("scene", FOUND.values(), ids=FOUND)
async def test_a_dialog_shows_its_closing_key(scene: Scene, stage: Stage) -> None:
    async with stage.play(scene.sizes[-1], scene.theme, **scene.changes) as pilot:
        await scene.play(pilot, stage)
        await drawn(pilot)
        await check_footer(pilot)


async def never(_listen: Listen) -> Exchange | None:
    await asyncio.Event().wait()
    return None


async def test_the_other_dialogs_show_theirs(server: LoopbackServer, tmp_path: Path) -> None:
    form = prompt_of(
        "+++\n[variables.a]\ntype = 'choice'\nchoices = ['x', 'y']\n+++\n{{a}} {{input}}"
    )
    dialogs: tuple[Dialog[object], ...] = (
        AsideDialog("why?", never, is_private=False),
        ReadDialog("A text", "words"),
        EditDialog("A text", "words"),
        LineDialog("A line"),
        PickDialog("One of two", [("a", "b"), ("c", "d")]),
        PromptForm(form, {}, "", tmp_path),
    )  # type: ignore[assignment]
    async with open_chat(make_app(tmp_path, server.base_url), size=(80, 24)) as pilot:
        for dialog in dialogs:
            pilot.app.push_screen(dialog)
            await until(pilot, lambda dialog=dialog: pilot.app.screen is dialog)  # type: ignore[misc]
            await check_footer(pilot)
            if isinstance(dialog, PromptForm):
                await pilot.resize_terminal(80, 24)
                await until(pilot, lambda: "[↑/↓] choices" in keys_of(pilot.app.screen))
                await pilot.press("tab")
                await until(pilot, lambda: "[Ctrl+J] new line" in keys_of(pilot.app.screen))
            await pilot.press("escape")
            await until(pilot, lambda dialog=dialog: pilot.app.screen is not dialog)  # type: ignore[misc]

"""Toasts: a line above the composer, and the last ones to read again."""

from pathlib import Path

import pytest
from textual.widgets._toast import Toast

from replyscope.ui.dialogs.edit_dialog import ReadDialog
from replyscope.ui.reading.frame_screen import FrameScreen
from replyscope.ui.terminal.toasts import ToastLine, Toasts
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import send
from tests.ui.test_wire import open_wire


def test_the_last_twenty_are_kept_the_newest_first() -> None:
    toasts = Toasts()
    for number in range(30):
        toasts.add(f"message {number}", is_error=False, shown_s=3)
    lines = toasts.text().splitlines()
    assert len(lines) == 20
    assert lines[0].endswith("message 29")
    assert [toast.text for toast in toasts.shown()] == [f"message {n}" for n in (27, 28, 29)]


def test_a_repeated_toast_is_shown_once() -> None:
    toasts = Toasts()
    for _ in range(2):
        toasts.add("the same", is_error=True, shown_s=3)
    assert [toast.text for toast in toasts.shown()] == ["the same"]


async def test_a_toast_stands_above_the_composer_and_is_read_again_by_a_command(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        chat = chat_of(pilot)
        chat.tell("Nothing was [/saved] of this.")
        await until(pilot, lambda: "Nothing was [/saved] of this." in frame(pilot))
        rows = frame(pilot).splitlines()
        row = next(n for n, line in enumerate(rows) if "Nothing was" in line)
        assert "╭" in rows[row + 1]  # the composer begins below it
        chat.toasts.add("an older one", is_error=False, shown_s=0)
        await send(pilot, "/messages")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReadDialog))
        assert "an older one" in frame(pilot)
        assert "Nothing was [/saved] of this." in frame(pilot)


async def test_a_toast_is_shown_over_a_dialog_too(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await pilot.press("f8")
        await until(pilot, lambda: pilot.app.screen is not chat_of(pilot))
        chat_of(pilot).tell("said meanwhile", is_error=False)
        await until(pilot, lambda: "said meanwhile" in frame(pilot))


@pytest.mark.parametrize("line", ["#find", "#suggestions", "#attachments", "ToastLine"])
async def test_a_line_above_the_composer_narrows_no_pane(
    server: LoopbackServer, tmp_path: Path, line: str
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        chat = chat_of(pilot)
        widths = {pane: chat.query_one(pane).size.width for pane in ("#conversation", "#composer")}
        chat.query_one(line).display = True
        await pilot.pause()
        assert chat.query_one(line).region.width == chat.query_one("#center").size.width
        assert widths == {pane: chat.query_one(pane).size.width for pane in widths}


@pytest.mark.parametrize("place", ["wire", "frame", "quit"])
async def test_what_textual_would_notify_is_in_the_same_line_and_kept(
    server: LoopbackServer, tmp_path: Path, place: str
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        app = pilot.app
        said = "Press Ctrl+C again to quit."
        if place == "quit":
            await pilot.press("ctrl+c")
        else:
            await open_wire(pilot, server)
            said = "Copied "
            if place == "frame":
                await pilot.press("enter")
                await until(pilot, lambda: isinstance(app.screen, FrameScreen))
            await pilot.press("y")
        await until(pilot, lambda: said in frame(pilot))
        assert said in chat_of(pilot).toasts.text()
        assert not any(app.screen.query(Toast))
        (line,) = app.screen.query(ToastLine)
        assert said in str(line.content)

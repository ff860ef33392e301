"""The wire: rows of frames, the filter, the folded sections, and the dialog of a frame."""

from pathlib import Path

from textual.pilot import Pilot

from replyscope.ui.reading.frame_screen import FrameScreen
from replyscope.ui.reading.wire_view import FilterField, WireView
from tests.support.server import LoopbackServer, reply
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import send


async def open_wire(pilot: Pilot[None], server: LoopbackServer) -> WireView:
    server.answer = lambda _request: reply("One ", "two ", "[three]")
    await send(pilot, "count")
    await until(pilot, lambda: "● stop" in frame(pilot))
    await pilot.press("f7")
    await until(pilot, lambda: "[DONE]" in frame(pilot))
    return chat_of(pilot).query_one(WireView)


async def test_each_frame_has_a_row_with_its_change(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        view = await open_wire(pilot, server)
        lines = frame(pilot)
        assert "what" in lines
        for change in ('content "One "', 'content "[three]"', "finish stop", "usage 5/7", "[DONE]"):
            assert change in lines
        assert "POST /v1/chat" in lines
        assert view.row == 3  # the first frame, under two folded sections and the column titles


async def test_typing_filters_the_frames_and_escape_shows_them_again(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        view = await open_wire(pilot, server)
        await pilot.press("slash", *"CONTENT", "enter")
        await until(pilot, lambda: "3 of 6" in frame(pilot))
        assert "finish stop" not in frame(pilot)
        assert view.has_focus
        await pilot.press("end", "enter")
        await until(pilot, lambda: "Frame 3 of 6" in frame(pilot))
        await pilot.press("escape", "slash", "escape")
        await until(pilot, lambda: "finish stop" in frame(pilot))
        assert pilot.app.screen.query_one(FilterField).value == ""
        assert view.has_focus


async def test_the_filter_finds_nothing_in_a_short_stream(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        view = await open_wire(pilot, server)
        await pilot.press("slash", *"absent", "enter", "enter", "end", "enter")
        await until(pilot, lambda: "0 of 6" in frame(pilot))
        assert view.row_count == 3
        assert not isinstance(pilot.app.screen, FrameScreen)


async def test_enter_folds_an_object_of_a_frame(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await open_wire(pilot, server)
        await pilot.press("enter")
        await until(pilot, lambda: '"content": "One "' in frame(pilot))
        await pilot.press(*["down"] * 5, "enter")
        await until(pilot, lambda: '"choices": [ 1 item ]' in frame(pilot))
        await pilot.press("enter", "y")
        await until(pilot, lambda: '"content": "One "' in frame(pilot))
        assert pilot.app.clipboard.startswith('data: {"id"')


async def test_the_copied_wire_has_the_request_and_the_stream(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await open_wire(pilot, server)
        await pilot.press("y")
        copied = pilot.app.clipboard
        assert copied.startswith("POST http://127.0.0.1")
        assert '"content": "count"' in copied or '"content":"count"' in copied
        assert copied.endswith("data: [DONE]\n\n")

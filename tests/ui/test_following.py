"""The transcript follows the end of a growing reply until the reader scrolls away."""

import threading
from pathlib import Path

import pytest
from textual.pilot import Pilot

from replyscope.domain.message import Role
from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.transcript import Transcript
from tests.engine.test_tools import in_turn
from tests.support.server import Answer, LoopbackServer, delta, reply, sse
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send
from tests.ui.test_tools import offer


class Growing:
    """A reply whose text grows by lines."""

    def __init__(self, lines: int) -> None:
        self.lines = lines

    def content_of(self, key: str) -> EntryContent:
        text = "\n\n".join(f"line {number}" for number in range(self.lines))
        return EntryContent(key, Role.ASSISTANT, "model", text, is_live=True)


async def show(pilot: Pilot[None], growing: Growing) -> Transcript:
    chat = chat_of(pilot)
    chat.query_one("#welcome").display = False
    transcript = chat.panes.transcript
    transcript.display = True
    await until(pilot, lambda: transcript.size.height > 5, "room for the transcript")
    transcript.show_entries(["m"], growing.content_of)
    return transcript


def follows(transcript: Transcript) -> bool:
    return transcript.is_following


def grow(transcript: Transcript, growing: Growing, lines: int) -> None:
    growing.lines = lines
    transcript.renew_entry("m")


async def test_page_up_stops_following_although_the_whole_reply_is_visible(tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, "http://127.0.0.1:1/v1")) as pilot:
        growing = Growing(2)
        transcript = await show(pilot, growing)
        transcript.focus()
        await pilot.press("pageup")
        assert not follows(transcript)
        grow(transcript, growing, 80)
        await until(pilot, lambda: chat_of(pilot).query_one("#below").display, "the note")
        assert "line 0" in frame(pilot)
        await pilot.press("G")
        await until(pilot, lambda: "line 79" in frame(pilot), "the end")
        assert follows(transcript)
        await until(pilot, lambda: not chat_of(pilot).query_one("#below").display, "no note")


async def test_page_up_scrolls_a_page_at_once_while_a_reply_grows(tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, "http://127.0.0.1:1/v1")) as pilot:
        growing = Growing(40)
        transcript = await show(pilot, growing)
        transcript.focus()
        await until(pilot, lambda: "line 39" in frame(pilot), "the end")
        height = transcript.scrollable_content_region.height
        before = transcript.scroll_offset.y
        await pilot.press("pageup")
        assert transcript.scroll_offset.y == max(0, before - height + 1)
        grow(transcript, growing, 60)
        await pilot.pause()
        assert "line 59" not in frame(pilot)
        await pilot.press(*["pagedown"] * 20)
        assert follows(transcript)


async def test_the_note_of_new_text_goes_with_the_conversation(tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, "http://127.0.0.1:1/v1")) as pilot:
        growing = Growing(40)
        transcript = await show(pilot, growing)
        transcript.focus()
        await pilot.press("pageup")
        grow(transcript, growing, 60)
        below = chat_of(pilot).query_one("#below")
        await until(pilot, lambda: below.display, "the note")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not below.display, "no note in a new session")


async def test_the_note_of_new_text_goes_when_the_end_is_followed_again(tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, "http://127.0.0.1:1/v1")) as pilot:
        growing = Growing(40)
        transcript = await show(pilot, growing)
        transcript.focus()
        await pilot.press("pageup")
        grow(transcript, growing, 60)
        below = chat_of(pilot).query_one("#below")
        await until(pilot, lambda: below.display, "the note")
        transcript.follow()  # as a sent edit does
        await until(pilot, lambda: not below.display, "no note at the end")


async def test_the_next_reply_of_a_turn_leaves_a_reader_where_they_are(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    function = {"name": "calculate", "arguments": '{"expression": "6*7"}'}
    call = {"index": 0, "id": "c", "function": function}
    text = "\n\n".join(f"para {number}" for number in range(99))
    held: list[bytes | threading.Event] = [*sse(delta(text), done=False), gate]
    held += sse(delta(tool_calls=[call]), delta(finish="tool_calls"))
    in_turn(server, Answer(chunks=held), reply("It is 42."), reply("You are welcome."))
    rule = '[[tools.allow]]\ntool = "shipped/calculate"\narguments = { expression = "*" }\n'
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text(rule, encoding="utf-8")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        offer(pilot, "calculate")
        await send(pilot, "what is 6*7?")
        await until(pilot, lambda: "para 98" in frame(pilot), "the long text")
        transcript = chat_of(pilot).panes.transcript
        await pilot.press("pageup")
        await until(pilot, lambda: not follows(transcript), "the page before")
        gate.set()
        await until(pilot, lambda: len(transcript.keys) == 3 and is_idle(pilot), "both replies")
        await until(pilot, lambda: chat_of(pilot).query_one("#below").display, "the note")
        assert not follows(transcript)
        assert "It is 42." not in frame(pilot)
        await send(pilot, "thanks")
        await until(pilot, lambda: "You are welcome." in frame(pilot), "an answer is followed")


@pytest.mark.parametrize("size", [(80, 24), (80, 40), (160, 50), (60, 12)])
async def test_a_resize_while_a_reply_grows_leaves_a_reader_where_they_are(
    size: tuple[int, int], tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, "http://127.0.0.1:1/v1")) as pilot:
        growing = Growing(60)
        transcript = await show(pilot, growing)
        transcript.focus()
        await until(pilot, lambda: "line 59" in frame(pilot), "the end")
        await pilot.press("pageup")
        assert not follows(transcript)
        await pilot.resize_terminal(*size)
        grow(transcript, growing, 90)
        await pilot.pause()
        assert not follows(transcript)
        assert "line 89" not in frame(pilot)

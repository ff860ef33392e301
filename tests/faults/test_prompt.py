"""In the chat, what was written is still there after each way a send can fail."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.faults.small_disk import SmallDisk, small_disk
from tests.support.server import Answer, LoopbackServer, error, reply
from tests.ui.app import chat_of, frame, make_app, open_chat, until

PROMPT = "what I thought about for an hour"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as mounted:
        yield mounted


async def send(pilot: Pilot[None], text: str) -> None:
    chat_of(pilot).panes.composer.insert(text)
    await pilot.press("enter")


async def shows(pilot: Pilot[None], *words: str) -> None:
    await until(pilot, lambda: all(word in frame(pilot) for word in words), f"{words}")


async def test_without_room_the_message_stays_written_and_is_sent_later(
    disk: SmallDisk, server: LoopbackServer
) -> None:
    async with open_chat(make_app(disk.folder, server.base_url), notifications=True) as pilot:
        await send(pilot, "first")
        await shows(pilot, "Hello world", "stop")
        disk.fill()
        long = PROMPT + " and more" * 5_000
        await send(pilot, long)
        await shows(pilot, "There is no room on the disk")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == long, "the message again")
        assert len(server.requests) == 1
        disk.empty()
        await pilot.press("enter")
        await until(pilot, lambda: len(server.requests) == 2, "the second request")
        await until(pilot, lambda: not chat_of(pilot).desk.turns.any_running, "the reply")
        assert chat_of(pilot).desk.archive.unsaved() == ()


async def test_a_folder_that_is_gone_is_told_and_the_message_stays_written(
    server: LoopbackServer, tmp_path: Path
) -> None:
    data = tmp_path / "folder"
    async with open_chat(make_app(data, server.base_url), notifications=True) as pilot:
        await send(pilot, "first")
        await shows(pilot, "Hello world", "stop")
        shutil.move(data, tmp_path / "away")
        await send(pilot, PROMPT)
        await shows(pilot, "replaced", PROMPT)
        assert chat_of(pilot).panes.composer.text == PROMPT
        shutil.move(tmp_path / "away", data)
        await pilot.press("enter")
        await until(pilot, lambda: len(server.requests) == 2, "the second request")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error(500, "boom"), "boom"),
        (Answer(chunks=(), cut=True), "was interrupted"),
        (Answer(200, "text/html", [b"<title>Welcome</title>"]), "Welcome"),
    ],
)
async def test_a_server_that_fails_costs_no_message(
    answer: Answer, words: str, server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: answer
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await send(pilot, PROMPT)
        await shows(pilot, PROMPT, words)
        server.answer = lambda _request: reply("here you are")
        await pilot.press("escape", "r", "r")
        await shows(pilot, PROMPT, "here you are")
    asked = [request["messages"][-1]["content"] for request in server.requests]
    assert asked == [PROMPT, PROMPT]

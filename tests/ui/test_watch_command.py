"""`replyscope watch` in a terminal: the app with the live screen in front, and its options."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from replyscope.cli.live_watch import chat_arguments
from replyscope.cli.parser import build_parser
from replyscope.cli.services import build_services
from replyscope.cli.watch import read_fail
from replyscope.config.paths import find_paths
from replyscope.config.themes import find_theme
from replyscope.domain.look import Look
from replyscope.engine.watching.switch import Watching
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.dialogs.small import LineDialog
from replyscope.ui.opening import Opening
from replyscope.ui.watch.call_table import CallTable
from replyscope.ui.watch.holding import HeldBar, HeldDialog
from replyscope.ui.watch.screen import WatchScreen
from tests.support.server import LoopbackServer, reply
from tests.ui.app import chat_of, click, frame, until
from tests.ui.test_chat import is_idle, send
from tests.ui.test_watch import ask, see


@asynccontextmanager
async def watching(
    folder: Path, base_url: str, *options: str, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Pilot[None], Watching, openai.AsyncOpenAI]]:
    """The live screen of `replyscope watch` with some options, and a program's client."""
    arguments = chat_arguments(build_parser().parse_args(["watch", "--to", base_url, *options]))
    begun: list[Watching] = []

    def begin(one: Watching) -> None:
        one.fail = read_fail(arguments)
        begun.append(one)

    arguments.begin_watch = begin
    paths = find_paths(str(folder))
    app = ReplyscopeApp(
        Opening(
            look=Look(),
            theme=find_theme("default", paths.themes),
            is_fresh=False,
            load=lambda: build_services(arguments, paths),
        )
    )
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen), "the live screen")
        await see(pilot, "Waiting for calls")
        (one,) = begun
        assert one.address is not None
        url = one.address.base_url
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-program-key", max_retries=0) as c:
            yield pilot, one, c


async def asked(pilot: Pilot[None], client: openai.AsyncOpenAI, text: str = "Why?") -> Any:
    """A program's question that is held; its worker."""
    worker = pilot.app.run_worker(ask(client, text), exit_on_error=False)
    await see(pilot, "1 call held", "[h] decide")
    return worker


async def opened(pilot: Pilot[None]) -> None:
    """Open the dialog of the held call."""
    await pilot.press("h")
    await until(pilot, lambda: isinstance(pilot.app.screen, HeldDialog), "the dialog")


async def test_a_held_call_is_seen_and_sent(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("An answer")
    async with watching(tmp_path, server.base_url, "--hold", "model:test*") as (pilot, _, client):
        asking = await asked(pilot, client)
        assert server.requests == []
        await opened(pilot)
        await see(pilot, "Held: AsyncOpenAI/Python", "test-model", "Why?", '"stream": true')
        await pilot.press("escape")  # it is still held
        await see(pilot, "1 call held")
        await opened(pilot)
        await pilot.press("s")
        await asking.wait()
        assert asking.result == "An answer"
        await see(pilot, "● stop", "1 call · following")
        assert "held" not in frame(pilot)


async def test_a_held_call_fits_a_small_terminal(server: LoopbackServer, tmp_path: Path) -> None:
    hold = ("--hold", "model:test*")
    async with watching(tmp_path, server.base_url, *hold, size=(80, 24)) as (pilot, _, client):
        asking = await asked(pilot, client, "\n".join(f"line {n}" for n in range(60)))
        await opened(pilot)
        await see(pilot, "Held:", "[Enter] send", "[r] refuse")
        await pilot.press("end")
        await see(pilot, 'line 59"', "[Enter] send")
        await pilot.press("s")
        await asking.wait()


async def test_other_calls_are_not_held(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("An answer")
    async with watching(tmp_path, server.base_url, "--hold", "model:other") as (pilot, _, client):
        assert await ask(client, "Why?") == "An answer"
        await see(pilot, "● stop")
        await pilot.press("h")
        await see(pilot, "No call is held")


async def test_a_held_call_is_edited(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("An answer")
    async with watching(tmp_path, server.base_url, "--hold", "model:test*") as (pilot, _, client):
        asking = await asked(pilot, client, "Why, sk-program-key?")
        await opened(pilot)
        await pilot.press("e")
        await until(pilot, lambda: bool(pilot.app.screen.query(TextArea)), "the editor")
        area = pilot.app.screen.query_one(TextArea)
        assert "sk-program-key" not in area.text
        area.text = "{"
        await pilot.press("ctrl+s")
        await see(pilot, "The edited text is not JSON", "1 call held")
        await opened(pilot)
        await pilot.press("e")
        await until(pilot, lambda: bool(pilot.app.screen.query(TextArea)), "the editor")
        area = pilot.app.screen.query_one(TextArea)
        area.text = area.text.replace("Why", "How")
        await pilot.press("ctrl+s")
        await asking.wait()
        assert server.requests[0]["messages"][0]["content"] == "How, sk-program-key?"
        await until(pilot, lambda: "● stop" in frame(pilot))
        assert "edited in replyscope watch" in json.dumps(
            [e.adaptations for e in _exchanges(pilot)], default=str
        )


def _exchanges(pilot: Pilot[None]) -> list[Any]:
    screen = pilot.app.screen
    assert isinstance(screen, WatchScreen)
    log = screen.groups.desk.log
    return [call.exchange for call in map(log.call, log.ids) if call is not None and call.exchange]


async def test_a_held_call_is_refused(server: LoopbackServer, tmp_path: Path) -> None:
    async with watching(tmp_path, server.base_url, "--hold", "model:test*") as (pilot, _, client):
        asking = await asked(pilot, client)
        await click(pilot, HeldBar, offset=(5, 0))
        await until(pilot, lambda: isinstance(pilot.app.screen, HeldDialog), "the dialog")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog), "the question")
        pilot.app.screen.query_one(Input).value = "200 fine"
        await pilot.press("enter")
        await see(pilot, "Begin with a status from 400 to 599", "Held:")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog), "the question")
        pilot.app.screen.query_one(Input).value = "418 Not here."
        await pilot.press("enter")
        await until(pilot, lambda: asking.is_finished)
        assert isinstance(asking.error, openai.APIStatusError)
        assert asking.error.status_code == 418
        assert "Not here." in str(asking.error)
        assert server.requests == []


async def test_a_held_call_is_answered_from_a_recorded_reply(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("A recorded answer")
    hold = ("--hold", "model:test* second")
    async with watching(tmp_path, server.base_url, *hold) as (pilot, _, client):
        await ask(client, "first")
        await see(pilot, "● stop")
        asking = await asked(pilot, client, "second")
        await opened(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog), "the question")
        pilot.app.screen.query_one(Input).value = "no-such-words"
        await pilot.press("enter")
        await see(pilot, "No recorded exchange matches", "1 call held")
        await opened(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog), "the question")
        pilot.app.screen.query_one(Input).value = "source:watch"
        await pilot.press("enter")
        await asking.wait()
        assert asking.result == "A recorded answer"
        assert len(server.requests) == 1


async def test_a_client_that_leaves_ends_its_dialog(server: LoopbackServer, tmp_path: Path) -> None:
    async with watching(tmp_path, server.base_url, "--hold", "model:test*") as (pilot, one, _):
        assert one.address is not None
        body = {"model": "test-model", "messages": [{"role": "user", "content": "hi"}]}
        async with httpx2.AsyncClient() as program:
            url = f"{one.address.base_url}/chat/completions"
            asking = pilot.app.run_worker(program.post(url, json=body), exit_on_error=False)
            await see(pilot, "1 call held")
            await opened(pilot)
            asking.cancel()
            await see(pilot, "The client has left")
        await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen))
        await until(pilot, lambda: "held" not in frame(pilot).partition("filter")[2])
        assert server.requests == []


async def test_enter_opens_the_call_in_the_chat(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("An answer")
    async with watching(tmp_path, server.base_url) as (pilot, _, client):
        await ask(client, "A question")
        await see(pilot, "● stop")
        await until(pilot, lambda: pilot.app.screen.query_one(CallTable).current_id is not None)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot), "the chat")
        await see(pilot, "A question", "An answer", "watch 127.0.0.1:")


async def test_two_calls_are_compared(server: LoopbackServer, tmp_path: Path) -> None:
    answers = ["The first reply", "The second reply"]
    server.answer = lambda _request: reply(answers[len(server.requests) - 1])
    async with watching(tmp_path, server.base_url) as (pilot, _, client):
        await pilot.press("c")
        await see(pilot, "mark a call")
        await ask(client, "question 1")
        await ask(client, "question 2")
        await see(pilot, "2 calls")
        await until(pilot, lambda: pilot.app.screen.query_one(CallTable).count == 2)
        await pilot.press("k", "space", "j", "c")
        await see(pilot, "The first reply", "The second reply")
        await pilot.press("escape")
        await see(pilot, "1 marked")


async def test_calls_that_match_fail_are_counted(server: LoopbackServer, tmp_path: Path) -> None:
    answers = [reply("whole"), reply("cut", finish="length")]
    server.answer = lambda _request: answers[len(server.requests) - 1]
    fail = ("--fail", "finish:length")
    async with watching(tmp_path, server.base_url, *fail) as (pilot, one, client):
        await ask(client, "question 1")
        await ask(client, "question 2")
        await see(pilot, "2 calls", "● length", "● stop")
        assert one.matched == 1


async def test_a_call_to_a_url_is_taken_over_with_its_server_and_model(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own-key-of-the-person")
    server.answer = lambda _request: reply("First answer")
    async with watching(tmp_path, server.base_url) as (pilot, _, client):
        await ask(client, "First question", model="program-model")
        await see(pilot, "● stop")
        await until(pilot, lambda: pilot.app.screen.query_one(CallTable).current_id is not None)
        await pilot.press("t")
        await see(pilot, "Taken over")
        server.answer = lambda _request: reply("Second answer")
        await send(pilot, "Second question")
        await see(pilot, "Second answer")
        await until(pilot, lambda: is_idle(pilot))
    assert server.requests[-1]["model"] == "program-model"
    assert len(server.requests[-1]["messages"]) == 3

"""The live screen: real programs' calls, through a real relay, seen in the real app."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import openai
from textual.pilot import Pilot

from replyscope.ui.watch.call_table import CallTable
from replyscope.ui.watch.screen import WatchScreen
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send


async def see(pilot: Pilot[None], *texts: str) -> None:
    """Wait until the screen has these words."""
    await until(pilot, lambda: all(text in frame(pilot) for text in texts), " and ".join(texts))


async def start_watch(pilot: Pilot[None]) -> openai.AsyncOpenAI:
    """Start the watch by its command. Returns a program's client."""
    await send(pilot, "/watch")
    await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen), "the live screen")
    await see(pilot, "Waiting for calls")
    watching = chat_of(pilot).desk.watching
    address = watching.address if watching is not None else None
    assert address is not None
    return openai.AsyncOpenAI(base_url=address.base_url, api_key="sk-program", max_retries=0)


async def ask(client: openai.AsyncOpenAI, *texts: str, model: str = "test-model") -> str:
    """Ask with a history; its messages alternate. Returns the streamed reply."""
    roles = ("user", "assistant")
    asked: Any = [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts)]
    stream = await client.chat.completions.create(model=model, messages=asked, stream=True)
    return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


def table(pilot: Pilot[None]) -> CallTable:
    return pilot.app.screen.query_one(CallTable)


async def test_a_call_is_seen_while_it_streams(server: LoopbackServer, tmp_path: Path) -> None:
    gate = threading.Event()
    begun = sse(delta("A long "), done=False)
    rest = sse(delta("answer.", finish="stop"), usage())
    server.answer = lambda _request: Answer(chunks=[*begun, gate, *rest])
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        client = await start_watch(pilot)
        asking = pilot.app.run_worker(ask(client, "Tell me."))
        await see(pilot, "test-model", "1 running", "A long")
        gate.set()
        await asking.wait()
        assert asking.result == "A long answer."
        await see(pilot, "● stop", "5 → 7", "A long answer.", "1 call · following")
        await client.close()


async def test_the_session_of_a_call_is_opened_and_gone_on_with(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("First answer")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        client = await start_watch(pilot)
        await ask(client, "First question")
        server.answer = lambda _request: reply("Second answer")
        await ask(client, "First question", "First answer", "Second question")
        await see(pilot, "2 calls")
        await until(pilot, lambda: table(pilot).current_id is not None)
        await pilot.press("k", "t")
        await see(pilot, "Taken over", "First answer")
        assert "Second question" not in frame(pilot).partition("First answer")[2]
        server.answer = lambda _request: reply("Another way")
        await send(pilot, "Go another way")
        await see(pilot, "Another way")
        await until(pilot, lambda: is_idle(pilot))
        assert server.requests[-1]["messages"][-1]["content"] == "Go another way"
        assert len(server.requests[-1]["messages"]) == 3
        await see(pilot, "2 calls")
        await client.close()


async def test_a_filter_shows_the_calls_that_match(server: LoopbackServer, tmp_path: Path) -> None:
    answers = [reply("whole"), reply("cut", finish="length"), error(429, "Too many.")]
    server.answer = lambda _request: answers[len(server.requests) - 1]
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        client = await start_watch(pilot)
        for number in range(3):
            with suppress(openai.RateLimitError):
                await ask(client, f"question {number}")
        await see(pilot, "3 calls", "● length", "● stop")
        await pilot.press("slash", *"finish:length")
        await see(pilot, "1 of 3 calls")
        await until(pilot, lambda: "● stop" not in frame(pilot))
        await pilot.press(*["backspace"] * 13, *"has:error")
        await until(pilot, lambda: table(pilot).count == 1 and "● length" not in frame(pilot))
        await pilot.press(*["backspace"] * 9, *"tokens:x")
        await see(pilot, "wants a number")
        await client.close()


async def test_moving_up_holds_and_a_key_follows_again(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("ok")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        client = await start_watch(pilot)
        for number in range(3):
            await ask(client, f"question {number}")
        await see(pilot, "3 calls · following")
        await pilot.press("k")
        held = table(pilot).current_id
        await ask(client, "question 3")
        await see(pilot, "4 calls · held, 2 newer")
        assert table(pilot).current_id == held
        await pilot.press("f")
        await see(pilot, "4 calls · following")
        await client.close()


async def test_other_calls_are_listed(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        client = await start_watch(pilot)
        with suppress(openai.APIError):
            await client.models.list()
        await see(pilot, "GET /models", "1 call")
        await pilot.press("enter")
        await see(pilot, "asks for no reply")
        await client.close()


async def test_the_chat_says_where_it_listens_until_it_is_stopped(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("An answer")
    async with open_chat(make_app(tmp_path, server.base_url), (160, 40)) as pilot:
        client = await start_watch(pilot)
        await pilot.press("escape")
        await see(pilot, "watch 127.0.0.1:", "0 calls")
        await ask(client, "A question of a program")
        await see(pilot, "1 call", "A question of a")
        await client.close()
        await send(pilot, "/watch off")
        await see(pilot, "The watch is stopped")
        assert "watch 127.0.0.1" not in frame(pilot)


async def test_without_a_provider_it_says_so(tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, None)) as pilot:
        await until(pilot, lambda: len(pilot.app.screen_stack) > 2, "the dialog")
        await pilot.press("escape")
        await send(pilot, "/watch")
        await see(pilot, "There is no provider to forward to")

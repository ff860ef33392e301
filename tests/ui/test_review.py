"""The review screen and what looks at replies again, with the keyboard."""

import contextlib
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from replyscope.config.settings import read_settings
from replyscope.ui.screens.compare import CompareScreen
from replyscope.ui.screens.replay import ReplayScreen
from replyscope.ui.screens.review import ReviewScreen
from replyscope.ui.screens.stats import StatsScreen
from replyscope.ui.widgets.results import Results
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send

SIZE = (160, 44)


def open_app(
    folder: Path, server: LoopbackServer
) -> contextlib.AbstractAsyncContextManager[Pilot[None]]:
    return open_chat(make_app(folder, server.base_url), size=SIZE, notifications=True)


def answers(server: LoopbackServer) -> None:
    """What is said back names the prompt; a prompt with "long" is cut."""

    def answer(request: dict[str, Any]) -> Answer:
        said = request["messages"][-1]["content"]
        finish = "length" if "long" in said else "stop"
        return Answer(chunks=sse(delta(f"About {said}."), delta(finish=finish), usage()))

    server.answer = answer


async def talk(pilot: Pilot[None], *prompts: str) -> None:
    """A session for each prompt."""
    for prompt in prompts:
        if chat_of(pilot).conversation.messages:
            await pilot.press("ctrl+n")
            await until(pilot, lambda: not chat_of(pilot).conversation.messages)
        await send(pilot, prompt)
        await until(pilot, lambda p=prompt: f"About {p}." in frame(pilot))  # type: ignore[misc]
        await until(pilot, lambda: is_idle(pilot))


async def open_review(pilot: Pilot[None]) -> ReviewScreen:
    await pilot.press("f3")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
    screen = pilot.app.screen
    assert isinstance(screen, ReviewScreen)
    return screen


def found(pilot: Pilot[None]) -> int:
    return pilot.app.screen.query_one(Results).count


async def ask(pilot: Pilot[None], query: str) -> None:
    pilot.app.screen.query_one("#query", Input).value = query


async def test_replies_are_found_as_one_types_and_opened(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "long pears", "plums")
        await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 3)
        await pilot.press(*"pea")
        await until(pilot, lambda: found(pilot) == 1)
        await until(pilot, lambda: "cut off at the limit" in frame(pilot), "the preview")
        await ask(pilot, "pea tokens:x")
        await until(pilot, lambda: "wants a number" in frame(pilot))
        assert found(pilot) == 1  # the last good result stays
        await ask(pilot, "")
        await until(pilot, lambda: found(pilot) == 3)
        await pilot.press("enter")
        await until(pilot, lambda: "1 stop" in frame(pilot) and "2 length" in frame(pilot))
        await pilot.press("2")
        await until(pilot, lambda: found(pilot) == 1)
        assert pilot.app.screen.query_one("#query", Input).value == "finish:length"
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        await until(pilot, lambda: "About long pears." in frame(pilot))


async def test_sessions_are_marked_and_put_in_order(server: LoopbackServer, tmp_path: Path) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "pears")
        await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press("enter", "space", "space")
        await until(pilot, lambda: len(pilot.app.screen.query_one(Results).marked) == 2)
        await pilot.press("t", *"fruit", "enter")
        await until(pilot, lambda: "2 sessions tagged #fruit" in frame(pilot))
        await ask(pilot, "tag:fruit")
        await until(pilot, lambda: found(pilot) == 2)
        pilot.app.screen.query_one(Results).focus()
        await pilot.press("d")
        await until(pilot, lambda: found(pilot) == 1)
        await pilot.press("u")
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press("d")
        await until(pilot, lambda: found(pilot) == 1)
        await ask(pilot, "is:deleted")
        # At once: what is listed may still be what the last query found.
        await pilot.press("X")
        await until(pilot, lambda: "There is no undo" in frame(pilot))
        await pilot.press("1", "enter")
        await until(pilot, lambda: "0 sessions with 0 replies gone" in frame(pilot))
        await until(pilot, lambda: "1/1 reply · 1 session" in frame(pilot))
        await pilot.press("X")
        await until(pilot, lambda: "There is no undo" in frame(pilot))
        await pilot.press("1", "enter")
        await until(pilot, lambda: found(pilot) == 0)
        await ask(pilot, "")
        await until(pilot, lambda: found(pilot) == 1)
        pilot.app.screen.query_one(Results).focus()
        await pilot.press("v")
        await until(pilot, lambda: "1 reply" in frame(pilot) and "#fruit" in frame(pilot))
        await ask(pilot, "tag:fruit")
        pilot.app.screen.query_one(Results).focus()
        await pilot.press("S", *"Fruit", "enter")
        await until(pilot, lambda: "\n Fruit" in frame(pilot) or " Fruit " in frame(pilot))
        saved = read_settings(tmp_path / "config" / "settings.toml")
        assert saved.queries == (("Fruit", "tag:fruit"),)


async def test_two_replies_are_compared_word_by_word(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "green apples", "red apples")
        await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press("enter", "space", "c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await until(pilot, lambda: "About redgreen apples." in frame(pilot))
        await pilot.press("s")
        await until(pilot, lambda: "About red apples." in frame(pilot))
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))


async def test_the_same_prompt_goes_to_several_models(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda request: reply(f"I am {request['model']}.")
    async with open_app(tmp_path, server) as pilot:
        await send(pilot, "who?")
        await until(pilot, lambda: "I am test-model." in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        await send(pilot, "/compare model-a model-b")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await until(pilot, lambda: "model-a" in frame(pilot) and "model-b" in frame(pilot))
        assert [request["model"] for request in server.requests][1:] == ["model-a", "model-b"]


async def test_time_is_drawn_and_a_moment_leads_to_its_frames(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples")
        chat_of(pilot).inspector.action_open_tab("time")
        await until(pilot, lambda: "pick a moment" in frame(pilot) and "text" in frame(pilot))
        await pilot.press(*["right"] * 60, "enter")
        await until(pilot, lambda: "[DONE]" in frame(pilot))


async def test_a_reply_is_played_again(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("One. ", "Two. ", "Three.")
    async with open_app(tmp_path, server) as pilot:
        await send(pilot, "count")
        await until(pilot, lambda: "Three." in frame(pilot) and is_idle(pilot))
        await pilot.press("escape", "P")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReplayScreen))
        await pilot.press("home", "full_stop", "full_stop")
        await until(pilot, lambda: "paused" in frame(pilot) or "end" in frame(pilot))
        await pilot.press("0")
        await until(pilot, lambda: "One. Two. Three." in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert len(server.requests) == 1


async def test_numbers_open_the_replies_behind_them(server: LoopbackServer, tmp_path: Path) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "long pears")
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(pilot.app.screen, StatsScreen))
        await until(pilot, lambda: "2 replies" in frame(pilot) and "length" in frame(pilot))
        assert "14 out" in frame(pilot)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
        await until(pilot, lambda: found(pilot) in (1, 2))
        assert ":" in pilot.app.screen.query_one("#query", Input).value


async def test_a_session_is_exported_from_the_chat(server: LoopbackServer, tmp_path: Path) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples for me@example.org")
        await send(pilot, "/export")
        await until(pilot, lambda: "Export this session as" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Write to (Taken out: " in frame(pilot))
        pilot.app.screen.query_one(Input).value = str(tmp_path / "out.html")
        await pilot.press("enter")
        await until(pilot, lambda: "Taken out" in frame(pilot))
    page = (tmp_path / "out.html").read_text()
    assert "About apples for [e-mail address]." in page
    assert "me@example.org" not in page


async def test_a_session_removed_elsewhere_is_told(server: LoopbackServer, tmp_path: Path) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "pears")
        screen = await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press("enter")
        row = screen.query_one(Results).row(1)
        assert row is not None
        gone = row.session_id
        await screen.review.delete([gone])
        await screen.review.purge([gone])
        await pilot.press("j")
        await until(pilot, lambda: "was removed in another window" in frame(pilot))

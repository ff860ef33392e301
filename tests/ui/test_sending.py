"""What is sent is sent once and never lost, however quick the fingers."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Api
from replyscope.domain.ports import ModelProvider
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.engine.provider_choice import ProviderChoice, ProviderKind
from replyscope.engine.targets import Targets
from replyscope.ui.app import ReplyscopeApp
from tests.support.responses import events
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send


def with_slow_target(server: LoopbackServer, folder: Path, ready: asyncio.Event) -> ReplyscopeApp:
    app = make_app(folder, server.base_url)
    load = app._opening.load

    def load_slow() -> Any:
        services = load()
        open_provider = services.open_provider

        async def open_later(endpoint: Endpoint) -> ModelProvider:
            await ready.wait()
            return await open_provider(endpoint)

        services.open_provider = open_later
        return services

    object.__setattr__(app._opening, "load", load_slow)
    return app


async def test_two_messages_before_the_provider_is_there_are_both_sent(
    server: LoopbackServer, tmp_path: Path
) -> None:
    ready = asyncio.Event()
    async with open_chat(with_slow_target(server, tmp_path, ready), size=SIZE) as pilot:
        await send(pilot, "first")
        await send(pilot, "second")
        await pilot.pause()
        assert "1 queued" in frame(pilot)
        ready.set()
        await until(pilot, lambda: len(server.requests) == 2)
        await until(pilot, lambda: is_idle(pilot))
        said = [m.text for m in chat_of(pilot).desk.conversation.read_messages()]
    assert said == ["first", "Hello world", "second", "Hello world"]


async def test_escape_before_the_provider_is_there_gives_the_message_back(
    server: LoopbackServer, tmp_path: Path
) -> None:
    ready = asyncio.Event()
    async with open_chat(with_slow_target(server, tmp_path, ready), size=SIZE) as pilot:
        await send(pilot, "think twice")
        await pilot.press("escape")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "think twice")
        assert not chat_of(pilot).desk.turns.any_running
    assert server.requests == []


async def test_a_background_reply_is_left_and_read_to_its_end_on_coming_back(
    server: LoopbackServer, tmp_path: Path
) -> None:
    made = events("one ", "two", response_id="resp_b")
    hold = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(*made[:3], done=False), hold])
    server.routes["GET", "/responses/resp_b"] = Answer(chunks=sse(*made[3:], done=False))
    endpoint = Endpoint("test", server.base_url, Api.RESPONSES, model="m", max_retries=0)
    background = SessionSettings(parameters=Parameters(background=True))
    first = make_app(tmp_path, server.base_url, endpoint=endpoint)
    async with open_chat(first, size=SIZE) as pilot:
        chat = chat_of(pilot)
        chat.panes.show_conversation(chat.desk.archive.new(background))
        await send(pilot, "take your time")
        await until(pilot, lambda: "one" in frame(pilot))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not chat.desk.turns.any_running)
    hold.set()
    second = make_app(tmp_path, server.base_url, endpoint=endpoint, opens_newest=True)
    async with open_chat(second, size=SIZE) as pilot:
        await until(pilot, lambda: "/continue" in frame(pilot))
        await pilot.press("escape", "c", "c")
        await until(pilot, lambda: "one two" in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        await until(pilot, lambda: "● stop" in frame(pilot))
    assert len(server.requests) == 1


async def test_a_session_goes_on_with_the_model_of_the_command_line(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "a question")
        await until(pilot, lambda: len(server.requests) == 1 and is_idle(pilot))
    named = make_app(tmp_path, server.base_url, opens_newest=True, model="other")
    async with open_chat(named, size=SIZE) as pilot:
        await until(pilot, lambda: "a question" in frame(pilot))
        await send(pilot, "again")
        await until(pilot, lambda: len(server.requests) == 2 and is_idle(pilot))
    later = make_app(tmp_path, server.base_url, opens_newest=True)
    async with open_chat(later, size=SIZE) as pilot:
        await until(pilot, lambda: "again" in frame(pilot))
        await send(pilot, "and later")
        await until(pilot, lambda: len(server.requests) == 3 and is_idle(pilot))
    models = [request["model"] for request in server.requests]
    assert models == ["test-model", "other", "other"]


async def test_what_will_not_fit_is_said_before_it_is_sent(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models_body = '{"data": [{"id": "test-model", "context_window": 500}]}'
    server.answer = lambda _request: Answer(
        chunks=sse(delta("ok"), delta(finish="stop"), usage(prompt=260, completion=2))
    )
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await pilot.press("x", "backspace")  # the model list loads when a person writes
        await until(pilot, lambda: chat.desk.targets.window_of("test-model") == 500)
        await send(pilot, "a first question " + "word " * 200)
        await until(pilot, lambda: is_idle(pilot))
        await send(pilot, "a second question " + "word " * 300)
        await until(pilot, lambda: "exceed the context window" in frame(pilot))
        assert len(server.requests) == 1
        await pilot.press("escape")
        await until(pilot, lambda: chat.panes.composer.text.startswith("a second question"))
        await pilot.press("enter")
        await until(pilot, lambda: "exceed the context window" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: len(server.requests) == 2 and is_idle(pilot))
        last = list(chat.desk.conversation.exchanges.values())[-1]
    (sent,) = server.requests[1]["messages"]
    assert sent["content"].startswith("a second question")
    assert last.adaptations == ("the oldest 2 messages were left out to fit the context",)


async def test_a_sent_edit_does_not_come_back_when_another_branch_is_shown(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply(f"reply number {len(server.requests)}")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "first wording")
        await until(pilot, lambda: is_idle(pilot))
        await pilot.press("escape", "k", "e")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "first wording")
        chat = chat_of(pilot)
        old = chat.desk.conversation.messages[-1].id
        chat.panes.composer.replace_text("second wording")
        await pilot.press("enter")
        chat.action_show_sibling(old)
        await until(pilot, lambda: len(server.requests) == 2 and is_idle(pilot))
        await until(pilot, lambda: not chat.desk.turns.any_running)
        assert chat.panes.composer.text == ""


async def test_a_key_goes_to_the_server_it_was_given_for_and_to_no_other(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with open_chat(app, size=SIZE) as pilot:
        chat = chat_of(pilot)
        targets = Targets(chat.desk.services)
        await targets.take(
            chat.desk.conversation,
            ProviderChoice(ProviderKind.URL, "https://one.example/v1", key="sk-for-one-1"),
        )
        first = targets.endpoint
        await targets.take(
            chat.desk.conversation, ProviderChoice(ProviderKind.URL, "https://two.example/v1")
        )
        second = targets.endpoint
        assert first is not None
        assert second is not None
        assert first.name != second.name
        settings = (tmp_path / "config" / "settings.toml").read_text()
        for name in (first.name, second.name):
            assert f"[providers.{name}]" in settings
        with pytest.raises(ReplyscopeError, match="not an address"):
            await targets.take(
                chat.desk.conversation, ProviderChoice(ProviderKind.URL, "http://[::1")
            )


async def test_a_new_session_is_there_before_the_draft_of_the_old_one_is_saved(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "first")
        await until(pilot, lambda: is_idle(pilot) and "stop" in frame(pilot))
        old = chat_of(pilot).desk.conversation
        blocker = sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")  # nothing can be saved now
        await pilot.press(*"left", "ctrl+n", *"second")
        assert chat_of(pilot).panes.composer.text == "second"
        blocker.rollback()
        blocker.close()
        await until(pilot, lambda: old.session.draft == "left")


@pytest.mark.parametrize("before", ["left", "sent\r"])
async def test_keys_around_that_of_a_new_session_go_where_they_belong(
    server: LoopbackServer, tmp_path: Path, before: str
) -> None:
    """All come at once, as they do when frames of a flood kept them waiting."""
    over = threading.Event()
    server.answer = lambda request: Answer(
        chunks=(
            [sse(delta("half"), done=False)[0], over] if "flood" in str(request) else reply().chunks
        )
    )
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "flood")
        await until(pilot, lambda: "half" in frame(pilot))
        chat = chat_of(pilot)
        old = chat.desk.conversation
        for character in f"{before}\x0enew\r":
            key = {"\r": "enter", "\x0e": "ctrl+n"}.get(character, character)
            pilot.app.post_message(Key(key, character if character.isalpha() else None))
        await until(pilot, lambda: len(server.requests) == 2)
        assert chat.desk.conversation is not old
        said = [message["content"] for message in server.requests[1]["messages"]]
        assert said == ["new"]
        assert ("1 queued" in chat.desk.pending.describe(old.session.id)) == (before == "sent\r")
        await until(pilot, lambda: before != "left" or old.session.draft == "left")
        over.set()


async def test_a_message_with_a_key_in_it_is_sent_only_when_the_person_says_so(
    server: LoopbackServer, tmp_path: Path
) -> None:
    text = "why does sk-proj-abcDEF123456ghi not work"
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        for choice, is_sent in (("escape", False), ("enter", False), ("down", True)):
            chat_of(pilot).panes.composer.replace_text("")
            await send(pilot, text)
            await until(pilot, lambda: "contains an API key" in frame(pilot))
            assert "abcDEF" not in frame(pilot).partition("contains an API key")[2]
            await pilot.press(*(("down", "enter") if is_sent else (choice,)))
            await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
            if not is_sent:
                assert chat_of(pilot).panes.composer.text == text
                assert server.requests == []
        await until(pilot, lambda: bool(server.requests) and is_idle(pilot))
        assert server.requests[-1]["messages"][-1]["content"] == text
        assert chat_of(pilot).panes.composer.text == ""


async def test_a_key_in_an_attachment_is_noticed_and_the_attachment_kept(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("ghp_0123456789abcdefABCDEF0123456789abcd")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat_of(pilot).groups.writing.attach_file(str(tmp_path / "notes.txt"))
        await send(pilot, "read it")
        await until(pilot, lambda: "contains an API key" in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert "notes.txt" in frame(pilot)
        assert server.requests == []

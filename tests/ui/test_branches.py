"""Choices, retries, edits and forks as a person sees them."""

import json
import threading
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from replyscope.domain.session import Parameters, SessionSettings
from replyscope.ui.chat.stored_replies_dialog import RemoteScreen
from replyscope.ui.dialogs.small import LineDialog
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send


def choice(index: int, text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    chunk = delta(text, finish=finish)
    chunk["choices"][0]["index"] = index
    return chunk


def numbered(server: LoopbackServer) -> None:
    server.answer = lambda _request: reply(f"reply number {len(server.requests)}")


async def ask_and_wait(pilot: Pilot[None], text: str) -> None:
    await send(pilot, text)
    await until(pilot, lambda: is_idle(pilot))
    await pilot.press("escape")


async def test_choices_are_tabs_of_one_reply_each_with_its_own_ending(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: Answer(
        chunks=sse(
            choice(0, "the first answer"),
            choice(1, "the second answer"),
            choice(0, finish="stop"),
            choice(1, finish="length"),
            usage(),
        )
    )
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        chat.desk.conversation.session = chat.desk.archive.new(
            SessionSettings(parameters=Parameters(n=2))
        ).session
        await ask_and_wait(pilot, "two, please")
        assert "the first answer" in frame(pilot)
        assert "1 ●   2 ●" in frame(pilot)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "the second answer" in frame(pilot))
        assert "the first answer" not in frame(pilot)
        await until(pilot, lambda: "cut off at the limit" in frame(pilot))
        server.answer = lambda _request: reply("carried on")
        chat.panes.composer.focus()
        await send(pilot, "go on")
        await until(pilot, lambda: "carried on" in frame(pilot))
    said = [m["content"] for m in server.requests[1]["messages"]]
    assert said == ["two, please", "the second answer", "go on"]


async def test_choices_that_never_arrived_are_stopped_too(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(choice(0, "the first"), done=False), gate])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        chat.desk.conversation.session = chat.desk.archive.new(
            SessionSettings(parameters=Parameters(n=3))
        ).session
        await send(pilot, "three, please")
        await until(pilot, lambda: "the first" in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: is_idle(pilot))
        gate.set()
        await pilot.press("escape", "right_square_bracket")
        await until(pilot, lambda: "You stopped this reply" in frame(pilot))
        assert "the first" not in frame(pilot)
        assert "/retry" in frame(pilot)
        assert "● cancelled" in frame(pilot)


async def test_retry_keeps_the_earlier_reply_beside_the_new_one(
    server: LoopbackServer, tmp_path: Path
) -> None:
    numbered(server)
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "hi")
        await pilot.press("r", "r")
        await until(pilot, lambda: "reply number 2" in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "reply number 1" in frame(pilot))
        chat_of(pilot).panes.composer.focus()
        await send(pilot, "/retry other-model")
        await until(pilot, lambda: "reply number 3" in frame(pilot))
    assert [request["model"] for request in server.requests] == [
        "test-model",
        "test-model",
        "other-model",
    ]


async def test_each_exchange_of_a_continued_reply_can_be_inspected(
    server: LoopbackServer, tmp_path: Path
) -> None:
    def priced(text: str, finish: str, dollars: float) -> Answer:
        cost = usage()
        cost["usage"]["cost"] = dollars
        return Answer(chunks=sse(delta(text), delta(finish=finish), cost))

    server.answer = lambda _request: priced("half ", "length", 0.25)
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "go on and on")
        server.answer = lambda _request: priced("whole", "stop", 0.5)
        await pilot.press("c", "c")
        await until(pilot, lambda: "half whole" in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        await until(pilot, lambda: "exchange 2 of 2" in frame(pilot))
        assert "$0.50 reported" in frame(pilot)
        assert "total cost $0.75" in frame(pilot)
        assert "The reply was cut" not in frame(pilot)
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "exchange 1 of 2" in frame(pilot))
        assert "The reply was cut" in frame(pilot)


async def test_an_edited_message_stands_beside_the_old_one(
    server: LoopbackServer, tmp_path: Path
) -> None:
    numbered(server)
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "first wording")
        await pilot.press("k", "e")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "first wording")
        assert "edits an earlier message" in frame(pilot)
        chat_of(pilot).panes.composer.replace_text("second wording")
        await pilot.press("enter")
        await until(pilot, lambda: "reply number 2" in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        shown = [m.text for m in chat_of(pilot).desk.conversation.read_messages()]
        assert shown == ["second wording", "reply number 2"]
        await pilot.press("escape", "k", "left_square_bracket")
        await until(pilot, lambda: "reply number 1" in frame(pilot))
    assert [m["content"] for m in server.requests[1]["messages"]] == ["second wording"]


async def test_an_edit_is_given_up_with_escape(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "hello")
        await pilot.press("k", "e")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "hello")
        await pilot.press("escape")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "")
        assert "edits an earlier" not in frame(pilot)


async def test_a_reply_kept_by_the_provider_is_fetched_into_a_session(
    server: LoopbackServer, tmp_path: Path
) -> None:
    completion = {
        "id": "chatcmpl-7",
        "created": 1,
        "model": "test-model",
        "choices": [{"index": 0, "message": {"content": "kept there"}, "finish_reason": "stop"}],
    }
    asked = {"object": "list", "data": [{"id": "m", "role": "user", "content": "an old question"}]}
    for path, body in (("", completion), ("/messages", asked)):
        server.routes["GET", f"/chat/completions/chatcmpl-7{path}"] = Answer(
            content_type="application/json", chunks=[json.dumps(body).encode()]
        )
    async with open_chat(
        make_app(tmp_path, server.base_url), size=SIZE, notifications=True
    ) as pilot:
        await send(pilot, "/responses")
        await until(pilot, lambda: isinstance(pilot.app.screen, RemoteScreen))
        pilot.app.screen.query_one(Input).value = "chatcmpl-7"
        await pilot.press("enter")
        await until(pilot, lambda: "kept there" in frame(pilot))
        assert "an old question" in frame(pilot)


async def test_metadata_of_a_kept_reply_is_replaced(server: LoopbackServer, tmp_path: Path) -> None:
    path = "/chat/completions/chatcmpl-7"
    done = Answer(content_type="application/json", chunks=[b'{"id": "chatcmpl-7", "choices": []}'])
    server.routes["POST", path] = done
    async with open_chat(
        make_app(tmp_path, server.base_url), size=SIZE, notifications=True
    ) as pilot:
        await send(pilot, "/responses")
        await until(pilot, lambda: isinstance(pilot.app.screen, RemoteScreen))
        pilot.app.screen.query_one(Input).value = "chatcmpl-7"
        await pilot.press("ctrl+e")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        await pilot.press(*"team=blue")
        await pilot.press("enter")
        await until(pilot, lambda: "has new metadata" in frame(pilot))
    assert json.loads(server.bodies[-1]) == {"metadata": {"team": "blue"}}


async def test_a_fork_begins_with_the_same_replies_and_goes_its_own_way(
    server: LoopbackServer, tmp_path: Path
) -> None:
    numbered(server)
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "one")
        first = chat_of(pilot).desk.conversation.session.id
        await pilot.press("F")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.session.id != first)
        assert "reply number 1" in frame(pilot)
        await until(pilot, lambda: "● stop" in frame(pilot))
        await send(pilot, "two")
        await until(pilot, lambda: "reply number 2" in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        chat_of(pilot).groups.sessions.open_session(first)
        await until(pilot, lambda: chat_of(pilot).desk.conversation.session.id == first)
        assert len(chat_of(pilot).desk.conversation.messages) == 2
    said = [m["content"] for m in server.requests[1]["messages"]]
    assert said == ["one", "reply number 1", "two"]

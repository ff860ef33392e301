"""The view of the next request, in the app."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import OptionList, TextArea

from replyscope.domain.message import Message, Role, TextPart
from replyscope.domain.session import Session, SessionSettings
from replyscope.ui.chat.context_dialog import ContextDialog
from replyscope.ui.chat.request_screen import RequestScreen
from replyscope.ui.dialogs.edit_dialog import EditDialog
from tests.support.build import NOON
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage
from tests.ui.app import chat_of, frame, make_app, make_services, open_chat, until
from tests.ui.test_branches import ask_and_wait
from tests.ui.test_chat import SIZE, is_idle, send

LONG = 1_000


async def open_context(pilot: Pilot[None]) -> ContextDialog:
    await send(pilot, "/context")
    await until(pilot, lambda: isinstance(pilot.app.screen, ContextDialog), "the view")
    dialog = pilot.app.screen
    assert isinstance(dialog, ContextDialog)
    return dialog


def messages_of(request: dict[str, Any]) -> list[str]:
    return [entry["content"] for entry in request["messages"]]


async def test_the_view_shows_the_parts_and_the_exact_request(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("Hello")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "hi there")
        chat = chat_of(pilot)
        chat.panes.composer.replace_text("my draft")
        await pilot.press("C")
        await until(pilot, lambda: isinstance(pilot.app.screen, ContextDialog), "the view")
        await until(pilot, lambda: "my draft" in frame(pilot))
        screen = frame(pilot)
        assert "scaled by the usage of the last reply" in screen
        assert "The context window is unknown." in screen
        for words in ("you: hi there", "reply: Hello", "draft", "messages"):
            assert words in screen
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestScreen), "the request")
        assert f"POST {server.base_url}/chat/completions" in frame(pilot)
        await pilot.press("c")
        assert pilot.app.clipboard.startswith("curl ")
        await pilot.press("p")
        assert "client.chat.completions.create" in pilot.app.clipboard
        await pilot.press("y")
        body = json.loads(pilot.app.clipboard)
        assert messages_of(body) == ["hi there", "Hello", "my draft"]
        await pilot.press("escape", "escape")
        assert len(server.requests) == 1
        assert chat.panes.composer.text == "my draft"


async def test_the_server_counts_only_on_request_and_a_refusal_is_said(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "hi")
        chat_of(pilot).panes.composer.focus()
        dialog = await open_context(pilot)
        dialog._is_loading, sent = True, len(server.paths)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "The tools are still loading." in frame(pilot))
        assert len(server.paths) == sent
        dialog._is_loading = False
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "does not count tokens" in frame(pilot))
        server.routes["POST", "/responses/input_tokens"] = Answer(
            content_type="application/json", chunks=[b'{"input_tokens": 4321}']
        )
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "4,321 tokens" in frame(pilot))
        assert "measured: counted by the server" in frame(pilot)


async def test_a_message_is_left_out_and_pinned_by_keys(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "first")
        await pilot.press("p")
        await until(pilot, lambda: "test-model  pinned" in frame(pilot))
        await pilot.press("k", "x")
        await until(pilot, lambda: "you  left out" in frame(pilot))
        chat_of(pilot).panes.composer.focus()
        await send(pilot, "second")
        await until(pilot, lambda: "reply 2" in frame(pilot))
        await until(pilot, lambda: not chat_of(pilot).desk.turns.any_running)
        dialog = await open_context(pilot)
        assert "you: first" in frame(pilot)
        assert "(left out)" in frame(pilot)
        dialog.query_one(OptionList).highlighted = 0
        await pilot.press("ctrl+x")
        await until(pilot, lambda: "(left out)" not in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert chat_of(pilot).panes.message_at_cursor() == dialog._next.conversation.messages[0]
        chat_of(pilot).panes.composer.focus()
        await send(pilot, "third")
        await until(pilot, lambda: "reply 3" in frame(pilot))
    assert messages_of(server.requests[1]) == ["reply 1", "second"]
    assert messages_of(server.requests[2])[:2] == ["first", "reply 1"]


async def test_a_long_session_is_listed_by_windows(server: LoopbackServer, tmp_path: Path) -> None:
    services = make_services(tmp_path, server.base_url)
    await services.open_store()
    store = services.archive._store
    session = Session("s", "long", NOON, NOON, SessionSettings(), is_title_given=True)
    await store.create_session(session)
    before = None
    for number in range(LONG):
        role = Role.USER
        message = Message(f"m{number}", role, (TextPart(f"text {number}"),), NOON, before)
        await store.add_message("s", message)
        before = message.id
    await services.close()
    app = make_app(tmp_path, server.base_url, session_id="s")
    async with open_chat(app, size=SIZE) as pilot:
        await until(pilot, lambda: len(chat_of(pilot).desk.conversation.messages) == LONG)
        chat_of(pilot).panes.composer.focus()
        start = time.perf_counter()
        dialog = await open_context(pilot)
        took_s = time.perf_counter() - start
        assert took_s < 5  # the benchmark measures it; this finds what grows by the square
        rows = dialog.query_one(OptionList)
        assert rows.option_count < LONG
        assert "text 0" in frame(pilot)
        await pilot.press("end")
        await until(pilot, lambda: f"text {LONG - 1}" in frame(pilot))
        for letter in "999":
            await pilot.press(letter)
        await until(pilot, lambda: rows.option_count == 1)


async def test_a_summary_is_edited_before_the_session_goes_on_from_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "first")
        chat = chat_of(pilot)
        chat.panes.composer.focus()
        await send(pilot, "/compact")
        await until(pilot, lambda: "a summary by test-model: ≈" in frame(pilot))
        assert "POST /responses/compact" not in frame(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, EditDialog), "the summary")
        assert "12 tokens, cost unknown" in frame(pilot)
        pilot.app.screen.query_one(TextArea).text = "They said hello."
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "They said hello." in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        assert [m.text for m in chat.desk.conversation.messages] == [
            "Summary of the conversation so far:\n\nThey said hello."
        ]
        await pilot.press("escape", "left_square_bracket")
        await until(pilot, lambda: "Summarise this conversation" in frame(pilot))
        assert "reply 1" in frame(pilot)


async def test_the_status_line_does_not_count_the_branch_before_a_summary(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE) as pilot:
        await ask_and_wait(pilot, "first")
        chat = chat_of(pilot)
        await pilot.press("p")
        await until(pilot, lambda: len(chat.desk.conversation.session.settings.pinned) == 1)
        assert chat.panes.status().context_used == 12
        chat.panes.composer.focus()
        await send(pilot, "/compact test-model")
        await until(pilot, lambda: isinstance(pilot.app.screen, EditDialog))
        await pilot.press("enter")
        await until(pilot, lambda: "Compacted." in frame(pilot))
        assert chat.panes.status().context_used is None
        chat.panes.composer.focus()
        await send(pilot, "second")
        await until(pilot, lambda: chat.panes.status().context_used == 12)


async def test_a_small_terminal_still_lists_the_messages(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=(30, 6)) as pilot:
        await ask_and_wait(pilot, "first")
        await pilot.press("C")
        await until(pilot, lambda: isinstance(pilot.app.screen, ContextDialog), "the view")
        await until(pilot, lambda: "you: first" in frame(pilot), "the list")


async def test_a_summary_that_is_not_wanted_changes_nothing(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "first")
        chat = chat_of(pilot)
        before = list(chat.desk.conversation.messages)
        chat.panes.composer.focus()
        await send(pilot, "/compact other-model")
        await until(pilot, lambda: isinstance(pilot.app.screen, EditDialog), "the summary")
        await pilot.press("escape")
        await until(pilot, lambda: "Not compacted." in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        assert chat.desk.conversation.messages == before
        assert "Summarise this conversation" not in frame(pilot)
        server.answer = lambda _request: error(500, "overloaded")
        await send(pilot, "/compact other-model")
        await until(pilot, lambda: "There is no summary" in frame(pilot))
        assert chat.desk.conversation.messages == before
    assert server.requests[1]["model"] == "other-model"


async def test_the_difference_to_the_request_before_is_shown(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "first")
        chat = chat_of(pilot)
        settings = chat.desk.conversation.session.settings
        chat.desk.conversation.change_settings(replace(settings, system="Be \x1b[31mbrief."))
        chat.panes.composer.focus()
        await ask_and_wait(pilot, "second")
        await pilot.press("K")
        await until(pilot, lambda: "First difference: the system prompt" in frame(pilot))
        assert "+" in frame(pilot)
        assert "\x1b" not in frame(pilot)


async def test_the_inspector_says_that_the_cache_was_missed(
    server: LoopbackServer, tmp_path: Path
) -> None:
    def cached(prompt: int, tokens: int) -> Answer:
        counts = usage(prompt=prompt)
        counts["usage"]["prompt_tokens_details"] = {"cached_tokens": tokens}
        return Answer(chunks=sse(delta("Hello"), delta(finish="stop"), counts))

    server.answer = lambda _request: cached(5_000, 0)
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_wait(pilot, "first")
        assert "[K] why" not in frame(pilot)
        chat_of(pilot).panes.composer.focus()
        server.answer = lambda _request: cached(5_100, 1_024)
        await ask_and_wait(pilot, "second")
        await until(pilot, lambda: "cached 1,024 of 5,000" in frame(pilot))
        assert "[K] why" in frame(pilot)
        chat_of(pilot).panes.composer.focus()
        server.answer = lambda _request: cached(5_200, 5_056)
        await ask_and_wait(pilot, "third")
        await until(pilot, lambda: "[K] why" not in frame(pilot))

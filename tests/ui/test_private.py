"""Private sessions as a person meets them: the marks, the list, the question when leaving."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from replyscope.domain.errors import ProviderError
from replyscope.domain.failure import Failure
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.ui.chat.sidebar import Sidebar
from replyscope.ui.dialogs.small import PickDialog
from replyscope.ui.review.screen import ReviewScreen
from tests.engine.test_tools import asks, in_turn
from tests.hostile.held import texts_of
from tests.support.server import Answer, LoopbackServer, delta, reply, sse
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, is_shown, send, type_text
from tests.ui.test_tools import app_with_files, card_of, press_when_ready

WORD = "zebrafinch"


async def go_private(pilot: Pilot[None]) -> None:
    await send(pilot, "/private")
    await until(pilot, lambda: chat_of(pilot).desk.conversation.is_private, "a private session")


async def talk(pilot: Pilot[None], text: str) -> None:
    await send(pilot, text)
    await until(pilot, lambda: is_idle(pilot) and "● stop" in frame(pilot), "the reply")


async def talk_in_both(pilot: Pilot[None]) -> None:
    """Say something in an ordinary session, and the word in a private one."""
    await talk(pilot, "in the open")
    await go_private(pilot)
    await talk(pilot, WORD)


async def open_first(pilot: Pilot[None]) -> None:
    """Open the first session of the list."""
    await pilot.press("ctrl+o", "home", "enter")


def shown_status(pilot: Pilot[None]) -> str:
    """The status line as the screen has it: the line with the word of the mode."""
    (line,) = [line for line in frame(pilot).splitlines() if " WRITE  " in line]
    return line[line.index("WRITE  ") :]


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (50, 20), (80, 12)])
async def test_a_private_session_says_so_all_the_time(
    size: tuple[int, int], server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=size) as pilot:
        await go_private(pilot)
        assert "private: nothing of this session" in frame(pilot)
        assert shown_status(pilot).startswith("WRITE  private · test-model")
        await talk(pilot, WORD)
        await type_text(pilot, "more")
        assert shown_status(pilot).startswith("WRITE  private · test-model")
        if size[1] >= 14:
            assert "╭─ private ─" in frame(pilot)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "type a message" in frame(pilot))
        await until(pilot, lambda: shown_status(pilot).startswith("WRITE  test-model"))
        assert "private ·" not in shown_status(pilot)
        assert "─ private ─" not in frame(pilot)


async def test_it_is_in_the_list_and_is_there_when_it_is_opened_again(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await talk_in_both(pilot)
        await send(pilot, "/rename the finch")
        await type_text(pilot, "half a thought")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "Private · not saved" in frame(pilot), "its place")
        await open_first(pilot)
        await until(pilot, lambda: WORD in frame(pilot), "the private session")
        chat = chat_of(pilot)
        assert chat.panes.composer.text == "half a thought"
        assert chat.desk.conversation.session.title == "the finch"
        await pilot.press("f7")
        await until(pilot, lambda: "▸ request" in frame(pilot), "the wire")
        await pilot.press("home", "enter")
        await until(pilot, lambda: f'"content": "{WORD}"' in frame(pilot), "the wire")
        await pilot.press("ctrl+up", "L")
        await until(pilot, lambda: chat.groups.reading.inspector.tab == "time", "the timeline")
    database = tmp_path / "sessions.db"
    assert "in the open" in texts_of(database)
    assert not [word for word in (WORD, "finch", "half a thought") if word in texts_of(database)]


async def test_leaving_asks_once_and_again_when_more_was_said(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        await go_private(pilot)
        await talk(pilot, WORD)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "private, and gone for good" in frame(pilot), "the question")
        assert f"“{WORD}”" in frame(pilot)
        await talk(pilot, "and more")
        await until(pilot, lambda: len(server.requests) == 2 and is_idle(pilot))
        await pilot.press("ctrl+q")
        await pilot.pause(0.2)
        assert app.is_running
        assert not chat_of(pilot).desk.is_leaving
        await pilot.press("ctrl+q")
        await until(pilot, lambda: chat_of(pilot).desk.is_leaving, "leaving")


async def test_a_reply_that_streams_is_not_stopped_by_the_question(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(
        chunks=[*sse(delta("half"), done=False), gate, *sse(delta(" whole"), delta(finish="stop"))]
    )
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await go_private(pilot)
        await send(pilot, WORD)
        await until(pilot, lambda: "half" in frame(pilot))
        await pilot.press("ctrl+q")
        await pilot.pause(0.2)
        gate.set()
        await until(pilot, lambda: "half whole" in frame(pilot), "the rest")


async def test_leaving_an_empty_private_session_does_not_ask(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await go_private(pilot)
        await type_text(pilot, "only a draft")
        await pilot.pause(1.0)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: chat_of(pilot).desk.is_leaving, "leaving")


async def test_a_fork_of_it_is_private_too(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await go_private(pilot)
        await talk(pilot, WORD)
        await send(pilot, "/fork")
        await until(pilot, lambda: "(fork)" in chat_of(pilot).desk.conversation.session.title)
        assert "╭─ private ─" in frame(pilot)
        await talk(pilot, "and on")
        await until(pilot, lambda: len(server.requests) == 2 and is_idle(pilot))
        listed = await chat_of(pilot).desk.archive.list_sessions()
        assert [s.is_private for s in listed] == [True, True]
    assert WORD not in texts_of(tmp_path / "sessions.db")


async def test_its_prompts_are_offered_in_private_sessions_alone(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await talk_in_both(pilot)
        composer = chat_of(pilot).panes.composer
        await pilot.press("up")
        assert composer.text == WORD
        await pilot.press("up")
        assert composer.text == "in the open"
        await pilot.press("ctrl+n")
        await pilot.press("up")
        assert composer.text == "in the open"
        await pilot.press("up", "down", "down")
        assert composer.text == ""
    assert WORD not in texts_of(tmp_path / "sessions.db")


async def test_an_ordinary_session_begun_from_it_takes_nothing_of_it_along(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("some notes")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        chat.panes.show_conversation(chat.desk.archive.new(SessionSettings(system="Be brief.")))
        await go_private(pilot)
        assert chat.desk.conversation.session.settings.system == "Be brief."
        secret = SessionSettings(system=WORD, parameters=Parameters(metadata=(("k", WORD),)))
        chat.panes.show_conversation(chat.desk.archive.new(secret, is_private=True))
        chat.groups.writing.attach_file("notes.txt")
        await pilot.press("ctrl+n")
        assert not chat.desk.conversation.is_private
        assert chat.desk.conversation.session.settings == SessionSettings(system="Be brief.")
        assert chat.desk.pending.attachments == []
        await talk(pilot, "in the open")
    assert WORD not in texts_of(tmp_path / "sessions.db")


async def test_what_was_attached_to_a_failed_private_message_stays_with_its_session(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("some notes")
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE) as pilot:
        chat = chat_of(pilot)
        gate = threading.Event()

        async def never(_endpoint: Any) -> Any:
            while not gate.is_set():
                await pilot.pause(0.01)
            raise ProviderError(Failure("connection", "Nobody is there.", ""))

        chat.desk.services.open_provider = never
        await go_private(pilot)
        private = chat.desk.conversation
        chat.groups.writing.attach_file("notes.txt")
        await send(pilot, WORD)
        await pilot.press("ctrl+n")
        gate.set()
        await until(pilot, lambda: not chat.desk.turns.any_running, "the failure")
        await pilot.pause(0.1)
        assert chat.desk.pending.attachments == []
        assert chat.panes.composer.text == ""
        chat.panes.show_conversation(private)
        assert [part.name for part in chat.desk.pending.attachments] == ["notes.txt"]
        assert chat.panes.composer.text == WORD


async def test_deleting_it_asks_and_then_it_is_gone(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await go_private(pilot)
        await talk(pilot, WORD)
        chat = chat_of(pilot)
        for keys, count in ((["enter"], 1), (["down", "enter"], 0)):
            await send(pilot, "/delete")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog), "the question")
            await pilot.press(*keys)
            await until(pilot, lambda: pilot.app.screen is chat)
            await pilot.pause(0.1)
            assert len(await chat.desk.archive.list_sessions()) == count
        assert not chat.desk.conversation.is_private
        assert not len(chat.desk.services.undo)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: chat.desk.is_leaving, "leaving, unasked")


async def test_the_list_begins_one_with_a_key(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("ctrl+o")
        assert isinstance(pilot.app.focused, Sidebar)
        await pilot.press("p")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.is_private)
        assert chat_of(pilot).panes.composer.has_focus


async def test_the_review_does_not_find_it(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await talk_in_both(pilot)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen), "the review")
        await until(pilot, lambda: "in the open" in frame(pilot), "the ordinary reply")
        assert WORD not in frame(pilot)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: is_shown(pilot, WORD), "the private session again")


async def test_asking_several_models_stays_private(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await go_private(pilot)
        await talk(pilot, WORD)
        await send(pilot, "/compare model-a model-b")
        await until(pilot, lambda: len(server.requests) == 3 and is_idle(pilot))
        await until(pilot, lambda: pilot.app.screen is not chat_of(pilot), "the comparison")
    held = texts_of(tmp_path / "sessions.db")
    assert not [word for word in (WORD, "model-a") if word in held]


async def test_a_standing_rule_is_not_written_from_it(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    in_turn(server, asks(("read_file", json.dumps({"path": "a.txt"}))), reply("I have read it."))
    app = app_with_files(tmp_path, server)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        await go_private(pilot)
        chat = chat_of(pilot)
        told: list[Any] = []
        chat.desk.services.change_settings = told.append
        settings = SessionSettings(tools=("read_file",))
        chat.panes.show_conversation(chat.desk.archive.new(settings, is_private=True))
        await send(pilot, WORD)
        await press_when_ready(pilot, "a")
        await until(pilot, lambda: "Private sessions cannot save rules" in frame(pilot), "why not")
        assert card_of(pilot).display
        await press_when_ready(pilot, "s")
        await until(pilot, lambda: "I have read it." in frame(pilot))
        assert told == []


async def test_nothing_is_handed_to_an_editor_or_the_desktop(
    server: LoopbackServer, tmp_path: Path
) -> None:
    shown: list[str] = []
    edited: list[str] = []

    def edit(text: str) -> str:
        edited.append(text)
        return text

    app = make_app(tmp_path, server.base_url, edit_text=edit, notify_desktop=shown.append)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        await go_private(pilot)
        await type_text(pilot, WORD)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "An editor is given a file" in frame(pilot), "why not")
        assert edited == []
        chat = chat_of(pilot)
        object.__setattr__(chat.desk.services.settings, "desktop_notification", True)
        gate = threading.Event()
        server.answer = lambda _request: Answer(chunks=[gate, *sse(delta(finish="stop"))])
        await pilot.press("enter")
        await until(pilot, lambda: server.requests, "the request")
        pilot.app.app_focus = False
        gate.set()
        await until(pilot, lambda: bool(shown), "the notification")
        assert shown == ["reply done: private"]


async def test_a_file_is_written_when_it_is_asked_for_and_says_so(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await go_private(pilot)
        await talk(pilot, WORD)
        await send(pilot, "/export")
        await until(pilot, lambda: "This session is private" in frame(pilot), "the note")
        await pilot.press(*"jsonl", "enter")
        await until(pilot, lambda: "Export to file" in frame(pilot), "where to")
        await pilot.press("enter")
        await until(pilot, lambda: bool(list(tmp_path.glob("*.jsonl"))), "the file")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot), "the end of the dialog")
    (path,) = tmp_path.glob("*.jsonl")
    assert WORD in path.read_text()


async def test_a_chat_that_saves_nothing_says_that_it_is_private_anyway(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url, saves=False)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        await send(pilot, "/private")
        await until(pilot, lambda: "Nothing of this chat is saved anyway" in frame(pilot))
        assert not chat_of(pilot).desk.conversation.is_private

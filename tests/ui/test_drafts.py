"""What was written but not sent is kept: text, attachments and cursor, each with its session."""

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.session import Draft, SessionSettings
from replyscope.ui.chat import panes
from tests.engine.test_tools import in_turn
from tests.hostile.held import texts_of
from tests.support.server import Answer, LoopbackServer, delta, reply, sse
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send, type_text

PASTE = "a long line of a paste\n" * 200
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
TEXT = "one\ntwo"


async def write_all(pilot: Pilot[None], folder: Path) -> None:
    """Write a message with everything that one can have."""
    (folder / "notes.txt").write_text("some notes")
    (folder / "dot.png").write_bytes(PNG)
    chat = chat_of(pilot)
    chat.groups.writing.attach_file("notes.txt")
    chat.groups.writing.attach_file("dot.png")
    chat.panes.composer.post_message(chat.panes.composer.PastedLarge(PASTE))
    await type_text(pilot, "one")
    await pilot.press("ctrl+j", *"two", "left", "left")
    await until(pilot, lambda: len(chat.desk.pending.attachments) == 3)


def is_whole(pilot: Pilot[None]) -> bool:
    """Whether the message of `write_all` stands in the composer, the cursor after its t."""
    chat = chat_of(pilot)
    names = [part.name for part in chat.desk.pending.attachments]
    return (
        chat.panes.composer.text == TEXT
        and chat.panes.composer.cursor_location == (1, 1)
        and names == ["notes.txt", "dot.png", "pasted-1.txt"]
    )


async def is_saved(pilot: Pilot[None]) -> None:
    """Wait until the draft is on disk."""
    chat = chat_of(pilot)
    store, session_id = chat.desk.services.sessions, chat.desk.conversation.session.id
    for _ in range(200):
        if not chat.desk.conversation.is_new:
            stored = await store.load_session(session_id)
            if stored.session.whole_draft == chat.groups.drafts.draft:
                return
        await pilot.pause(0.02)
    raise AssertionError("the draft was not saved")


async def leave(pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+q")
    await until(pilot, lambda: chat_of(pilot).desk.is_leaving)


async def test_the_whole_draft_is_there_after_quitting(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await write_all(pilot, tmp_path)
        await leave(pilot)
    again = make_app(tmp_path, server.base_url, opens_newest=True)
    async with open_chat(again, size=SIZE) as pilot:
        await until(pilot, lambda: is_whole(pilot), "the draft")
        assert "📎 notes.txt 10 B" in frame(pilot)
        notes, picture, paste = chat_of(pilot).desk.pending.attachments
        assert notes == FilePart("notes.txt", "some notes")
        assert picture == ImagePart("dot.png", "image/png", PNG)
        assert paste == FilePart("pasted-1.txt", PASTE)
        await send(pilot, " more")
        await until(pilot, lambda: is_idle(pilot) and server.requests)
        await leave(pilot)
    content = json.dumps(server.requests[0]["messages"][-1]["content"])
    assert "some notes" in content
    assert "image_url" in content
    assert "a long line of a paste" in content
    third = make_app(tmp_path, server.base_url, opens_newest=True)
    async with open_chat(third, size=SIZE) as pilot:
        await until(pilot, lambda: chat_of(pilot).desk.conversation.messages)
        assert chat_of(pilot).groups.drafts.draft == Draft()


async def test_a_draft_is_saved_while_it_is_written(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await write_all(pilot, tmp_path)
        await is_saved(pilot)
        await pilot.press("backspace", "left")
        await is_saved(pilot)
        chat_of(pilot).panes.composer.replace_text("")
        await pilot.press("backspace")  # takes the paste away
        await until(pilot, lambda: len(chat_of(pilot).desk.pending.attachments) == 2)
        await is_saved(pilot)


async def test_typing_on_does_not_put_the_saving_off(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        for _ in range(1_000):
            await pilot.press("x")
            if chat.desk.conversation.session.draft:
                break
        assert set(chat.desk.conversation.session.draft) == {"x"}


async def test_a_new_session_takes_nothing_of_the_old_ones_draft(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await write_all(pilot, tmp_path)
        old = chat.desk.conversation.session.id
        await pilot.press("ctrl+n")
        assert chat.groups.drafts.draft == Draft()
        assert "📎" not in frame(pilot)
        await send(pilot, "something else")
        await until(pilot, lambda: is_idle(pilot) and server.requests)
        assert server.requests[0]["messages"][-1]["content"] == "something else"
        chat.groups.sessions.open_session(old)
        await until(pilot, lambda: is_whole(pilot), "the draft")


async def test_a_fork_takes_nothing_of_the_draft_and_leaves_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot) and server.requests)
        old = chat.desk.conversation.session.id
        await write_all(pilot, tmp_path)
        chat.groups.branches.fork()
        await until(pilot, lambda: chat.desk.conversation.session.id != old)
        assert chat.groups.drafts.draft == Draft()
        chat.groups.sessions.open_session(old)
        await until(pilot, lambda: is_whole(pilot), "the draft")


async def test_what_is_queued_with_its_files_is_kept_when_leaving(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("half"), done=False), gate])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "begin")
        await until(pilot, lambda: "half" in frame(pilot))
        (tmp_path / "first.txt").write_text("first")
        chat_of(pilot).groups.writing.attach_file("first.txt")
        await send(pilot, "queued")
        await until(pilot, lambda: "1 queued" in frame(pilot))
        await write_all(pilot, tmp_path)
        await leave(pilot)
        gate.set()
    again = make_app(tmp_path, server.base_url, opens_newest=True)
    async with open_chat(again, size=SIZE) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.panes.composer.text == f"queued\n\n{TEXT}", "the draft")
        names = [part.name for part in chat.desk.pending.attachments]
        assert names == ["first.txt", "notes.txt", "dot.png", "pasted-1.txt"]
        assert chat.panes.composer.cursor_location == (3, 1)


async def test_what_is_written_while_a_message_goes_out_is_kept(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[gate, *reply("late").chunks])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "begin")
        await write_all(pilot, tmp_path)
        await until(pilot, lambda: server.requests)
        await is_saved(pilot)
        assert chat_of(pilot).desk.conversation.session.draft == TEXT
        gate.set()
        await until(pilot, lambda: is_idle(pilot))
        await is_saved(pilot)
        assert is_whole(pilot)


async def test_a_prompt_that_is_only_looked_at_is_no_draft(
    server: LoopbackServer, tmp_path: Path
) -> None:
    in_turn(server, reply("One."), reply("Two."))
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "sent before")
        await until(pilot, lambda: is_idle(pilot) and server.requests)
        await type_text(pilot, "mine")
        await pilot.press("up")
        assert chat.panes.composer.text == "sent before"
        assert chat.groups.drafts.draft == Draft("mine")
        await pilot.press("x")
        assert chat.groups.drafts.draft.text == "sent beforex"


async def test_a_second_paste_does_not_replace_a_restored_one(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await write_all(pilot, tmp_path)
        await leave(pilot)
    again = make_app(tmp_path, server.base_url, opens_newest=True)
    async with open_chat(again, size=SIZE) as pilot:
        await until(pilot, lambda: is_whole(pilot))
        chat = chat_of(pilot)
        chat.panes.composer.post_message(chat.panes.composer.PastedLarge("another" * 1_000))
        await until(pilot, lambda: len(chat.desk.pending.attachments) == 4)
        assert chat.desk.pending.attachments[-1].name == "pasted-2.txt"


async def test_a_private_draft_is_never_written(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "in the open")
        await until(pilot, lambda: is_idle(pilot) and server.requests)
        chat.panes.show_conversation(chat.desk.archive.new(SessionSettings(), is_private=True))
        await write_all(pilot, tmp_path)
        private = chat.desk.conversation
        await until(
            pilot, lambda: private.session.whole_draft == chat.groups.drafts.draft, "the draft"
        )
        await pilot.press("ctrl+n")
        assert chat.groups.drafts.draft == Draft()
        await pilot.press("ctrl+q", "ctrl+q")
        await until(pilot, lambda: chat.desk.is_leaving)
    held = texts_of(tmp_path / "sessions.db")
    assert "in the open" in held
    assert not [word for word in ("notes", "pasted", "two", "dot.png") if word in held]
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as connection:
        assert connection.execute("SELECT count(*) FROM draft").fetchone() == (0,)


async def test_a_command_that_is_typed_makes_no_session(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await type_text(pilot, "/priv")
        await chat.groups.drafts.save()
        assert chat.desk.conversation.is_new
        assert await chat.desk.archive.list_sessions() == ()
        await type_text(pilot, "ate")
        chat.panes.composer.replace_text("/ is the root\nof all")
        await chat.groups.drafts.save()
        assert len(await chat.desk.archive.list_sessions()) == 1


async def test_the_key_of_a_new_session_waits_for_no_deadline(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panes, "SETTLE_S", 3_600)
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        old = chat_of(pilot).desk.conversation
        await pilot.press("ctrl+n")
        await until(pilot, lambda: chat_of(pilot).desk.conversation is not old, "a new session")


async def test_a_session_whose_only_draft_was_removed_is_not_kept(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await type_text(pilot, "never mind")
        await is_saved(pilot)
        await pilot.press("ctrl+u")
        await leave(pilot)
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        assert await chat_of(pilot).desk.archive.list_sessions() == ()

"""The stash of half-written messages, and quotes."""

from pathlib import Path

from replyscope.domain.message import FilePart
from replyscope.domain.ports import Clock
from replyscope.domain.session import Draft, SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.quoting import quoted
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send


async def test_the_stash_is_a_stack_that_survives_and_goes_with_its_session(
    store: SqliteStore, clock: Clock
) -> None:
    archive = Archive(store, clock, Ids())
    conversation = archive.new(SessionSettings())
    await conversation.push_stash(Draft("one", (FilePart("a.txt", "A"),), 2))
    await conversation.push_stash(Draft("two"))
    again = await Archive(store, clock, Ids(50)).open(conversation.session.id)
    assert again.session.stashed == 2
    assert await again.pop_stash() == Draft("two")
    assert await again.pop_stash() == Draft("one", (FilePart("a.txt", "A"),), 2)
    assert await again.pop_stash() is None
    assert again.session.stashed == 0


async def test_ctrl_s_stashes_and_takes_back_also_after_a_restart(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        await pilot.press(*"half a thought", "ctrl+s")
        await until(pilot, lambda: "1 stashed" in frame(pilot))
        assert composer.text == ""
        await send(pilot, "quick question")
        await until(pilot, lambda: is_idle(pilot))
    app = make_app(tmp_path, server.base_url, opens_newest=True)
    async with open_chat(app, size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        await until(pilot, lambda: "1 stashed" in frame(pilot))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: composer.text == "half a thought")
        assert "stashed" not in frame(pilot)
        await pilot.press("ctrl+a", "ctrl+k", *"/stash pop", "enter")
        await until(pilot, lambda: "The stash of this session is empty." in frame(pilot))


async def test_stashing_a_recalled_prompt_keeps_the_unsent_text(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot))
        await pilot.press(*"half", "up")
        assert chat.panes.composer.text == "hi"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "1 stashed" in frame(pilot))
        assert chat.panes.composer.text == "half"


async def test_a_draft_that_leaves_the_stash_is_saved_at_once(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        conversation = chat.desk.conversation
        file = FilePart("a.txt", "A")
        await conversation.push_stash(Draft("half", (file,)))
        await conversation.push_stash(Draft("other", (file,)))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: chat.panes.composer.text == "other")
        await pilot.app.workers.wait_for_complete()
        again = await chat.desk.archive.open(conversation.session.id)
        assert again.session.whole_draft.text == "other"
        chat.groups.stash.stash("pop")
        chat.groups.drafts.turn_to(chat.desk.archive.new(SessionSettings()))
        await pilot.app.workers.wait_for_complete()
        again = await chat.desk.archive.open(conversation.session.id)
        assert again.session.draft_attachments == (file,)
        assert "half" in again.session.whole_draft.text


def test_each_line_of_a_quote_has_its_sign() -> None:
    assert quoted("one\n\ntwo\n") == "> one\n>\n> two\n\n"


async def test_q_quotes_the_message_and_the_selected_text(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot))
        await pilot.press(*"Well:", "escape", "q")
        await until(pilot, lambda: chat.panes.composer.text == "Well:\n\n> Hello world\n\n")
        chat.panes.composer.replace_text("")
        await pilot.press("escape")
        await pilot.pause()
        chat.panes.transcript.text_select_all()
        await pilot.press("q")
        await until(pilot, lambda: chat.panes.composer.text.startswith("> you\n> hi"))

"""All prompts ever sent are found again, by words and by misspelt words."""

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from replyscope.domain.message import FilePart, Message, Role, TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import Session, SessionSettings
from replyscope.domain.stores import SentPrompt
from replyscope.engine.archive import Archive
from replyscope.engine.prompt_search import PAGE, PromptSearch
from replyscope.store.memory_store import MemoryStore
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send

START = datetime(2026, 1, 1, tzinfo=UTC)


async def save(store: SqliteStore, session_id: str, *texts: str, first: int = 0) -> None:
    """A session whose messages are these, a minute apart."""
    await store.create_session(Session(session_id, f"About {session_id}", START, START))
    for number, text in enumerate(texts, start=first):
        at = START + timedelta(minutes=number)
        message = Message(f"{session_id}-{number}", Role.USER, (TextPart(text),), at)
        await store.add_message(session_id, message)


async def loaded(*stores: SqliteStore) -> PromptSearch:
    search = PromptSearch(stores)
    while await search.load_next():
        pass
    return search


def texts(found: list[SentPrompt]) -> list[str]:
    return [prompt.text for prompt in found]


async def test_prompts_have_all_words_and_the_newest_is_first(store: SqliteStore) -> None:
    await save(store, "one", "write an nginx config", "Explain Monads", "say hi")
    await save(store, "two", "write a haiku about nginx", "say hi", first=10)
    search = await loaded(store)
    assert texts(search.find("NGINX write")) == [
        "write a haiku about nginx",
        "write an nginx config",
    ]
    assert texts(search.find("")) == [
        *("say hi", "write a haiku about nginx", "Explain Monads", "write an nginx config")
    ]
    assert search.find("hi")[0].title == "About two"
    assert search.find("quantum") == []


async def test_a_misspelt_word_finds_its_prompt_after_the_exact_ones(store: SqliteStore) -> None:
    await save(store, "one", "explain kubernetes ingress", "what is a kubernets typo")
    search = await loaded(store)
    assert texts(search.find("kubernets")) == [
        "what is a kubernets typo",
        "explain kubernetes ingress",
    ]
    assert texts(search.find("kuberntes ingres")) == ["explain kubernetes ingress"]


async def test_deleted_and_private_sessions_are_left_out(store: SqliteStore, clock: Clock) -> None:
    private = MemoryStore("w")
    archive = Archive(store, clock, Ids(), private=private)
    await save(store, "open", "a saved prompt")
    await save(store, "gone", "a deleted prompt")
    await archive.delete("gone")
    await save(private, "secret", "a private prompt", first=5)
    found = archive.prompt_search(is_private=False)
    while await found.load_next():
        pass
    assert texts(found.find("prompt")) == ["a saved prompt"]
    inside = archive.prompt_search(is_private=True)
    while await inside.load_next():
        pass
    assert texts(inside.find("prompt")) == ["a private prompt", "a saved prompt"]
    await private.close()


async def test_the_text_beside_attachments_is_found(store: SqliteStore, clock: Clock) -> None:
    conversation = Archive(store, clock, Ids()).new(SessionSettings())
    await conversation.save_head()
    parts = (FilePart("notes.txt", "contents of the file"), TextPart("summarise the notes"))
    await store.add_message(
        conversation.session.id, Message("m", Role.USER, parts, conversation.session.created_at)
    )
    search = await loaded(store)
    assert texts(search.find("summarise")) == ["summarise the notes"]
    assert search.find("contents") == []


async def test_fifty_thousand_prompts_are_loaded_in_pages_and_searched_at_once() -> None:
    class Store:
        calls = 0

        async def load_prompts(
            self, before: int | None, limit: int
        ) -> tuple[tuple[SentPrompt, ...], int | None]:
            self.calls += 1
            top = 50_000 if before is None else before
            page = tuple(
                SentPrompt(n, f"prompt {n} about topic {n % 977}", START, "s", "t")
                for n in range(top - limit, top)
            )
            return page, (top - limit) or None

    store = Store()
    search = PromptSearch((store,))
    assert await search.load_next()
    assert len(search) == PAGE
    while await search.load_next():
        pass
    assert (len(search), store.calls) == (50_000, 50_000 // PAGE)
    started = time.perf_counter()
    assert texts(search.find("prompt 31415"))[0].startswith("prompt 31415 ")
    search.find("topik")
    assert time.perf_counter() - started < 5  # a tenth of that on an idle machine


async def test_ctrl_r_finds_a_prompt_of_another_session_and_enter_inserts_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "explain the borrow checker")
        await until(pilot, lambda: is_idle(pilot))
        await send(pilot, "and now in verse")
        await until(pilot, lambda: is_idle(pilot))
        await pilot.press("ctrl+n")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "2 sent prompts" in frame(pilot))
        await pilot.press(*"borow chek")
        await until(pilot, lambda: "in verse" not in frame(pilot).split("Sent")[-1])
        await until(pilot, lambda: "explain the borrow checker · " in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: chat.panes.composer.text == "explain the borrow checker")
        await pilot.press("!", "ctrl+r")
        await until(pilot, lambda: "2 sent prompts" in frame(pilot))
        await pilot.press("enter")
        wanted = "explain the borrow checker!and now in verse"
        await until(pilot, lambda: chat.panes.composer.text == wanted)
    assert len(server.requests) == 2


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_each_prompt_has_one_line_with_its_time_first(
    server: LoopbackServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=size) as pilot:
        store = cast("SqliteStore", chat_of(pilot).desk.archive.store_of("one"))
        lines = "\n".join(f"line {n}" for n in range(12))
        await save(store, "one", "short", "a long prompt " * 20, f"\n\n{lines}")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "3 sent prompts" in frame(pilot))
        shown = frame(pilot).splitlines()
        rows = [row for row in shown if "2026-01-01" in row and " · " not in row]
        assert len(rows) == 3
        first, second, third = rows
        places = {
            row.index(word) for row, word in zip(rows, ("line", "a long", "short"), strict=True)
        }
        assert len(places) == 1
        assert "line 0  +11 lines" in first
        assert second.rstrip(" │").endswith("…")
        assert third.rstrip(" │").endswith("short")
        assert f"… {'4' if size == (120, 40) else '8'} more lines" in frame(pilot)
        assert "[Esc] cancel" in frame(pilot)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_the_linear_chat_lists_prompts_by_number(server: LoopbackServer, tmp_path: Path) -> None:
    from tests.stories.test_linear import _wait_for_count, start

    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        for count, line in enumerate(("first words", "second words"), start=1):
            terminal.type(f"{line}\r")
            _wait_for_count(terminal, "tokens:", count)
        terminal.type("/history words\r")
        terminal.wait_for("1. second words")
        terminal.wait_for("Number from 1 to 2")
        terminal.type("2\r")
        terminal.wait_until(lambda: terminal.screen.rstrip().endswith("you: first words"))
        terminal.type(" again\r")
        terminal.wait_until(lambda: terminal.screen.count("tokens:") == 3)
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
    assert server.requests[-1]["messages"][-1]["content"] == "first words again"

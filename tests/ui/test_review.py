"""The review screen and what looks at replies again, with the keyboard."""

import contextlib
import json
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from replyscope.cli.wiring import wire
from replyscope.config.paths import find_paths
from replyscope.config.settings import read_settings
from replyscope.domain.query_fields import FIELDS
from replyscope.inspection.markup.diagram import diagram_variants
from replyscope.ui.chat.screen import ChatScreen
from replyscope.ui.numbers.screen import StatsScreen
from replyscope.ui.reading.compare_screen import CompareScreen
from replyscope.ui.review.query_completion import LANGUAGE
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.results import Results, name_of
from replyscope.ui.review.screen import ReviewScreen
from replyscope.ui.transcript import diagrams
from replyscope.ui.transcript.preview import Preview
from tests.sharing.test_importing import conversation
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send

SIZE = (160, 44)


def open_app(
    folder: Path, server: LoopbackServer
) -> contextlib.AbstractAsyncContextManager[Pilot[None]]:
    return open_chat(make_app(folder, server.base_url), size=SIZE, notifications=True)


def answer_in_parts(server: LoopbackServer) -> threading.Event:
    """Answer "begun ended", the second word once the event is set."""
    gate = threading.Event()
    begun, rest = sse(delta("begun ")), sse(delta("ended"), delta(finish="stop"))
    server.answer = lambda _request: Answer(chunks=[*begun[:-1], gate, *rest])
    return gate


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
        if chat_of(pilot).desk.conversation.messages:
            await pilot.press("ctrl+n")
            await until(pilot, lambda: not chat_of(pilot).desk.conversation.messages)
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
        assert "/continue" not in frame(pilot)  # here it would compare
        assert "[c]" not in frame(pilot)
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
        await until(pilot, lambda: "Tagged 2 sessions #fruit" in frame(pilot))
        await ask(pilot, "tag:fruit")
        await until(pilot, lambda: found(pilot) == 2)
        pilot.app.screen.query_one(Results).focus()
        await pilot.press("escape", "d")  # the marks stay until Esc
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
        await until(pilot, lambda: "deleted 0 sessions with 0 replies" in frame(pilot))
        await until(pilot, lambda: "1/1 reply · newest first" in frame(pilot))
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
        await until(pilot, lambda: "│Fruit " in frame(pilot))
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
        await until(pilot, lambda: "About red apples." in frame(pilot))
        assert "│ About green apples." in frame(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "About redgreen apples." in frame(pilot))
        await pilot.press("x")
        await until(pilot, lambda: "About greenred apples." in frame(pilot))
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))


async def test_the_choices_of_one_reply_are_compared(
    server: LoopbackServer, tmp_path: Path
) -> None:
    def choice(index: int, text: str) -> dict[str, Any]:
        chunk = delta(text, finish="stop" if index else "length")
        chunk["choices"][0]["index"] = index
        return chunk

    texts = ("An **early** end", "A **late** end", "No end")
    server.answer = lambda _request: Answer(
        chunks=sse(*(choice(index, text) for index, text in enumerate(texts)), usage())
    )
    async with open_app(tmp_path, server) as pilot:
        await send(pilot, "end?")
        await until(pilot, lambda: "early end" in frame(pilot) and is_idle(pilot))
        await pilot.press("escape", "D")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await until(pilot, lambda: "An **early** end" in frame(pilot))
        assert "A **late** end" in frame(pilot)
        assert "choice 1" in frame(pilot)
        assert "length" in frame(pilot)
        await pilot.press("m")
        await until(pilot, lambda: "An early end" in frame(pilot))
        assert "**" not in frame(pilot)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "No end" in frame(pilot) and "choice 3" in frame(pilot))
        await pilot.press("escape", "escape")
        await send(pilot, "/compare")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await pilot.press("escape")
        await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 1 and "early end" in frame(pilot))
        await pilot.press("enter", "c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))


async def test_a_comparison_is_shown_before_its_diagrams_are_drawn(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_draw = threading.Event()

    def draw_later(source: str, ascii_only: bool) -> tuple[tuple[str, ...], ...]:
        may_draw.wait(60)
        return diagram_variants(source, ascii_only)

    monkeypatch.setattr(diagrams, "diagram_variants", draw_later)
    fence = "```mermaid\ngraph TD\n  A --> {}\n```"
    prompts = ("Xenon", "Yttrium")
    server.answer = lambda request: reply(fence.format(request["messages"][-1]["content"]))
    async with open_app(tmp_path, server) as pilot:
        for prompt in prompts:
            if chat_of(pilot).desk.conversation.messages:
                await pilot.press("ctrl+n")
                await until(pilot, lambda: not chat_of(pilot).desk.conversation.messages)
            await send(pilot, prompt)
            await until(pilot, lambda p=prompt: f"A --> {p}" in frame(pilot) and is_idle(pilot))  # type: ignore[misc]
        await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press("enter", "space", "c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await pilot.press("m")
        await until(pilot, lambda: "rendered" in frame(pilot).splitlines()[0], "the comparison")
        assert "A --> Xenon" in frame(pilot)
        assert "│ Xenon" not in frame(pilot)
        may_draw.set()
        await until(pilot, lambda: "│ Xenon │" in frame(pilot), "the diagrams")
        assert "│ Yttrium │" in frame(pilot)
        assert "-->" not in frame(pilot)


async def test_arguments_are_compared_by_place_on_a_narrow_screen(
    server: LoopbackServer, tmp_path: Path
) -> None:
    def call(arguments: str) -> Answer:
        function = {"name": "look_up", "arguments": arguments}
        asked = {"index": 0, "id": "c1", "type": "function", "function": function}
        return Answer(chunks=sse(delta(tool_calls=[asked]), delta(finish="tool_calls"), usage()))

    async with open_chat(
        make_app(tmp_path, server.base_url), size=(80, 24), notifications=True
    ) as pilot:
        for number, arguments in enumerate(('{"of": {"a": 1, "b": "x"}}', '{"of": {"a": 2}}'), 1):
            server.answer = lambda _request, said=arguments: call(said)  # type: ignore[misc]
            if number == 1:
                await send(pilot, "look it up")
            else:
                await pilot.press("escape", "r", "r")  # reading, which it stays
            await until(pilot, lambda n=number: len(server.requests) == n)  # type: ignore[misc]
            await until(pilot, lambda: "look_up" in frame(pilot) and is_idle(pilot))
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await until(pilot, lambda: "swap" in frame(pilot))
        await pilot.press("G")
        await until(pilot, lambda: "called by both, different arguments" in frame(pilot))
        lines = [line.split() for line in frame(pilot).splitlines()]
        assert ["a", "1", "│", "2"] in lines
        assert ["b", '"x"', "│"] in lines
        assert all(len(line) <= 80 for line in frame(pilot).splitlines())


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


async def test_a_session_is_exported_from_the_chat(server: LoopbackServer, tmp_path: Path) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples for me@example.org")
        await send(pilot, "/export")
        await until(pilot, lambda: "Export session as…" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "e-mail address: m…@example.org" in frame(pilot))
        (tmp_path / "out.html").write_text("older")
        pilot.app.screen.query_one(Input).value = str(tmp_path / "out.html")
        await pilot.press("enter")
        await until(pilot, lambda: "out.html already exists" in frame(pilot))
        assert (tmp_path / "out.html").read_text() == "older"
        await pilot.press("enter")
        await until(pilot, lambda: "Made with" in (tmp_path / "out.html").read_text())
        await until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
    page = (tmp_path / "out.html").read_text()
    assert "About apples for [e-mail address]." in page
    assert "me@example.org" not in page


async def test_all_that_a_query_finds_is_exported(server: LoopbackServer, tmp_path: Path) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples and pears", "apples alone", "plums")
        await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 3)
        await pilot.press(*"apples", "enter")
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press("E")
        await until(pilot, lambda: "Export 2 sessions as" in frame(pilot))
        await pilot.press(*"restores", "enter")
        await until(pilot, lambda: "Export to file" in frame(pilot))
        pilot.app.screen.query_one(Input).value = str(tmp_path / "out.json")
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "out.json").exists())
    titles = [s["title"] for s in json.loads((tmp_path / "out.json").read_text())["sessions"]]
    assert sorted(titles) == ["apples alone", "apples and pears"]


async def test_a_file_is_taken_in_from_the_chat(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "conversations.json").write_text(
        json.dumps([conversation(1, "pelican"), {"title": "odd", "mapping": 7}])
    )
    async with open_app(tmp_path, server) as pilot:
        await send(pilot, "/import conversations.json")
        await until(pilot, lambda: "1 session with 1 reply" in frame(pilot))
        assert "odd: " in frame(pilot)
        assert not await chat_of(pilot).desk.services.sessions.list_sessions()
        await pilot.press("enter")
        await until(pilot, lambda: "Talk 1" in frame(pilot))
        await send(pilot, "/import conversations.json")
        await until(pilot, lambda: "known" in frame(pilot))
        await send(pilot, "/import nothing.json")
        await until(pilot, lambda: "nothing.json can't" in frame(pilot))


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
        await screen.groups.desk.review.delete([gone])
        await screen.groups.desk.review.purge([gone])
        await pilot.press("j")
        await until(pilot, lambda: "was deleted in another window" in frame(pilot))


async def test_a_click_points_and_a_double_click_opens(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "pears", "plums")
        screen = await open_review(pilot)
        results = screen.query_one(Results)
        await until(pilot, lambda: found(pilot) == 3)
        await pilot.click(Results, offset=(10, 5))
        await until(pilot, lambda: results.highlighted == 1)
        assert pilot.app.screen is screen
        await pilot.click(Results, offset=(0, 9))
        await until(pilot, lambda: results.highlighted == 2 and len(results.marked) == 1)
        await pilot.click(Results, offset=(10, 5), control=True)
        await until(pilot, lambda: len(results.marked) == 2)
        await pilot.click(Results, offset=(10, 5), times=2)
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        await until(pilot, lambda: "About pears." in frame(pilot))


async def test_all_are_marked_and_each_change_is_undone_exactly(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "pears", "plums")
        screen = await open_review(pilot)
        results, labels = screen.query_one(Results), screen.groups.desk.services.labels
        await until(pilot, lambda: found(pilot) == 3)
        ids = results.chosen_sessions()
        await pilot.press("enter", "p")
        await until(pilot, lambda: "Pinned 1 session" in frame(pilot))
        await until(pilot, lambda: results.current is not None and results.current.is_pinned)
        await pilot.press("t", *"old", "enter")
        await until(pilot, lambda: "Tagged 1 session #old" in frame(pilot))
        before = await labels.labels(ids)
        await pilot.press("asterisk")
        assert len(results.marked) == 3
        await pilot.press("p")
        await until(pilot, lambda: "Pinned 2 sessions" in frame(pilot))
        await pilot.press("t", *"old new", "enter")  # the marks stay
        await until(pilot, lambda: "Tagged 3 sessions #old #new" in frame(pilot))
        await pilot.press("t", *"old=new", "enter")
        await until(pilot, lambda: "Renamed in 3 sessions: #old → #new" in frame(pilot))
        assert await labels.tags() == (("new", 3),)
        await pilot.press("f3")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 3)
        await pilot.press("enter")
        tags = "Restored the tags of 3 sessions"
        for undone in (f"{tags} · 4 more", f"{tags} · 3 more", "Unpinned 2 sessions · 2 more"):
            await pilot.press("u")
            await until(pilot, lambda text=undone: text in frame(pilot))  # type: ignore[misc]
        assert await labels.labels(ids) == before
        assert await labels.tags() == (("old", 1),)


async def test_what_is_done_to_a_row_leaves_the_readers_place(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "pears", "plums")
        results = (await open_review(pilot)).query_one(Results)
        await until(pilot, lambda: found(pilot) == 3)
        await pilot.press("enter", "j", "a")
        await until(pilot, lambda: "archived" in frame(pilot).replace("Archived", ""))
        await until(pilot, lambda: results.current is not None and results.current.is_archived)
        assert results.highlighted == 1
        await pilot.press("d")
        await until(pilot, lambda: found(pilot) == 2)
        assert results.highlighted == 1
        assert results.current is not None
        assert results.current.title == "apples"


async def test_the_key_that_goes_to_the_query_is_no_text_of_an_empty_one(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        field = (await open_review(pilot)).query_one(QueryField)
        await pilot.press("slash", *"a", "slash", *"b")
        assert field.value == "a/b"


async def test_the_query_line_completes_and_marks_a_fault_in_its_place(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "long pears")
        field = (await open_review(pilot)).query_one(QueryField)
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press(*"fin")
        await until(pilot, lambda: "finish:" in frame(pilot))
        await pilot.press("tab", "l")
        await until(pilot, lambda: "finish: length" in frame(pilot))
        await pilot.press("tab")
        assert field.value == "finish:length"
        await until(pilot, lambda: found(pilot) == 1)
        await pilot.press(*" model:t")
        await until(pilot, lambda: "model: test-model" in frame(pilot))
        await pilot.press("tab")
        await until(pilot, lambda: found(pilot) == 1)
        await ask(pilot, f"{field.value} tokens:many")
        await until(pilot, lambda: "tokens: wants a number" in frame(pilot))
        assert field.value[field.fault_at or 0 :] == "tokens:many"
        assert found(pilot) == 1
        await pilot.press("end", *["backspace"] * 4, *">1")
        await until(pilot, lambda: field.fault_at is None and found(pilot) == 1)


async def test_keys_that_come_together_act_in_their_order(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples")
        field = (await open_review(pilot)).query_one(QueryField)
        await pilot.press("enter")
        await until(pilot, lambda: not field.has_focus)
        for key in (
            "ctrl+f",
            *"pears",
            "ctrl+u",
            *"aplex",
            "left",
            *"s",
            "delete",
            "home",
            "right",
        ):
            char = key if len(key) == 1 else None
            pilot.app.post_message(Key(key, char))
        pilot.app.post_message(Key("p", "p"))
        await until(pilot, lambda: field.value == "apples")


async def test_the_arrows_walk_the_results_while_one_writes(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "pears")
        screen = await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press("down")
        await until(pilot, lambda: "2/2 replies" in frame(pilot))
        await pilot.press(*"app")
        await until(pilot, lambda: found(pilot) == 1)
        assert screen.query_one(QueryField).has_focus


async def test_the_help_of_the_review_screen_has_its_language(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples")
        await open_review(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: "The query" in frame(pilot))
        shown = frame(pilot)
    written = " ".join(f"{how} {what}" for how, what in LANGUAGE)
    assert all(f"{field}:" in written for field in FIELDS)
    assert all(word in written for name in ("has", "is") for word in FIELDS[name].choices)
    assert "finish:length" in shown
    assert "/export" not in shown


async def test_the_preview_shows_the_place_that_was_found(
    server: LoopbackServer, tmp_path: Path
) -> None:
    text = "\n\n".join([*(f"Paragraph {n}." for n in range(80)), "The Zürich needle.", "After."])
    server.answer = lambda _request: reply(text)
    async with open_app(tmp_path, server) as pilot:
        await send(pilot, "tell me")
        await until(pilot, lambda: is_idle(pilot) and "After." in frame(pilot))
        await open_review(pilot)
        await pilot.press(*"zurich need")
        await until(pilot, lambda: "The Zürich needle." in frame(pilot), "the match in view")
        preview = pilot.app.screen.query_one(Preview)
        line = next(
            strip
            for strip in preview.render_lines(preview.size.region)
            if "The Zürich needle." in strip.text
        )
        matched = preview.palette().match.bgcolor
        marked = [text for text, style, _ in line if style and style.bgcolor == matched]
        assert marked == ["Zürich", "needle"]


async def test_a_deleted_session_that_is_open_is_told_and_brought_back_by_writing(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples")
        screen = await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 1)
        await pilot.press("enter", "d")
        await until(pilot, lambda: found(pilot) == 0)
        await pilot.press("f3")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        await until(pilot, lambda: "This session was deleted." in frame(pilot))
        await send(pilot, "pears")
        await until(pilot, lambda: "About pears." in frame(pilot) and is_idle(pilot))
        assert await screen.groups.desk.review.deleted() == ()


async def test_a_session_is_not_deleted_while_its_reply_streams(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = answer_in_parts(server)
    async with open_app(tmp_path, server) as pilot:
        await send(pilot, "go on")
        await until(pilot, lambda: "begun" in frame(pilot))
        await send(pilot, "and then")
        assert "1 queued" in frame(pilot)
        screen = await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 1)
        await pilot.press("enter", "d")
        await until(pilot, lambda: "A reply streams into this session." in frame(pilot))
        assert await screen.groups.desk.review.deleted() == ()
        gate.set()
        await until(pilot, lambda: len(server.requests) == 2 and is_idle(pilot))
        await pilot.press("d")
        await until(pilot, lambda: "Deleted 1 session" in frame(pilot))
        assert len(await screen.groups.desk.review.deleted()) == 1


@pytest.mark.parametrize("key", ["f3", "f9", "f11"])
@pytest.mark.parametrize("for_good", [False, True])
async def test_a_session_that_was_deleted_behind_a_screen_is_told_in_the_chat(
    *, key: str, for_good: bool, server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples")
        chat = chat_of(pilot)
        session_id = chat.desk.conversation.session.id
        await pilot.press(key)
        await until(pilot, lambda: pilot.app.screen is not chat, "a screen in front")
        other = wire(find_paths(str(tmp_path)))
        await other.review.delete([session_id])
        await until(pilot, lambda: chat.desk.conversation.session.deleted_at is not None)
        if for_good:
            await other.review.purge([session_id])
            await until(pilot, lambda: chat.groups.reviewing.removed._gone is not None)
        await other.close()
        told = ("was removed for good.", "was deleted. What")
        assert not any(words in frame(pilot) for words in told)
        await pilot.press(key)
        await until(pilot, lambda: pilot.app.screen is chat, "the chat")
        await until(pilot, lambda: any(words in frame(pilot) for words in told))
        assert [words in frame(pilot) for words in told] == [for_good, not for_good]


async def test_a_reply_on_its_way_is_not_removed_for_good(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = answer_in_parts(server)
    async with open_app(tmp_path, server) as pilot:
        await send(pilot, "go on")
        await until(pilot, lambda: "begun" in frame(pilot))
        screen = await open_review(pilot)
        session_id = chat_of(pilot).desk.conversation.session.id
        await screen.groups.desk.review.delete([session_id])
        purged = await screen.groups.desk.review.purge([session_id])
        assert purged.sessions == 0
        await screen.groups.desk.review.restore([session_id])
        await pilot.press("f3")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        gate.set()
        await until(pilot, lambda: "begun ended" in frame(pilot) and is_idle(pilot))


async def test_a_reply_that_ends_meanwhile_and_another_windows_doings_are_shown(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(
        chunks=[*sse(delta("early "), done=False), gate, *sse(delta("late"), delta(finish="stop"))]
    )
    async with open_app(tmp_path, server) as pilot:
        await send(pilot, "go on")
        await until(pilot, lambda: "early" in frame(pilot))
        screen = await open_review(pilot)
        await until(pilot, lambda: "No replies yet" in frame(pilot))
        gate.set()
        await until(pilot, lambda: found(pilot) == 1, "the reply that ended")
        await until(pilot, lambda: "early late" in frame(pilot))
        other = wire(find_paths(str(tmp_path)))
        (session_id,) = screen.query_one(Results).chosen_sessions()
        await other.review.delete([session_id])
        await until(pilot, lambda: found(pilot) == 0, "the session that went")
        await other.review.restore([session_id])
        await other.review.tag([session_id], ["elsewhere"])
        await until(pilot, lambda: "#elsewhere" in frame(pilot))
        await other.close()


async def test_sessions_are_shown_at_the_reply_that_was_found(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples")
        for prompt in ("pears", "plums"):
            await send(pilot, prompt)
            await until(pilot, lambda p=prompt: f"About {p}." in frame(pilot))  # type: ignore[misc]
            await until(pilot, lambda: is_idle(pilot))
        screen = await open_review(pilot)
        await pilot.press(*"pears", "enter", "v")
        await until(pilot, lambda: "1/1 session" in frame(pilot))
        await until(pilot, lambda: screen.groups.reading.inspected() is not None)
        shown = screen.groups.reading.inspected()
        assert shown is not None
        assert shown.exchange.choice(0).text == "About pears."


async def test_the_highlight_stays_on_its_reply_once_the_reader_is_among_the_results(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "pears", "plums")
        results = (await open_review(pilot)).query_one(Results)
        await until(pilot, lambda: found(pilot) == 3)
        rows = [row for row in map(results.row, range(3)) if row is not None]
        names = [name_of(row) for row in rows]
        results.show_order(names[::-1])  # as when the index grew, and the ranks changed
        assert results.highlighted == 0
        await pilot.press("enter")
        results.show_order(names)
        assert results.highlighted == 2
        assert results.current == rows[2]


async def test_a_terminal_too_small_for_the_preview_lists_and_opens(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=(50, 14), notifications=True) as pilot:
        await talk(pilot, "apples", "pears")
        screen = await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press(*"app")
        await until(pilot, lambda: found(pilot) == 1)
        await until(pilot, lambda: screen.query_one(Preview).cursor_key is not None)
        await pilot.press("f5")
        await until(pilot, lambda: "Cut off by length" in frame(pilot))
        await pilot.press("f5", "enter", "enter")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        await until(pilot, lambda: "About apples." in frame(pilot))


async def test_f6_focuses_the_next_pane(server: LoopbackServer, tmp_path: Path) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples")
        screen = await open_review(pilot)
        assert screen.query_one(QueryField).has_focus
        await pilot.press("f6")
        await until(pilot, lambda: screen.query_one(Results).has_focus)


async def test_chips_narrow_by_digit_alt_digit_and_click(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples 2", "long pears")
        screen = await open_review(pilot)
        field = screen.query_one(QueryField)
        await until(pilot, lambda: "Alt+  [1] length 1  [2] stop 1" in frame(pilot))
        await pilot.press("2")
        assert field.value == "2"  # a digit is text in the field
        await until(pilot, lambda: found(pilot) == 1)
        await pilot.press("backspace")
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press("alt+2")
        await until(pilot, lambda: found(pilot) == 1)
        assert (field.value, field.has_focus) == ("finish:stop", True)
        await pilot.press("alt+1")
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press("enter")
        await until(pilot, lambda: "Alt+" not in frame(pilot))
        await pilot.click("#results-head", offset=(2, 1))
        await until(pilot, lambda: field.value == "finish:length" and found(pilot) == 1)
        assert "newest first" in frame(pilot)
        await pilot.click("#results-head", offset=(14, 0))
        await until(pilot, lambda: "most tokens first" in frame(pilot))


async def test_the_order_is_by_relevance_only_when_there_are_words(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "long pears")
        await open_review(pilot)
        for query, shown in (
            ("", "/2 replies · newest first"),
            ("pears", "/1 reply · by relevance"),
            ("finish:stop", "/1 reply · newest first"),
        ):
            await ask(pilot, query)
            await until(pilot, partial(_shows, pilot, shown))
        await pilot.press("enter")
        for order in ("most tokens", "highest cost", "slowest first token", "longest", "newest"):
            await pilot.press("s")
            await until(pilot, partial(_shows, pilot, f"reply · {order} first"))


def _shows(pilot: Pilot[None], text: str) -> bool:
    return text in frame(pilot)


async def test_a_mistake_leaves_the_list_its_count_and_its_facets(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "long pears")
        screen = await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press(*"pears (")  # in one go: the search of "pears" has not begun
        await until(pilot, lambda: "a ) is missing" in frame(pilot))
        await until(pilot, lambda: "for “pears ” · 1/1 reply" in frame(pilot))
        await until(pilot, lambda: "[1] length 1" in frame(pilot))
        await pilot.press("alt+1")
        await until(pilot, lambda: "for “" not in frame(pilot))
        assert screen.query_one(QueryField).value == "pears finish:length"
        assert found(pilot) == 1


async def test_f9_shows_the_numbers_of_the_query_and_opens_a_figure(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "long pears")
        screen = await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 2)
        await pilot.press(*"pears", "f9")
        await until(pilot, lambda: isinstance(pilot.app.screen, StatsScreen))
        assert pilot.app.screen.query_one(Input).value == "pears"
        await until(pilot, lambda: "all replies" in frame(pilot))
        await pilot.press("e")
        await until(pilot, lambda: pilot.app.screen is screen)
        value = screen.query_one(QueryField).value
        assert value.startswith("pears ")
        assert value.endswith(" has:error")


async def test_chat_and_review_share_one_undo_list(server: LoopbackServer, tmp_path: Path) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "pears")
        await send(pilot, "/delete")
        await until(pilot, lambda: len(chat_of(pilot).desk.services.undo) == 1)
        await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 1)
        await pilot.press("enter", "p")
        await until(pilot, lambda: "Pinned 1 session · [u] undo" in frame(pilot))
        await pilot.press("f3")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        await send(pilot, "/undo")
        await until(pilot, lambda: "Unpinned 1 session · 1 more to undo" in frame(pilot))
        await open_review(pilot)
        await until(pilot, lambda: found(pilot) == 1)
        await pilot.press("enter", "u")
        await until(pilot, lambda: found(pilot) == 2)
        assert "Restored “pears”" in frame(pilot)

"""The chat as a person uses it: keys in, screen out."""

import gc
import threading
import weakref
from functools import partial
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from replyscope.domain.finish import FinishReason
from replyscope.domain.printable import is_printable
from replyscope.ui.chat.first_run import FirstRun
from replyscope.ui.chat.model_picker import ModelPicker
from replyscope.ui.chat.parameters import ParametersDialog
from replyscope.ui.dialogs.help import HelpScreen
from replyscope.ui.dialogs.small import LineDialog
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse
from tests.ui.app import chat_of, frame, make_app, open_chat, until

SIZE = (120, 40)


async def type_text(pilot: Pilot[None], text: str) -> None:
    chat_of(pilot).panes.composer.insert(text)
    await pilot.pause()


async def send(pilot: Pilot[None], text: str) -> None:
    await type_text(pilot, text)
    await pilot.press("enter")


def is_shown(pilot: Pilot[None], words: str) -> bool:
    return words in frame(pilot)


def is_idle(pilot: Pilot[None]) -> bool:
    chat = chat_of(pilot)
    return bool(chat.desk.conversation.messages) and not chat.desk.turns.any_running


async def test_a_reply_shows_with_its_figures(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("# Hello\n\n", "- one\n- two\n")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "greet me")
        await until(pilot, lambda: "● stop" in frame(pilot), "the ending")
        screen = frame(pilot)
    for words in (
        "greet me",
        "Hello",
        "• one",
        "test-model",
        "● stop · 7 tokens",
        "reported by the server",
    ):
        assert words in screen


async def test_everything_is_there_after_a_restart(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "remember this")
        await until(pilot, lambda: "● stop" in frame(pilot))
        await type_text(pilot, "half a thought")
        await pilot.press("ctrl+q")
    app = make_app(tmp_path, server.base_url, opens_newest=True)
    async with open_chat(app, size=SIZE) as pilot:
        await until(pilot, lambda: "Hello world" in frame(pilot))
        assert chat_of(pilot).panes.composer.text == "half a thought"
        assert "remember this" in frame(pilot)
        assert "● stop" in frame(pilot)


async def test_escape_stops_a_reply_and_keeps_what_came(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("so far"), done=False), gate])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "go")
        await until(pilot, lambda: "so far" in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled" in frame(pilot))
        assert "so far" in frame(pilot)
        gate.set()


async def test_a_failed_reply_says_why_and_can_be_retried(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: error(500, "the machine is on [red]fire")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "try")
        await until(pilot, lambda: "[red]fire" in frame(pilot))
        server.answer = lambda _request: reply("better now")
        await pilot.press("escape", "r", "r")
        await until(pilot, lambda: "better now" in frame(pilot))
        assert "fire" not in frame(pilot)


async def test_a_cut_reply_is_continued_in_place(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("Once upon", finish="length")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "tell")
        await until(pilot, lambda: "● length" in frame(pilot))
        server.answer = lambda _request: reply(" a time.")
        await pilot.press("escape", "c", "c")
        await until(pilot, lambda: "Once upon a time." in frame(pilot))
        assert "exchange 2 of 2" in frame(pilot)


async def test_a_reply_whose_continuation_was_stopped_can_be_continued_again(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: reply("Once upon", finish="length")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "tell")
        await until(pilot, lambda: "● length" in frame(pilot))
        server.answer = lambda _request: Answer(chunks=[gate])
        await pilot.press("escape", "c", "c")
        await until(pilot, lambda: len(server.requests) == 2)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: is_idle(pilot))
        gate.set()
        await until(pilot, lambda: "You stopped this reply" in frame(pilot))
        assert frame(pilot).count("/continue") == 2, "the notice and the inspector offer it"
        server.answer = lambda _request: reply(" a time.")
        await pilot.press("escape", "c", "c")
        await until(pilot, lambda: "Once upon a time." in frame(pilot))
        assert "exchange 3 of 3" in frame(pilot)
    assert [m["content"] for m in server.requests[2]["messages"]][:2] == ["tell", "Once upon"]


async def test_raising_the_limit_doubles_it_and_goes_on(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("cut", finish="length")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParametersDialog))
        await pilot.press(*"max_tokens=8", "enter", "escape")
        await send(pilot, "tell")
        await until(pilot, lambda: "● length" in frame(pilot))
        await pilot.press("escape", "m", "m")
        await until(pilot, lambda: len(server.requests) == 2)
        assert [r["max_tokens"] for r in server.requests] == [8, 16]


async def test_a_message_written_meanwhile_is_queued(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(
        chunks=[sse(delta("first"))[0], gate, *sse(delta(finish="stop"))]
    )
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "one")
        await until(pilot, lambda: "first" in frame(pilot))
        await send(pilot, "two")
        assert "1 queued" in frame(pilot)
        server.answer = lambda _request: reply("second")
        gate.set()
        await until(pilot, lambda: "second" in frame(pilot))
    assert [m["content"] for m in server.requests[1]["messages"]] == ["one", "first", "two"]


async def test_a_reply_in_the_background_goes_on_and_says_so(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(
        chunks=[sse(delta("behind"))[0], gate, *sse(delta(" you", finish="stop"))]
    )
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        await send(pilot, "slow one")
        await until(pilot, lambda: "behind" in frame(pilot))
        first = chat_of(pilot).desk.conversation.session.id
        await pilot.press("ctrl+n")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.session.id != first)
        gate.set()
        await until(pilot, lambda: "the reply is done" in frame(pilot))
        chat_of(pilot).groups.sessions.open_session(first)
        await until(pilot, lambda: "behind you" in frame(pilot))


async def test_a_session_that_was_left_takes_no_memory(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "one")
        await until(pilot, lambda: is_idle(pilot))
        left = weakref.ref(chat_of(pilot).desk.conversation)
        await pilot.press("ctrl+n")
        await send(pilot, "two")
        await until(pilot, lambda: is_idle(pilot))
        gc.collect()
        assert left() is None


async def test_sessions_are_renamed_deleted_and_brought_back(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "call me anything")
        await until(pilot, lambda: is_idle(pilot))
        await send(pilot, "/rename Ishmael")
        await until(pilot, lambda: "Ishmael" in frame(pilot))
        await send(pilot, "/delete")
        await until(pilot, lambda: not chat_of(pilot).desk.conversation.messages)
        await until(pilot, lambda: "Ishmael" not in frame(pilot))
        await send(pilot, "/undo")
        await until(pilot, lambda: "call me anything" in frame(pilot))
        assert "Ishmael" in frame(pilot)


async def test_the_wire_shows_the_request_and_every_frame(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=(200, 60)) as pilot:
        await send(pilot, "hello wire")
        await until(pilot, lambda: "● stop" in frame(pilot))
        await pilot.press("f7")
        await until(pilot, lambda: "[DONE]" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Frame 1 of" in frame(pilot))
        assert '"object": "chat.completion.chunk"' in frame(pilot)
        await pilot.press("right")
        await until(pilot, lambda: "Frame 2 of" in frame(pilot))
        await pilot.press("escape", "g")
        await until(pilot, lambda: "chat/completions" in frame(pilot))
        assert "response HTTP 200" in frame(pilot)
        assert "finish stop" in frame(pilot)
        assert '"content": "hello wire"' not in frame(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: '"content": "hello wire"' in frame(pilot))
        await pilot.press("1")
        await until(pilot, lambda: "to first token" in frame(pilot))


async def test_tool_calls_and_reasoning_fold_and_unfold(
    server: LoopbackServer, tmp_path: Path
) -> None:
    call = {"index": 0, "id": "call_9", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
    server.answer = lambda _request: Answer(
        chunks=sse(
            delta(reasoning_content="thinking hard"),
            delta(tool_calls=[call]),
            delta(finish="tool_calls"),
        )
    )
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "use a tool")
        await until(pilot, lambda: "● tool_calls" in frame(pilot))
        assert 'look(at="sky")' in frame(pilot)
        assert "thinking hard" not in frame(pilot)
        await pilot.press("escape", "space")
        await until(pilot, lambda: "thinking hard" in frame(pilot))
        assert "id call_9" in frame(pilot)
        chat_of(pilot).groups.reading.inspector.open_tab("tools")
        await until(pilot, lambda: "1. look" in frame(pilot))


async def test_a_large_paste_becomes_an_attachment(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        composer = chat_of(pilot).panes.composer
        composer.post_message(events.Paste("x" * 1_000_000))
        await until(pilot, lambda: "pasted-1.txt 1.0 MB" in frame(pilot))
        assert composer.text == ""
        await send(pilot, "what is this")
        await until(pilot, lambda: is_idle(pilot))
    content = server.requests[0]["messages"][0]["content"]
    assert "x" * 1_000_000 in content[0]["text"]


async def test_files_are_attached_by_name(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the notes")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("@", "n", "o")
        await until(pilot, lambda: "@notes.txt" in frame(pilot))
        await pilot.press("tab")
        await until(pilot, lambda: "notes.txt 9 B" in frame(pilot))
        assert chat_of(pilot).panes.composer.text == "notes.txt "
        await pilot.press("backspace", *["backspace"] * 12)
        await until(pilot, lambda: "9 B" not in frame(pilot))


async def test_commands_complete_and_unknown_ones_are_said_so(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        await pilot.press("/", "h", "e")
        await until(pilot, lambda: "/help" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        assert "chat.send" in frame(pilot)
        await pilot.press("escape")
        await send(pilot, "/nonsense")
        await until(pilot, lambda: "There is no command /nonsense" in frame(pilot))


async def test_history_walks_back_and_returns_to_what_was_written(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "first prompt")
        await until(pilot, lambda: is_idle(pilot))
        await type_text(pilot, "unsent")
        composer = chat_of(pilot).panes.composer
        await pilot.press("up")
        assert composer.text == "first prompt"
        await pilot.press("down")
        assert composer.text == "unsent"


async def test_find_goes_to_the_match(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("\n\n".join(f"para {n}" for n in range(200)))
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "long")
        await until(pilot, lambda: "para 199" in frame(pilot))
        await pilot.press("ctrl+f", *"para 17")
        await pilot.press("enter")
        await until(pilot, lambda: "para 17\n" in frame(pilot) or "para 17 " in frame(pilot))


async def test_the_view_follows_until_the_reader_scrolls_up(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    more = sse(delta("\n\n".join(f"late {n}" for n in range(50)), finish="stop"))
    text = "\n\n".join(f"early {n}" for n in range(100)) + "\n\n"
    server.answer = lambda _request: Answer(chunks=[sse(delta(text))[0], gate, *more])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "go")
        await until(pilot, lambda: "early 99" in frame(pilot))
        transcript = chat_of(pilot).panes.transcript
        transcript.focus()
        transcript.scroll_to(y=20, animate=False)
        await until(pilot, lambda: not transcript.is_following)
        before = [line[28:80].rstrip() for line in frame(pilot).split("\n")[1:30]]
        gate.set()
        await until(pilot, lambda: "new text below" in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        after = [line[28:80].rstrip() for line in frame(pilot).split("\n")[1:30]]
        assert before == after
        await pilot.press("G")
        await until(pilot, lambda: "late 49" in frame(pilot))
        assert "new text below" not in frame(pilot)


async def test_the_model_picker_lists_the_servers_models(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["alpha", "beta", "gamma"]
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, ModelPicker))
        await pilot.press(*"bet")
        await pilot.press("enter")
        await until(pilot, lambda: "beta · test" in frame(pilot))
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot))
    assert server.requests[0]["model"] == "beta"


async def test_a_first_run_offers_the_embedded_model_first(tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, None), size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, FirstRun))
        options = pilot.app.screen.query_one(OptionList)
        assert options.highlighted == 0
        assert (options.get_option_at_index(0).id or "").startswith("local:")
        for words in ("Use an OpenAI API key", "Another server", "to download"):
            assert words in frame(pilot)
        await pilot.press("escape")
        await send(pilot, "anyone there?")
        await until(pilot, lambda: isinstance(pilot.app.screen, FirstRun))
        assert chat_of(pilot).panes.composer.text == "anyone there?"


async def test_any_server_is_entered_with_its_key_which_is_used_though_no_keyring_keeps_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, None), size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, FirstRun))
        await pilot.press("end", "enter")
        for title, line in (
            ("The server's URL", server.base_url.removeprefix("http://")),
            ("Its API key", "sk-typed-key-1"),
        ):
            await until(pilot, partial(is_shown, pilot, title))
            assert isinstance(pilot.app.screen, LineDialog)
            pilot.app.screen.query_one(Input).value = line
            await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        await until(pilot, lambda: "no keyring" in frame(pilot))
        await send(pilot, "hi")
        await until(pilot, lambda: bool(server.requests) and is_idle(pilot))
    assert server.headers[0]["authorization"] == "Bearer sk-typed-key-1"
    assert "sk-typed" not in (tmp_path / "config" / "settings.toml").read_text()


async def test_themes_switch_live_and_are_kept(server: LoopbackServer, tmp_path: Path) -> None:
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE) as pilot:
        await send(pilot, "/theme paper")
        await until(pilot, lambda: pilot.app.theme == "paper")
        assert chat_of(pilot).desk.services.settings.look.theme == "paper"


@pytest.mark.parametrize("size", [(200, 60), (120, 40), (80, 24), (50, 20), (20, 5)])
async def test_every_size_can_be_used(
    server: LoopbackServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=size) as pilot:
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot))
        chat = chat_of(pilot)
        assert chat.desk.conversation.read_messages()[-1].text == "Hello world"
        assert chat.groups.reading.inspector.display is (size[0] >= 100)
        if 60 <= size[0] < 100:
            await until(pilot, lambda: "7 tokens · " in frame(pilot))
        await pilot.press("f4", "f4")


async def test_hostile_text_is_drawn_and_never_obeyed(
    server: LoopbackServer, tmp_path: Path
) -> None:
    hostile = "[/nope] \x1b]0;owned\x07 \x9b31m \u202eevil [link](javascript:x) " + "漢" * 200
    server.answer = lambda _request: reply(hostile + "x" * 100_000, finish="[b]odd\x1b[2J")
    server.models = ["[/m]\x1b[31m"]
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        await send(pilot, "[/you]\x1b[5m")
        await until(pilot, lambda: is_idle(pilot))
        for key in ("f7", "escape", "f2", "escape"):
            await pilot.press(key)
            await pilot.pause()
            assert is_printable(frame(pilot))


async def test_a_thousand_messages_open_and_can_be_walked(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("reply\n\n" * 8)
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        from replyscope.domain.message import Role
        from replyscope.ui.transcript.content import EntryContent

        transcript = chat_of(pilot).panes.transcript
        transcript.display = True
        await pilot.pause()
        text = "A line of words that wraps.\n\n- item\n- item\n\n```py\nx=1\n```\n"
        contents = [
            EntryContent(f"k{n}", Role.USER if n % 2 else Role.ASSISTANT, "t", f"n{n} {text}")
            for n in range(1_000)
        ]
        by_key = {content.key: content for content in contents}
        asked: set[str] = set()

        def content_of(key: str) -> EntryContent:
            asked.add(key)
            return by_key[key]

        transcript.show_entries(list(by_key), content_of)
        await until(pilot, lambda: "n999" in frame(pilot))
        assert len(asked) < 50, "what is out of view was asked for"
        transcript.focus()
        await pilot.press("g")
        await until(pilot, lambda: "n0 A line" in frame(pilot))
        for _ in range(5):
            await pilot.press("j")
        assert transcript.cursor == 5
        await pilot.press("G")
        await until(pilot, lambda: "n999" in frame(pilot))


async def test_a_session_can_be_opened_while_its_finish_is_awaited(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot))
        chat = chat_of(pilot)
        chat.groups.sessions.open_session(chat.desk.conversation.session.id)
        await pilot.pause()
        exchange = chat.desk.last_exchange()
        assert exchange is not None
        assert exchange.choice(0).finish_reason is FinishReason.STOP


async def test_the_inspector_is_whole_after_an_empty_session(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "one")
        await until(pilot, lambda: is_idle(pilot))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "Send a message to inspect" in frame(pilot))
        await send(pilot, "two")
        await until(pilot, lambda: is_idle(pilot))
        await until(pilot, lambda: "exchange " in frame(pilot))

"""The keys of the screens: the footer, the modes, the panel of keys, and the help."""

import threading
from pathlib import Path

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input

from replyscope.domain.look import Look
from replyscope.ui.chat.command_table import CHAT_KEYS, COMMANDS
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent_card import ConsentCard
from replyscope.ui.chat.modes import FOOTER_ORDER
from replyscope.ui.chat.parameters import ParametersDialog
from replyscope.ui.chat.sidebar import Sidebar
from replyscope.ui.chat.status import Status, status_line, usage_parts
from replyscope.ui.dialogs.help import HelpScreen, HelpSection, help_lines
from replyscope.ui.keys.entries import KeyEntry, KeyRow
from replyscope.ui.keys.footer import KeyFooter, footer_line
from replyscope.ui.keys.names import is_typed, key_name
from replyscope.ui.keys.panel import KeyPanel, columns
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.review.commands import REVIEW_COMMANDS
from replyscope.ui.review.screen import ReviewScreen
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.watch.commands import WATCH_COMMANDS
from tests.support.server import Answer, LoopbackServer, delta, reply, sse
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle

SIZE = (120, 40)


def footer(pilot: Pilot[None]) -> str:
    """The text of the footer."""
    content = pilot.app.screen.query_one(KeyFooter).content
    assert isinstance(content, Content)
    return content.plain


def status(pilot: Pilot[None]) -> str:
    return next(line for line in frame(pilot).split("\n") if "test-model ·" in line)


async def ask(pilot: Pilot[None], text: str, answer: str) -> None:
    """Send a message, and wait for the end of its reply."""
    chat = chat_of(pilot)
    chat.panes.composer.insert(text)
    await pilot.press("enter")
    await until(pilot, lambda: answer in frame(pilot) and not chat.desk.turns.any_running)


ENTRIES = [
    KeyEntry(("j", "k"), "move", "one"),
    KeyEntry(("y",), "copy", "two"),
    KeyEntry(("escape",), "write", "three"),
]


def test_the_footer_has_whole_entries_that_fit() -> None:
    assert footer_line("", ENTRIES, 80).plain == "[j/k] move  [y] copy  [Esc] write"
    assert footer_line("Sure?", ENTRIES, 80).plain.startswith("Sure?  [j/k] move")
    for width in range(40):
        line = footer_line("", ENTRIES, width).plain
        assert len(line) <= width
        assert line.count("[") == line.count("]")
        assert ("[Esc] write" in line) == (width >= len("[Esc] write"))
        before = line.removesuffix("[Esc] write").rstrip()
        assert "[j/k] move  [y] copy".startswith(before)
    assert footer_line("", ENTRIES, 24).plain == "[j/k] move  [Esc] write"


def test_names_of_keys_are_those_on_keyboards() -> None:
    names = {
        "ctrl+t": "Ctrl+T",
        "shift+l": "L",
        "G": "G",
        "escape": "Esc",
        "f10": "F10",
        "left_square_bracket": "[",
        "question_mark": "?",
        "ctrl+up": "Ctrl+↑",
        "shift+enter": "Shift+Enter",
        "pagedown": "PgDn",
    }
    assert {key: key_name(key) for key in names} == names


def test_keys_that_type_a_character_are_told_apart() -> None:
    typed = {"r", "G", "shift+l", "slash", "space", "question_mark", "asterisk", "less_than_sign"}
    others = {"up", "enter", "f1", "ctrl+t", "delete", "escape", "tab", "pagedown", "home"}
    assert {key for key in typed | others if is_typed(key)} == typed


@pytest.mark.parametrize("width", [12, 30, 60, 119, 240])
def test_columns_of_keys_never_collide(width: int) -> None:
    rows = [KeyRow("Ctrl+J Shift+Enter", "New line"), KeyRow("e", "Edit and send again " * 3)] * 9
    lines = columns(rows, width)
    assert len({line.cell_length for line in lines[:-1]}) <= 1
    assert all(line.cell_length <= width for line in lines)
    sections = [HelpSection("A", rows), HelpSection("B", [KeyRow("/prompt SERVER:NAME", "x", "y")])]
    listed = list(help_lines(sections, width))
    assert all(line.cell_length <= width for line in listed)
    text = "".join("".join(line.plain for line in listed).split())
    assert width < 60 or "/promptSERVER:NAME" in text


def test_the_status_line_drops_the_least_useful_parts_first() -> None:
    shown = Status("gpt", "openai", "chat", 660, 8_250, 1_790, 0.02)
    whole = "READ  gpt · openai · chat · context 660 · 8% · session 1,790 tokens · $0.02"
    assert status_line(shown, "READ", 200).plain == whole
    assert status_line(shown, "READ", 45).plain == "READ  gpt · openai · context 660 · 8% · $0.02"
    assert status_line(shown, "READ", 40).plain == "READ  gpt · openai · context 660 · 8%"
    assert status_line(shown, "READ", 30).plain == "READ  gpt · openai"
    for width in range(10, 90):
        line = status_line(shown, "READ", width)
        assert line.plain.startswith("READ  gpt")
        assert line.cell_length <= max(width, len("READ  gpt"))
    synced = Status("gpt", "openai", context_used=62, tokens=62, hub="hub: synced 10:30")
    assert status_line(synced, "READ", 60).plain.endswith("context 62 · hub: synced 10:30")
    assert status_line(synced, "READ", 50).plain.endswith("context 62 · synced 10:30")
    assert status_line(synced, "READ", 40).plain == "READ  gpt · openai · context 62"
    assert status_line(Status(), "WRITE", 80).plain == "WRITE  Choose a model (F2)"
    assert usage_parts(Status()) == []


def test_every_command_of_the_tables_is_offered_somewhere() -> None:
    """A command has a slash command, or its key a word in the footer and a line in the help."""
    for command in COMMANDS:
        has_line = command.key is not None and command.key.word and command.key.text
        assert command.help or has_line, command.name
    for one in REVIEW_COMMANDS:
        is_facet = one.name.startswith("narrow ")  # its number stands beside the facet
        assert is_facet or (one.id and one.word and one.help), one.name
    for command_of_calls in WATCH_COMMANDS:
        assert command_of_calls.id, command_of_calls.name


def test_the_footer_orders_only_bindings_that_exist() -> None:
    kinds = (Composer, Transcript, Sidebar, Inspector, WireView, TimelineView, ConsentCard)
    bindings = [*CHAT_KEYS, *(binding for kind in kinds for binding in kind.BINDINGS)]
    known = {getattr(binding, "id", None) for binding in bindings} | {"app.keys"}
    of_textual = {"select", "submit"}
    for order in FOOTER_ORDER.values():
        assert set(order) - known - of_textual == set()
        assert len(set(order)) == len(order)


async def test_the_footer_and_the_mode_follow_the_focus(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await until(pilot, lambda: footer(pilot).startswith("[Enter] send  [Esc] read"))
        assert "WRITE  test-model" in status(pilot)
        await ask(pilot, "hi", "Hello world")
        await pilot.press("escape")
        wanted = "[j/k] move  [y] copy  [r] retry  [e] edit  [Esc] write"
        await until(pilot, lambda: footer(pilot).startswith(wanted))
        assert "READ  test-model" in status(pilot)
        assert "context " in status(pilot)
        assert "Esc to write" in frame(pilot)
        assert "[m]" not in footer(pilot)  # no limit cut this reply
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "[n] new" in footer(pilot))
        assert "SESSIONS  test-model" in status(pilot)


async def test_a_changed_key_is_the_one_that_is_shown(
    server: LoopbackServer, tmp_path: Path
) -> None:
    look = Look(keys={"reply.copy": "ctrl+y", "sessions.rename": "f12"})
    async with open_chat(make_app(tmp_path, server.base_url, look=look), size=SIZE) as pilot:
        await ask(pilot, "hi", "Hello world")
        await pilot.press("escape")
        await until(pilot, lambda: "[Ctrl+Y] copy" in footer(pilot))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.press(*"rename")
        await until(pilot, lambda: "F12" in frame(pilot))  # a pane that never had the focus


async def test_an_entry_of_the_footer_is_clicked(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await until(pilot, lambda: "[Esc] read" in footer(pilot))
        await pilot.click(KeyFooter, offset=(footer(pilot).index("read") + 2, 0))
        await until(pilot, lambda: isinstance(pilot.app.focused, Transcript))


async def test_a_dialog_has_the_footer_and_a_low_terminal_has_none(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(pilot.app.screen, ModalScreen))
        await until(pilot, lambda: len(pilot.app.screen.query(KeyFooter)) == 1)
        await until(pilot, lambda: "[Esc] close" in footer(pilot))
        await pilot.press("escape")
    async with open_chat(make_app(tmp_path, server.base_url), size=(60, 9)) as pilot:
        await until(pilot, lambda: "WRITE" in frame(pilot))
        assert not pilot.app.screen.query_one(KeyFooter).display
        assert "[Enter]" not in frame(pilot)


async def test_the_footer_behind_a_dialog_has_no_keys(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await until(pilot, lambda: "[Enter] send" in frame(pilot))
        await pilot.press("f8")
        await until(pilot, lambda: "[Enter] edit" in frame(pilot))
        await until(pilot, lambda: "[Enter] send" not in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "[Enter] send" in frame(pilot))


async def test_the_footer_says_that_enter_chooses_a_completion(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("slash", "r")
        await until(pilot, lambda: "[Enter] choose" in footer(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "[Enter] send" in footer(pilot))


async def test_text_that_is_typed_while_reading_goes_to_the_composer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask(pilot, "hi", "Hello world")
        for text in ("/attach", "@me", "what else?", "Why"):
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(pilot.app.focused, Transcript))
            await pilot.press(*text.replace(" ", "_").split("_")[0])
            await until(pilot, lambda: isinstance(pilot.app.focused, Composer))
            composer = chat_of(pilot).panes.composer
            await until(pilot, lambda: composer.text == text.split(" ")[0], text)  # noqa: B023
            composer.replace_text("")
            await pilot.press("escape", "escape")
            composer.focus()
            await until(pilot, lambda: isinstance(pilot.app.focused, Composer))
    assert len(server.requests) == 1


async def test_a_key_that_sends_a_request_asks_first(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask(pilot, "hi", "Hello world")
        await pilot.press("escape", "r")
        question = "Retry with test-model?  [r] yes  [Esc] cancel"
        await until(pilot, lambda: footer(pilot) == question)
        await pilot.press("escape")
        await until(pilot, lambda: footer(pilot).startswith("[j/k] move"))
        assert isinstance(pilot.app.focused, Transcript)  # Esc withdrew the question only
        await pilot.press("r", "k", "r")
        await until(pilot, lambda: footer(pilot) == question)
        assert len(server.requests) == 1
        await pilot.press("r")
        await until(pilot, lambda: len(server.requests) == 2)


async def test_a_question_mark_lists_the_keys_of_the_focus(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: "Scroll the conversation up" in frame(pilot))
        composer = chat_of(pilot).panes.composer
        assert composer.text == ""
        await pilot.press("w", "h", "y", "question_mark")
        await until(pilot, lambda: composer.text == "?why?")
        assert not pilot.app.screen.query(KeyPanel)
        composer.replace_text("")
        await pilot.press("question_mark", "question_mark")
        await until(pilot, lambda: composer.text == "?")
        composer.replace_text("")
        await pilot.press("escape", "question_mark")
        await until(pilot, lambda: "Previous message" in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: not pilot.app.screen.query(KeyPanel))
        assert isinstance(pilot.app.focused, Transcript)


async def test_the_help_is_filtered_by_what_is_typed(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        for word, line in (
            ("consent.once", "yes, once"),
            ("palette", "Ctrl+P"),
            ("review.purge", "Delete permanently"),
            ("clear", "/new"),
        ):
            pilot.app.screen.query_one(Input).value = word
            await until(pilot, lambda: line in frame(pilot), line)  # noqa: B023
        pilot.app.screen.query_one(Input).value = "nothing has this"
        await until(pilot, lambda: "No key or command has these words." in frame(pilot))


async def test_the_help_of_the_review_lists_each_key_once(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
        await until(pilot, lambda: "[Enter] results" in footer(pilot))
        assert "─ Results ─" in frame(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        pilot.app.screen.query_one(Input).value = "review.save"
        await until(pilot, lambda: "Save this query as a folder" in frame(pilot))
        lines = [line for line in frame(pilot).split("\n") if "review.save" in line]
        assert [line.split()[2] for line in lines[1:]] == ["S"]


@pytest.mark.parametrize("is_covered", [False, True])
async def test_ctrl_c_twice_leaves_and_once_stops_a_reply(
    *, is_covered: bool, server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("so far"), done=False), gate])
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        chat = chat_of(pilot)
        chat.panes.composer.insert("go")
        await pilot.press("enter")
        await until(pilot, lambda: "so far" in frame(pilot))
        if is_covered:
            await pilot.press("f3")
            await until(pilot, lambda: app.screen is not chat)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "was stopped. Press Ctrl+C again to quit." in frame(pilot))
        if is_covered:
            await pilot.press("f3")
        await until(pilot, lambda: app.screen is chat and "cancelled" in frame(pilot))
        gate.set()
        await pilot.press("x", "ctrl+c", "ctrl+l", "ctrl+c")
        assert app.is_running
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not chat.is_running or app.return_code is not None)


async def test_pages_scroll_the_conversation_from_the_composer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("\n\n".join(f"para {n}" for n in range(99)))
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask(pilot, "long", "para 98")
        transcript = chat_of(pilot).panes.transcript
        await pilot.press("pageup")
        await until(pilot, lambda: "para 98" not in frame(pilot) and not transcript.is_following)
        assert isinstance(pilot.app.focused, Composer)
        # The ending of the reply may add a line meanwhile.
        await pilot.press("pagedown", "pagedown")
        await until(pilot, lambda: "para 98" in frame(pilot) and transcript.is_following)


async def test_a_page_up_from_the_composer_leaves_the_end_of_a_short_reply(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    rest = "\n\n".join(f"para {n}" for n in range(99))
    begins = sse(delta("begins\n\n"), done=False)
    answer = Answer(chunks=[*begins, gate, *sse(delta(rest, finish="stop"))])
    server.answer = lambda _request: answer
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        chat.panes.composer.insert("go")
        await pilot.press("enter")
        await until(pilot, lambda: "begins" in frame(pilot))
        await pilot.press("pageup")
        gate.set()
        await until(pilot, lambda: is_idle(pilot) and "new text below · [PgDn]" in frame(pilot))
        assert "begins" in frame(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "new text below · [G]" in frame(pilot))


async def test_the_queued_message_of_a_stopped_reply_waits_for_an_answer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("so far"), done=False), gate])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        for text in ("go", "and then"):
            chat.panes.composer.insert(text)
            await pilot.press("enter")
        await until(pilot, lambda: "so far" in frame(pilot) and "1 queued" in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "Send the queued message?" in frame(pilot))
        assert len(server.requests) == 1
        await pilot.press("escape")
        await until(pilot, lambda: chat.panes.composer.text == "and then")
        assert len(server.requests) == 1
        gate.set()


async def test_commands_of_settings_and_usage(server: LoopbackServer, tmp_path: Path) -> None:
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        chat = chat_of(pilot)

        async def run(line: str) -> None:
            await chat.groups.writing.submit(line)

        def answers() -> int | None:
            return chat.desk.conversation.session.settings.parameters.n

        await run("/cost")
        await until(pilot, lambda: "no tokens yet" in frame(pilot))
        await ask(pilot, "hi", "Hello world")
        await run("/usage")
        await until(pilot, lambda: "[F9] shows all replies." in frame(pilot))
        await run("/n 3")
        assert answers() == 3
        await run("/n 1")
        assert answers() is None
        await run("/n many")
        await until(pilot, lambda: "n must be a whole number" in frame(pilot))
        await run("/modle")
        await until(pilot, lambda: "Did you mean /model?" in frame(pilot))
        await run("/settings")
        await until(pilot, lambda: isinstance(pilot.app.screen, ModalScreen))
        await until(pilot, lambda: "Choose a theme" in frame(pilot))
        await pilot.press(*"parameters", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParametersDialog))


@pytest.mark.parametrize("number", ["9" * 5_000, "0", "x"])
async def test_a_number_of_answers_that_is_none_is_refused_in_words(
    server: LoopbackServer, tmp_path: Path, number: str
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await chat.groups.writing.submit(f"/n {number}")
        await until(pilot, lambda: "n must be a whole number" in frame(pilot))
        assert chat.groups.desk.conversation.session.settings.parameters.n is None

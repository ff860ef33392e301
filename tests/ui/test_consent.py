"""Consent is never an accident: when the card's keys answer, and what it has to show first."""

import json
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from replyscope.domain.exchange import ToolCall
from replyscope.domain.tool import Decision, Tool, ToolCallState
from replyscope.engine.consent import CallToDecide
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.chat.consent import ConsentPrompt
from replyscope.ui.chat.consent_card import ConsentCard
from replyscope.ui.dialogs.edit_dialog import EditDialog
from replyscope.ui.dialogs.help import HelpScreen
from replyscope.ui.dialogs.small import LineDialog
from tests.support.suite import sample
from tests.ui.app import chat_of, frame, make_app, open_chat, until

SIZE = (120, 40)
NEVER_S = 3_600.0
SOON_S = 0.02
RUNNING = ("y", "s", "a", "e")
WAYS = (("end",), ("pagedown",) * 12, ("j",) * 70, ("down",) * 70)
SMALL = ((30, 6), (120, 5), (16, 10), (40, 7))


class Asked:
    """Calls that wait for the person, and what they said to each, by its number."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self._pilot = pilot
        self.said: dict[int, Decision] = {}
        self._count = 0

    def ask(
        self,
        arguments: str = '{"path": "a.txt"}',
        *,
        name: str = "read_file",
        source: str = "shipped",
        touches: str = "reads one file",
    ) -> None:
        """Let a call wait, as the engine does."""
        chat, number = chat_of(self._pilot), self._count
        self._count += 1
        call = ToolCall(
            f"call_{number}", "function", name, arguments, state=ToolCallState.REQUESTED
        )
        tool = Tool(name, "", "{}", source, name, touches)
        wanted = CallToDecide(chat.desk.conversation.session.id, call, tool)
        consent = chat.desk.services.consent
        assert consent is not None

        async def decide() -> None:
            self.said[number] = await consent.decide(wanted)

        self._pilot.app.run_worker(decide())

    @property
    def allowed(self) -> list[int]:
        """The calls that may run."""
        return [number for number, decision in self.said.items() if decision.allows]


def app_at(folder: Path) -> ReplyscopeApp:
    return make_app(folder, "http://127.0.0.1:9/v1")


def card_of(pilot: Pilot[None]) -> ConsentCard:
    return chat_of(pilot).query_one(ConsentCard)


def look(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(ConsentPrompt, "LOOK_S", seconds)


async def shown(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: card_of(pilot).wanted, "the card")


async def looked_at(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: card_of(pilot).is_ready and card_of(pilot).has_focus, "the pause")


@pytest.mark.parametrize("text", ["just wait", "yes", "say no", "anyway", "easy", "yyyyyyyyyy"])
async def test_what_is_typed_before_the_pause_goes_on_into_the_composer(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, NEVER_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        for letter in text:
            asked.ask()
            await shown(pilot)
            await pilot.press("space" if letter == " " else letter)
        assert chat_of(pilot).panes.composer.text == text
        assert asked.said == {}


async def test_a_key_of_any_pane_begins_the_pause_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, NEVER_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        asked.ask()
        await shown(pilot)
        await pilot.press("ctrl+up")
        look(monkeypatch, SOON_S)
        await pilot.press("j")  # of the messages
        await until(pilot, lambda: card_of(pilot).is_ready)
        assert not card_of(pilot).has_focus
        await pilot.press("y")
        assert asked.said == {}


async def test_a_card_that_was_looked_at_is_answered_with_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        asked.ask()
        await looked_at(pilot)
        await pilot.press("y")
        await until(pilot, lambda: asked.allowed == [0])
        assert chat_of(pilot).panes.composer.has_focus


async def test_each_new_card_is_looked_at_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        for _ in range(6):
            asked.ask()
        await looked_at(pilot)
        look(monkeypatch, NEVER_S)
        await pilot.press(*"ysyaye")
        await until(pilot, lambda: asked.said)
        assert asked.allowed == [0]
        assert chat_of(pilot).panes.composer.text == "syaye"


async def test_a_held_key_that_comes_again_after_the_pause_answers_no_second_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Systems wait up to a second before a held key repeats: longer than the pause."""
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        monkeypatch.setattr(ConsentPrompt, "REPEAT_S", NEVER_S)
        asked = Asked(pilot)
        for _ in range(3):
            asked.ask()
        await looked_at(pilot)
        await pilot.press("y")
        await until(pilot, lambda: asked.said)
        await looked_at(pilot)
        await pilot.press(*"yyyyyy")
        assert asked.allowed == [0]


async def test_the_same_key_answers_the_next_card_when_it_comes_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    monkeypatch.setattr(ConsentPrompt, "REPEAT_S", SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        for number in range(3):
            asked.ask()
            await looked_at(pilot)
            await pilot.press("y")
            await until(pilot, partial(asked.said.__contains__, number), "the answer")
        assert asked.allowed == [0, 1, 2]


async def test_a_key_that_was_pressed_before_the_pause_ended_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy program hears keys late: what counts is when they were pressed."""
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        late = events.Key("y", "y")
        asked.ask()
        await looked_at(pilot)
        look(monkeypatch, NEVER_S)
        pilot.app.post_message(late)
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "y")
        assert asked.said == {}


async def test_words_that_begin_with_no_answer_go_on_into_the_composer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        asked.ask()
        await looked_at(pilot)
        await pilot.press(*"maybe")
        assert chat_of(pilot).panes.composer.text == "maybe"
        assert asked.said == {}
        await pilot.press("f6", "y")
        await until(pilot, lambda: asked.allowed == [0])


async def test_a_paste_while_the_card_has_the_focus_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        asked.ask()
        await looked_at(pilot)
        pilot.app.post_message(events.Paste("yes"))
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "yes")
        assert asked.said == {}


async def test_a_click_answers_no_card_that_was_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, NEVER_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        asked.ask()
        await shown(pilot)
        await until(pilot, lambda: "[y]yes" in frame(pilot))
        keys = card_of(pilot).query_one("#consent-keys")
        await pilot.click(keys, offset=(3, 0))
        assert asked.said == {}
        await pilot.press("y")
        assert chat_of(pilot).panes.composer.text == "y"
        look(monkeypatch, SOON_S)
        await pilot.press("backspace")
        await until(pilot, lambda: card_of(pilot).is_ready)
        await pilot.click(keys, offset=(3, 0))
        await until(pilot, lambda: asked.allowed == [0])


async def test_nobody_looks_at_a_card_under_another_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        asked.ask()
        await shown(pilot)
        await pilot.pause(SOON_S * 5)
        assert not card_of(pilot).is_ready
        look(monkeypatch, NEVER_S)
        await pilot.press("escape", "y")
        assert asked.said == {}


async def test_going_back_from_a_dialog_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        asked.ask()
        await looked_at(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        look(monkeypatch, SOON_S)
        await pilot.press("escape")
        await looked_at(pilot)
        await pilot.press("n")
        await until(pilot, lambda: 0 in asked.said)
        assert asked.allowed == []


LONG = json.dumps({"command": [f"argument {n}" for n in range(60)]})


@pytest.mark.parametrize(("way", "key"), sample(product(WAYS, RUNNING), 6))
async def test_a_call_that_goes_on_below_is_read_to_its_end_first(
    key: str, way: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=(80, 24), notifications=True) as pilot:
        asked = Asked(pilot)
        asked.ask(LONG, name="run_command")
        await looked_at(pilot)
        assert "more lines below, read on" in frame(pilot)
        await pilot.press(key)
        await until(pilot, lambda: "Read this call to its end first" in frame(pilot))
        assert pilot.app.screen is chat_of(pilot)
        await pilot.press(*way)
        await until(pilot, lambda: "argument 59" in frame(pilot), "the end")
        await pilot.press(key)
        await until(pilot, lambda: bool(asked.allowed) or isinstance(pilot.app.screen, EditDialog))


@pytest.mark.parametrize("key", ["n", "b"])
async def test_a_call_can_be_refused_without_reading_it(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=(80, 24)) as pilot:
        asked = Asked(pilot)
        asked.ask(LONG)
        await looked_at(pilot)
        await pilot.press(key)
        await until(pilot, lambda: 0 in asked.said or isinstance(pilot.app.screen, LineDialog))
        assert asked.allowed == []


HUGE = "x" * 5_000


@pytest.mark.parametrize(
    "parts", [{"name": HUGE}, {"source": f"mcp:{HUGE}"}, {"touches": HUGE}, {"name": "名" * 900}]
)
async def test_what_has_no_room_in_the_title_is_read_above_the_arguments(
    parts: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=(80, 24), notifications=True) as pilot:
        asked = Asked(pilot)
        asked.ask(**parts)
        await looked_at(pilot)
        await until(pilot, lambda: "[y]" in frame(pilot), "the answers")
        assert "more lines below" in frame(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "Read this call to its end first" in frame(pilot))
        assert asked.said == {}
        await pilot.press("end")
        await until(pilot, lambda: '"path": "a.txt"' in frame(pilot))
        await pilot.press("y")
        await until(pilot, lambda: asked.allowed == [0])


@pytest.mark.parametrize(("size", "key"), sample(product(SMALL, RUNNING), 6))
async def test_a_window_too_small_to_show_the_call_runs_nothing_and_says_so(
    size: tuple[int, int], key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=size, notifications=True) as pilot:
        asked = Asked(pilot)
        asked.ask()
        await looked_at(pilot)
        told: list[str] = []
        monkeypatch.setattr(chat_of(pilot), "tell", lambda text, **_: told.append(text))
        await pilot.press("end", key)
        await until(pilot, lambda: told, "the sentence")
        assert "Too small" in told[0]
        assert asked.said == {}
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: '"path": "a.txt"' in frame(pilot))
        await pilot.press("y")
        await until(pilot, lambda: asked.allowed == [0])


async def test_a_call_under_the_inspector_is_not_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=(80, 24), notifications=True) as pilot:
        asked = Asked(pilot)
        asked.ask()
        await looked_at(pilot)
        await pilot.press("f4")
        await until(pilot, lambda: chat_of(pilot).groups.visibility.inspector_open)
        await pilot.press("y")
        await until(pilot, lambda: "covers this call" in frame(pilot))
        assert asked.said == {}
        await pilot.press("f4", "y")
        await until(pilot, lambda: asked.allowed == [0])


async def test_a_call_too_long_to_be_laid_out_can_only_be_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE, notifications=True) as pilot:
        asked = Asked(pilot)
        asked.ask(json.dumps({"text": "word " * 100_000}))
        await looked_at(pilot)
        await pilot.press("end", "y")
        await until(pilot, lambda: "can only be refused" in frame(pilot))
        assert asked.said == {}
        await pilot.press("n")
        await until(pilot, lambda: 0 in asked.said)
        assert asked.allowed == []


UNSEEN = ("\u200b", "\u2060", "\u00ad", "\u3164", "\u115f", "\uffa0", "\u180e", "\u034f", "\u2800",
          "\ufe0f", "\U000e0041", "\U000e0100", "\u00a0", "\u200d", "\u202e")  # fmt: skip


@pytest.mark.parametrize("char", sample(UNSEEN, 5))
async def test_what_draws_nothing_is_shown_by_its_code(
    char: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=SIZE) as pilot:
        asked = Asked(pilot)
        arguments = json.dumps({"path": f"a{char}b"})
        asked.ask(arguments, name=f"read{char}_file", source=f"mcp:x{char}y")
        await looked_at(pilot)
        code = f"‹{ord(char):04x}›"
        for text in (f"a{code}b", f"read{code}_file", f"mcp:x{code}y"):
            assert text in frame(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, EditDialog))
        await pilot.press("enter")
        await until(pilot, lambda: asked.allowed == [0])
        assert json.loads(asked.said[0].arguments or "") == json.loads(arguments)


async def test_the_keys_stay_in_one_row_at_every_width_and_f6_reaches_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, SOON_S)
    async with open_chat(app_at(tmp_path), size=(200, 40)) as pilot:
        asked = Asked(pilot)
        chat_of(pilot).panes.transcript.focus()
        asked.ask()
        await until(pilot, lambda: card_of(pilot).is_ready)
        row = card_of(pilot).query_one("#consent-keys", Static)
        for width in (200, 120, 90, 70, 50):
            await pilot.resize_terminal(width, 40)
            await until(pilot, lambda: row.content_size.width > 0)
            await pilot.pause()
            text = str(row.render())
            assert row.region.height == 1
            assert len(text) <= row.content_size.width
            assert text.startswith("[F6]"), width
            assert text.endswith(("[Esc] stop the reply", "[Esc]stop", "[Esc]"))
        await pilot.press("f6")
        assert card_of(pilot).has_focus
        await pilot.press("y")
        await until(pilot, lambda: asked.allowed == [0])

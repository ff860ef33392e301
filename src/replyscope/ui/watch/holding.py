"""Held calls on the live screen: the bar that counts them, and the dialog that decides."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from replyscope.domain.errors import SettingsError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.watched import Refuse
from replyscope.engine.watching.held_calls import (
    DEFAULT_MESSAGE,
    DEFAULT_STATUS,
    AnswerHeld,
    HeldCall,
    HeldCalls,
    SendHeld,
    Verdict,
    refusal_status,
)
from replyscope.inspection.held_lines import held_lines
from replyscope.ui.dialogs.dialog import Dialog
from replyscope.ui.dialogs.edit_dialog import EditDialog
from replyscope.ui.dialogs.small import LineDialog
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.watch.desk import WatchDesk
from replyscope.ui.working_screen import WorkingScreen

_MOST_SHOWN = 50_000
"""The maximum number of characters that the dialog shows; the editor has the whole request."""
_LOOK_S = 0.2
_LEFT = "left"


class HeldBar(Static):
    """A line above the calls that says how many are held. A click opens the oldest one."""

    class Wanted(Message):
        """The held call was clicked."""

    def on_click(self) -> None:
        self.post_message(self.Wanted())


class HeldDialog(Dialog[str | None]):
    """A dialog that shows a held call. Returns the action, or that the client has left; None
    leaves the call held.
    """

    SIZE = "tall wide"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,s", "accept", "send", priority=True),
        Binding("e", "choose('edit')", "edit"),
        Binding("r", "choose('refuse')", "refuse"),
        Binding("a", "choose('answer')", "recorded reply"),
        Binding("escape", "cancel", "later"),
    ]

    def __init__(self, held: HeldCall, calls: HeldCalls) -> None:
        head, *self._lines = held_lines(held.request, held.facts)
        super().__init__(printable_line(head))
        self._held = held
        self._calls = calls

    def compose_content(self) -> ComposeResult:
        text = self._held.text
        rest = "" if len(text) <= _MOST_SHOWN else "\n… [e] shows the whole request"
        with VerticalScroll():
            yield Static(Content(printable_text("\n".join(self._lines))))
            yield Static(
                Content(f"\n{printable_text(text[:_MOST_SHOWN])}{rest}"), classes="held-json"
            )

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self.set_interval(_LOOK_S, self._look)

    def _look(self) -> None:
        """Close when the client has left."""
        if not self._calls.is_held(self._held) and self.is_current:
            self.dismiss(_LEFT)

    def action_accept(self) -> None:
        """Send the request."""
        self.dismiss("send")

    def action_choose(self, action: str) -> None:
        """Return another action."""
        self.dismiss(action)


class Holding:
    """Draws the bar, and carries out what is decided about the oldest held call."""

    def __init__(self, screen: WorkingScreen[Any], desk: WatchDesk, bar: HeldBar) -> None:
        self._screen = screen
        self._desk = desk
        self._bar = bar
        self._drawn = -1

    def draw(self) -> None:
        """Draw the bar, if the held calls have changed."""
        held = self._desk.watching.held
        if held.version == self._drawn:
            return
        self._drawn = held.version
        oldest = held.oldest()
        self._bar.display = oldest is not None
        if oldest is not None:
            (head, *_) = held_lines(oldest.request, oldest.facts)
            text = f"{plural(held.count, 'call')} held · {head.partition(' ')[2].strip()}"
            self._bar.update(Content.assemble(printable_line(text), "  [h] decide"))
        for footer in self._screen.query(KeyFooter):
            footer.draw()

    def decide(self) -> None:
        """Open the dialog of the oldest held call."""
        self._desk.start_work(self._decide, group="hold", exclusive=True, holds_keys=True)

    async def _decide(self) -> None:
        calls = self._desk.watching.held
        held = calls.oldest()
        if held is None:
            self._desk.tell("No call is held. `watch --hold QUERY` holds calls.", is_error=False)
            return
        verdict = None
        while verdict is None:
            action = await self._screen.app.push_screen_wait(HeldDialog(held, calls))
            if action == _LEFT:
                self._desk.tell("The client has left; the call is over.", is_error=False)
            if action in (None, _LEFT):
                return
            verdict = await self._verdict(held, action)
        problem = await calls.give(held, verdict)
        if problem is not None:
            self._desk.tell(problem)

    async def _verdict(self, held: HeldCall, action: str) -> Verdict | None:
        """The input of the person for an action; None to choose again."""
        if action == "send":
            return SendHeld()
        if action == "edit":
            text = await self._ask(EditDialog("Edit the request", held.text))
            return None if text is None else SendHeld(text)
        if action == "refuse":
            return self._refusal(await self._ask(_refuse_dialog()))
        what = await self._ask(_answer_dialog())
        return None if what is None else AnswerHeld(what)

    async def _ask(self, dialog: Dialog[str | None]) -> str | None:
        answer: str | None = await self._screen.app.push_screen_wait(dialog)
        return answer

    def _refusal(self, text: str | None) -> Verdict | None:
        if text is None:
            return None
        word, _, message = text.partition(" ")
        try:
            return Refuse(refusal_status(word), message.strip() or DEFAULT_MESSAGE)
        except SettingsError:
            self._desk.tell("Begin with a status from 400 to 599, such as 503 Try later.")
            return None


def _refuse_dialog() -> LineDialog:
    note = "The program gets this status and message. Nothing is forwarded."
    return LineDialog("Refuse the call", f"{DEFAULT_STATUS} {DEFAULT_MESSAGE}", note=note)


def _answer_dialog() -> LineDialog:
    note = (
        "The id of an exchange or a session, or a query. A reply to the same messages is "
        "taken first. Nothing is forwarded."
    )
    return LineDialog("Answer with a recorded reply", note=note)

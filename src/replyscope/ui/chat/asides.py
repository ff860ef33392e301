"""The command of side questions, and the dialog that shows the answer."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import Event, Listen, TextDelta
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import TextPart
from replyscope.domain.printable import printable_line, printable_text
from replyscope.engine.aside import ask_aside
from replyscope.engine.conversation import Conversation
from replyscope.engine.titles import title_by_model
from replyscope.inspection.explain import explain
from replyscope.inspection.figures import cost
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.dialog import CLOSE, Dialog
from replyscope.ui.dialogs.small import LineDialog

_DRAW_EVERY_S = 0.1
_MOST_TITLE = 60
_MOST_SHOWN = 20_000
"""The characters of an answer that are drawn, so that a huge one does not block keys."""

Ask = Callable[[Listen], Awaitable[Exchange | None]]


class AsideDialog(Dialog[None]):
    """A modal dialog that asks a side question, and shows the answer while it streams."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "close", priority=True, group=CLOSE),
        Binding("escape", "cancel", "close", group=CLOSE),
        Binding("ctrl+y", "copy", "copy", priority=True),
    ]
    SIZE = "tall wide"

    def __init__(self, question: str, ask: Ask, *, is_private: bool) -> None:
        title = printable_line(" ".join(question.split())[:_MOST_TITLE])
        super().__init__(f"Aside: {title}", "The answer is not part of later requests.")
        self._ask = ask
        self._is_private = is_private
        self._text: list[str] = []
        self._drawn = -1
        self._ending = "…"

    @property
    def is_unlogged(self) -> bool:
        """Whether the session is private."""
        return self._is_private

    def compose_content(self) -> ComposeResult:
        with VerticalScroll():
            yield Static("", id="aside-answer")
        yield Static("", id="aside-ending", classes="note")

    def on_mount(self) -> None:
        self.set_interval(_DRAW_EVERY_S, self._draw)
        self.start_work(self._run, group="aside")

    async def _run(self) -> None:
        try:
            exchange = await self._ask(self._listen)
        except ReplyscopeError as error:
            self._ending = printable_text(str(error))
        else:
            self._ending = "No model is chosen. [F2] chooses one."
            if exchange is not None:
                self._text = [exchange.choice(0).text]
                ending = explain(exchange, 0)
                self._ending = printable_line(
                    f"{ending.word} · {exchange.model} · {cost(exchange)}"
                )
                if exchange.failure is not None:
                    self._ending = printable_text(str(exchange.failure))
        self._drawn = -1
        self._draw()

    def _listen(self, event: Event) -> None:
        if type(event) is TextDelta:
            self._text.append(event.text)

    def _draw(self) -> None:
        if self._drawn != len(self._text):
            self._drawn = len(self._text)
            text = "".join(self._text)
            if len(text) > _MOST_SHOWN:
                text = f"{text[:_MOST_SHOWN]}\n… {len(text):,} characters; [Ctrl+Y] copies all"
            self.query_one("#aside-answer", Static).update(Content(printable_text(text)))
            self.query_one("#aside-ending", Static).update(Content(self._ending))

    def action_copy(self) -> None:
        """Copy the answer."""
        self.app.copy_to_clipboard("".join(self._text))
        self.tell("Answer copied", is_error=False)

    def action_accept(self) -> None:
        """Close the dialog. An answer that streams is stopped, and kept so far."""
        self.dismiss(None)


class AsideCommands:
    """The command of side questions, and titles by a model."""

    def __init__(self, desk: Desk, view: ChatView) -> None:
        self._desk = desk
        self._view = view

    def ask(self, question: str = "") -> None:
        """Ask a side question in a dialog."""
        if not question:
            self._desk.ask_dialog(LineDialog("Side question"), self.ask)
            return
        conversation = self._desk.conversation
        ask = partial(self._ask, conversation, question)
        dialog = AsideDialog(question, ask, is_private=conversation.is_private)
        self._desk.show(dialog, lambda _: self._view.draw_status())

    async def _ask(
        self, conversation: Conversation, question: str, listen: Listen
    ) -> Exchange | None:
        await self._desk.local_start.has_target(conversation)
        target = await self._desk.targets.target_for(conversation)
        if target is None:
            return None
        spending = self._desk.services.spending
        return await ask_aside(conversation, (TextPart(question),), target, spending, listen)

    def title(self, conversation: Conversation) -> None:
        """Write the title with a model after the first reply, if `title_model` is set."""
        if self._desk.services.settings.title_model is not None:
            self._desk.start_work(self._title, conversation, group="title")

    async def _title(self, conversation: Conversation) -> None:
        try:
            title = await title_by_model(conversation, self._desk.targets, self._desk.services)
        except ReplyscopeError as error:
            self._desk.tell(f"No title was written: {error}")
            return
        if title is not None:
            self._view.refresh_sidebar()
            self._view.draw_status()

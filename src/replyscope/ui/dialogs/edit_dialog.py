"""Dialogs for more than a line of text: one to write in, one to read."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Label, Static, TextArea

from replyscope.domain.printable import printable_text


class _Editor(TextArea):
    """Enter accepts and Ctrl+J breaks the line, as in the composer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "Accept", show=False, priority=True),
        Binding("ctrl+j", "line_break", "New line", show=False),
    ]

    class Accepted(Message):
        """The person is done."""

    def action_accept(self) -> None:
        """Done."""
        self.post_message(self.Accepted())

    def action_line_break(self) -> None:
        """Break the line."""
        self.insert("\n")


class EditDialog(ModalScreen[str | None]):
    """Asks for text of several lines."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(self, title: str, text: str = "", note: str = "") -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._note = note

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall wide"):
            yield Label(Content(self._title), classes="dialog-title")
            yield _Editor(printable_text(self._text), compact=True)
            if self._note:
                yield Static(Content(self._note), classes="hint")
            yield Static("Enter accepts, Ctrl+J breaks the line, Esc cancels", classes="hint")

    def on__editor_accepted(self) -> None:
        self.dismiss(self.query_one(_Editor).text)


class ReadDialog(ModalScreen[None]):
    """Shows a text that is too long for a notice."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "dismiss(None)", "Close")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall wide"):
            yield Label(Content(self._title), classes="dialog-title")
            with VerticalScroll():
                yield Static(Content(printable_text(self._text)))
            yield Static("Esc closes", classes="hint")

"""Dialogs for several lines of text: an editor and a reader."""

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
    """A text area in which Enter accepts and Ctrl+J breaks the line, as in the composer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "Accept", show=False, priority=True),
        Binding("ctrl+j", "line_break", "New line", show=False),
    ]

    class Accepted(Message):
        """The text was accepted."""

    def action_accept(self) -> None:
        """Accept the text."""
        self.post_message(self.Accepted())

    def action_line_break(self) -> None:
        """Break the line."""
        self.insert("\n")


class EditDialog(ModalScreen[str | None]):
    """A modal dialog that asks for several lines of text. Returns None when cancelled."""

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
    """A modal dialog that shows a text that is too long for a toast."""

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

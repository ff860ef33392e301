"""Dialogs for several lines of text: an editor and a reader."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static, TextArea

from replyscope.domain.printable import printable_text
from replyscope.ui.dialogs.dialog import CLOSE, Dialog


class TextEditor(TextArea):
    """A text area of a dialog: Ctrl+J breaks the line, as in the composer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter", "line_break", "New line"),
    ]

    def action_line_break(self) -> None:
        """Break the line."""
        self.insert("\n")


class EditDialog(Dialog[str | None]):
    """A modal dialog that asks for several lines of text. Returns None when cancelled."""

    SIZE = "tall wide"

    def __init__(self, title: str, text: str = "", note: str = "") -> None:
        super().__init__(title, note)
        self._text = text

    def compose_content(self) -> ComposeResult:
        yield TextEditor(printable_text(self._text), compact=True)

    def action_accept(self) -> None:
        """Return the text."""
        self.dismiss(self.query_one(TextEditor).text)


class ReadDialog(Dialog[None]):
    """A modal dialog that shows a text that is too long for a toast."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "accept", "close", priority=True, group=CLOSE),
        Binding("escape", "cancel", "close", group=CLOSE),
    ]
    SIZE = "tall wide"

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title)
        self._text = text

    def compose_content(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(Content(printable_text(self._text)))

    def action_accept(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

"""The help screen. It is built from the bindings and commands, so it is never out of date."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

HelpRows = list[tuple[str, list[tuple[str, str, str]]]]
"""Sections of (keys or command, description, the id to remap the keys by or "")."""


class HelpScreen(ModalScreen[None]):
    """A modal screen that lists keys and commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Close"),
    ]

    def __init__(self, sections: HelpRows) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall wide"):
            yield Label("Keys and commands", classes="dialog-title")
            with VerticalScroll():
                yield Static(self._content())
            yield Static("Esc closes. Keys are remapped by id in settings.toml.", classes="hint")

    def _content(self) -> Content:
        lines: list[Content] = []
        for title, rows in self._sections:
            lines += [Content(""), Content.styled(title, "bold $text-primary")]
            lines += [
                Content.assemble(
                    (f"{keys:<18}", "$text-accent"),
                    f"{text:<24}" if name else text,
                    (name, "$text-muted"),
                )
                for keys, text, name in rows
            ]
        return Content("\n").join(lines[1:])

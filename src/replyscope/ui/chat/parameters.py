"""The dialog of the system prompt and the parameters of a session."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, Static, TextArea

from replyscope.domain import limits
from replyscope.domain.session import Parameters
from replyscope.engine.parameter_texts import read_parameters, shown_value
from replyscope.ui.dialogs.dialog import Dialog
from replyscope.ui.dialogs.edit_dialog import TextEditor

_HINTS = {
    "max_tokens": "limit on output tokens",
    "temperature": "0 to 2",
    "top_p": "0 to 1",
    "seed": "a whole number",
    "n": f"number of replies, {limits.CHOICES}",
    "reasoning_effort": "minimal, low, medium, high …",
    "verbosity": "low, medium, high",
    "store": "yes or no: the server stores replies",
    "background": "yes or no: the reply continues on the server when you quit",
    "metadata": "name=value, name=value",
}


class ParametersDialog(Dialog[tuple[str | None, Parameters] | None]):
    """A modal form that edits a session's system prompt and parameters. None when cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next field"),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", show=False),
        Binding("ctrl+j", "line_break", "new line"),
    ]
    SIZE = "tall wide"

    def __init__(self, system: str | None, parameters: Parameters) -> None:
        super().__init__("System prompt and parameters")
        self._system = system
        self._parameters = parameters

    def compose_content(self) -> ComposeResult:
        yield Static("", id="fault", classes="fault")
        yield TextEditor(
            self._system or "",
            soft_wrap=True,
            tab_behavior="focus",
            id="system",
            placeholder="system prompt",
        )
        with VerticalScroll(classes="fields", can_focus=False):
            for name, hint in _HINTS.items():
                with Horizontal(classes="field"):
                    yield Label(name)
                    value = shown_value(getattr(self._parameters, name))
                    yield Input(value, placeholder=hint, id=name, compact=True)
        yield Static("Leave blank for the server's default.", classes="hint")

    def action_line_break(self) -> None:
        """Break the line of the system prompt."""
        editor = self.query_one(TextEditor)
        if editor.has_focus:
            editor.action_line_break()

    def action_accept(self) -> None:
        """Validate the fields and return their values, or show which field is invalid."""
        texts = {field.id: field.value.strip() for field in self.query(Input) if field.id}
        try:
            parameters = read_parameters(texts)
        except ValueError as error:
            self.query_one("#fault", Static).update(Content(str(error)))
            wrong = str(error).partition(" ")[0]
            self.query_one(f"#{wrong}", Input).focus()
            return
        system = self.query_one("#system", TextArea).text.strip()
        self.dismiss((system or None, parameters))

"""The dialog of the system prompt and the parameters of a session."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static, TextArea

from replyscope.domain import limits
from replyscope.domain.session import Parameters
from replyscope.engine.parameter_texts import read_parameters, shown_value

_HINTS = {
    "max_tokens": "limit on output tokens",
    "temperature": "0 to 2",
    "top_p": "0 to 1",
    "seed": "a whole number",
    "n": f"answers to choose among, {limits.CHOICES}",
    "reasoning_effort": "minimal, low, medium, high …",
    "verbosity": "low, medium, high",
    "store": "yes or no: whether the server keeps replies",
    "background": "yes or no: the server goes on when you leave",
    "metadata": "name=value, name=value",
}


class ParametersDialog(ModalScreen[tuple[str | None, Parameters] | None]):
    """A modal form that edits a session's system prompt and parameters. None when cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("ctrl+j", "accept", "Accept", priority=True),
    ]

    def __init__(self, system: str | None, parameters: Parameters) -> None:
        super().__init__()
        self._system = system
        self._parameters = parameters

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall"):
            yield Label("System prompt · Ctrl+J accepts, Esc cancels", classes="dialog-title")
            yield Static("", id="fault", classes="fault")
            yield TextArea(self._system or "", soft_wrap=True, tab_behavior="focus", id="system")
            with VerticalScroll(classes="fields", can_focus=False):
                for name, hint in _HINTS.items():
                    with Horizontal(classes="field"):
                        yield Label(name)
                        value = shown_value(getattr(self._parameters, name))
                        yield Input(value, placeholder=hint, id=name, compact=True)
            with Horizontal(classes="buttons"):
                yield Button("Accept", variant="primary", id="accept")
                yield Button("Cancel", id="cancel")
            yield Static("Empty fields leave it to the server.", classes="hint")

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#accept")
    @on(Input.Submitted)
    def action_accept(self) -> None:
        """Validate the fields and return their values, or show which field is invalid."""
        texts = {field.id: field.value.strip() for field in self.query(Input) if field.id}
        try:
            parameters = read_parameters(texts)
        except ValueError as error:
            self.query_one("#fault", Static).update(Content(str(error)))
            return
        system = self.query_one("#system", TextArea).text.strip()
        self.dismiss((system or None, parameters))

"""The form of a prompt: a field for each variable, and the text of the message."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Input, Label, Static, TextArea

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.prompt import Prompt, Variable, VariableType
from replyscope.engine.path_completion import PathCompletion
from replyscope.engine.prompts import Filled, fill
from replyscope.inspection.prompt_view import about_variable
from replyscope.ui.dialogs.dialog import Dialog
from replyscope.ui.dialogs.edit_dialog import TextEditor
from replyscope.ui.keys.entries import FixedGuide

_CHOICES = Binding.Group("choices")


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """The result of the form: the message, and the values of the variables."""

    filled: Filled
    values: Mapping[str, str]


class PathSuggester(Suggester):
    """Completes the paths of files."""

    def __init__(self, folder: Path) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._paths = PathCompletion(lambda: folder)

    async def get_suggestion(self, value: str) -> str | None:
        """The first path that begins with the typed one."""
        found = await self._paths.complete(value) if value else []
        return found[0][0] if found else None


class VariableInput(Input):
    """The field of a variable. Up and down go through its choices."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "Previous choice", group=_CHOICES),
        Binding("down", "choose(1)", "Next choice", group=_CHOICES),
    ]

    def __init__(self, variable: Variable, value: str, folder: Path) -> None:
        self.variable = variable
        self._choices = _choices_of(variable)
        suggester: Suggester | None = None
        if variable.type is VariableType.FILE:
            suggester = PathSuggester(folder)
        elif self._choices:
            suggester = SuggestFromList(self._choices, case_sensitive=False)
        self._given, self._shown = value, printable_line(value)
        super().__init__(
            self._shown,
            placeholder=printable_line(about_variable(variable)),
            suggester=suggester,
            compact=True,
        )

    @property
    def answer(self) -> str:
        """The value: the given one, exactly, if it was not changed."""
        return self._given if self.value == self._shown else self.value

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is available: choosing needs choices."""
        return (
            bool(self._choices) if action == "choose" else super().check_action(action, parameters)
        )

    def action_choose(self, step: int) -> None:
        """Show the next or previous choice."""
        known = self._choices
        at = known.index(self.value) + step if self.value in known else (0 if step > 0 else -1)
        self.value = known[at % len(known)]
        self.cursor_position = len(self.value)


class PromptForm(Dialog[FormAnswer | None]):
    """A modal form. It returns the filled prompt; a wrong or missing value is shown in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "into the composer", priority=True),
        Binding("ctrl+s", "accept", "Into the composer", show=False, priority=True),
        Binding("escape", "cancel", "cancel"),
        Binding("tab", "app.focus_next", "next field"),
    ]
    key_guide = FixedGuide(first=("accept", "line_break", "choose(-1)", "choose(1)"))
    SIZE = "tall wide"

    def __init__(self, prompt: Prompt, values: Mapping[str, str], text: str, folder: Path) -> None:
        super().__init__(printable_line(prompt.title or prompt.name))
        self._prompt = prompt
        self._values = values
        self._text = text
        self._folder = folder

    def compose_content(self) -> ComposeResult:
        with VerticalScroll(classes="fields", can_focus=False):
            for one in self._prompt.variables:
                with Horizontal(classes="field"):
                    yield Label(Content(printable_line(one.name)))
                    yield VariableInput(one, self._values.get(one.name, ""), self._folder)
            if self._prompt.takes_input or self._text:
                yield TextEditor(printable_text(self._text), compact=True)
        yield Static("", classes="hint")
        yield Static("", classes="fault")

    def on_mount(self) -> None:
        """Focus the first field without a value, and show where the text comes from."""
        for field in self.query(TextEditor):
            field.border_title = "text" if self._prompt.takes_input else "text that follows"
        fields = [*self.query(VariableInput), *self.query(TextEditor)]
        empty = [one for one in fields if not _text_of(one)]
        if fields:
            (empty or fields)[0].focus()

    @on(events.DescendantFocus)
    def _describe(self, event: events.DescendantFocus) -> None:
        field = event.widget
        about = about_variable(field.variable) if isinstance(field, VariableInput) else ""
        self.query_one(".hint", Static).update(Content(printable_line(about)))

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _forget_fault(self) -> None:
        self.query_one(".fault", Static).update("")

    def action_accept(self) -> None:
        """Return the filled prompt, or show what is wrong."""
        values = {one.variable.name: one.answer for one in self.query(VariableInput)}
        text = "".join(one.text for one in self.query(TextEditor))
        try:
            self.dismiss(FormAnswer(fill([self._prompt], values, text), values))
        except ReplyscopeError as error:
            self.query_one(".fault", Static).update(Content(printable_line(str(error))))


def _text_of(field: VariableInput | TextEditor) -> str:
    return field.value if isinstance(field, VariableInput) else field.text


def _choices_of(variable: Variable) -> tuple[str, ...]:
    return ("yes", "no") if variable.type is VariableType.YES_NO else variable.choices

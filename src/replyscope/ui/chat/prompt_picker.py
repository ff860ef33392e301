"""The list of the prompts of the library, with the text of the highlighted one."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static

from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.prompt import Prompts, is_prompt_name
from replyscope.engine.prompts import describe_prompt
from replyscope.inspection.prompt_view import prompt_lines
from replyscope.ui.dialogs.dialog import ListDialog, Row
from replyscope.ui.styles.muted import MUTED

USE, EDIT, NEW = "use", "edit", "new"
_MOST_LINES = 40
_LONGEST = 4_000
_FREE = "new:"


class PromptPicker(ListDialog[tuple[str, str] | None]):
    """A modal list of prompts. It returns what to do, and the name of a prompt.

    A file that is not used is listed with its fault, and can be edited. A typed name that no
    prompt has is a new prompt.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "use", priority=True),
        Binding("ctrl+g", "edit", "edit in $EDITOR", priority=True),
    ]
    SIZE = "tall wide"
    placeholder = "type to filter, or the name of a new prompt"

    def __init__(self, prompts: Prompts) -> None:
        note = "" if prompts.by_name or prompts.faults else "No prompts yet. Type a name."
        super().__init__("Prompts", note)
        self._prompts = prompts

    def compose_content(self) -> ComposeResult:
        yield from super().compose_content()
        yield Static("", id="about")

    def rows(self) -> Sequence[Row]:
        """The prompts, the files that are not used, and the typed name."""
        known = self._prompts
        rows = [Row(name, name, describe_prompt(one)) for name, one in known.by_name.items()]
        rows += [Row(name, name, f"not used: {why}") for name, why in known.faults.items()]
        if self._is_new(self.typed):
            rows.append(Row(f"{_FREE}{self.typed}", self.typed, "write a new prompt"))
        return rows

    def _is_new(self, name: str) -> bool:
        known = self._prompts
        return is_prompt_name(name) and name not in known.by_name and name not in known.faults

    @on(OptionList.OptionHighlighted)
    def _show_text(self, event: OptionList.OptionHighlighted) -> None:
        prompt = self._prompts.by_name.get(event.option_id or "")
        about = self.query_one("#about", Static)
        if prompt is None:
            about.update("")
            return
        text = "\n".join(prompt.body[:_LONGEST].splitlines()[:_MOST_LINES])
        head = "\n".join(map(printable_line, prompt_lines(prompt)))
        about.update(Content.styled(f"{head}\n", MUTED) + Content(printable_text(text)))

    def action_accept(self) -> None:
        """Use the highlighted prompt, or write a new one."""
        chosen = self.highlighted
        if chosen in self._prompts.by_name:
            self.dismiss((USE, str(chosen)))
        else:
            self.action_edit()

    def action_edit(self) -> None:
        """Edit the highlighted prompt, or write a new one."""
        chosen = self.highlighted or ""
        if chosen.startswith(_FREE):
            self.dismiss((NEW, self.typed))
        elif chosen:
            self.dismiss((EDIT, chosen))

"""Small modal dialogs: a line of text, and a choice from a list. Each returns a value."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from replyscope.domain.printable import printable_line, printable_text


class LineDialog(ModalScreen[str | None]):
    """A modal dialog that asks for one line of text. With `may_be_empty` it accepts no text."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(
        self,
        title: str,
        value: str = "",
        *,
        is_secret: bool = False,
        may_be_empty: bool = False,
        note: str = "",
    ) -> None:
        super().__init__()
        self._note = note
        self._title = title
        self._value = value
        self._may_be_empty = may_be_empty
        self._is_secret = is_secret

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content(self._title), classes="dialog-title")
            if self._note:
                yield Static(Content(printable_text(self._note)), classes="note")
            yield Input(printable_line(self._value), password=self._is_secret)
            yield Static("Enter accepts, Esc cancels", classes="hint")

    @on(Input.Submitted)
    def _accept(self, event: Input.Submitted) -> None:
        value = event.value.strip()
        self.dismiss(value if value or self._may_be_empty else None)


class PickDialog(ModalScreen[str | None]):
    """A modal list with a filter. With `is_free` it also accepts a text that is not in the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("down", "move(1)", "Next", show=False, priority=True),
        Binding("up", "move(-1)", "Previous", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        rows: Sequence[tuple[str, str]],
        *,
        current: str | None = None,
        is_free: bool = False,
        note: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._rows = rows
        self._current = current
        self._is_free = is_free
        self._note = note

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall"):
            yield Label(Content(self._title), classes="dialog-title")
            yield Input(placeholder="type to filter")
            yield OptionList()
            if self._note:
                yield Static(Content(printable_text(self._note)), classes="hint")
            free = ", Enter on a name of your own takes it" if self._is_free else ""
            yield Static(f"Enter chooses, Esc cancels{free}", classes="hint")

    def on_mount(self) -> None:
        self._filter("")

    @on(Input.Changed)
    def _on_typed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def _filter(self, typed: str) -> None:
        words = typed.lower().split()
        options = self.query_one(OptionList)
        options.clear_options()
        for value, text in self._rows:
            if all(word in f"{value} {text}".lower() for word in words):
                mark = "• " if value == self._current else "  "
                label = Content.assemble(
                    mark + printable_line(value), ("  " + printable_line(text), "$text-muted")
                )
                options.add_option(Option(label, id=value))
        if options.option_count:
            options.highlighted = 0
            if not typed and self._current is not None:
                values = [value for value, _ in self._rows]
                if self._current in values:
                    options.highlighted = values.index(self._current)

    def action_move(self, step: int) -> None:
        """Move the highlight while the filter keeps the focus."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    @on(Input.Submitted)
    def _accept(self, event: Input.Submitted) -> None:
        options = self.query_one(OptionList)
        typed = event.value.strip()
        if self._is_free and typed and not options.option_count:
            self.dismiss(typed)
        elif options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

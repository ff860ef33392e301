"""Small modal dialogs: a line of text, and a choice from a list. Each returns a value."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList

from replyscope.domain.printable import printable_line
from replyscope.ui.dialogs.dialog import Dialog, ListDialog, Row


class LineDialog(Dialog[str | None]):
    """A modal dialog that asks for one line of text. With `may_be_empty` it accepts no text."""

    def __init__(
        self,
        title: str,
        value: str = "",
        *,
        is_secret: bool = False,
        may_be_empty: bool = False,
        note: str = "",
    ) -> None:
        super().__init__(title, note)
        self._value = value
        self._may_be_empty = may_be_empty
        self._is_secret = is_secret

    def compose_content(self) -> ComposeResult:
        yield Input(printable_line(self._value), password=self._is_secret, compact=True)

    def action_accept(self) -> None:
        """Return the text, None without a text."""
        value = self.query_one(Input).value.strip()
        self.dismiss(value if value or self._may_be_empty else None)


class PickDialog(ListDialog[str | None]):
    """A modal list of choices. With `is_free` it also accepts a text that is not in the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "choose", priority=True),
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
        super().__init__(title, note)
        self._rows = rows
        self._current = current
        self._is_free = is_free
        if is_free:
            self.placeholder = "type to filter, or a name of your own"

    def rows(self) -> Sequence[Row]:
        """The choices; the current one has a bullet."""
        has_mark = any(value == self._current for value, _ in self._rows)
        marks = {True: "• ", False: "  " if has_mark else ""}
        return [
            Row(value, value, text, marks[value == self._current]) for value, text in self._rows
        ]

    def first_highlight(self) -> str | None:
        """The current choice."""
        return self._current

    def action_accept(self) -> None:
        """Return the highlighted choice, or the typed text."""
        if self.highlighted is not None:
            self.dismiss(self.highlighted)
        elif self._is_free and self.typed and not self.query_one(OptionList).option_count:
            self.dismiss(self.typed)

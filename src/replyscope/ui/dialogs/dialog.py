"""The base classes of dialogs: title, content, a blank line and the line of keys."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar, TypeVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.values import dataclass
from replyscope.ui.keys.entries import FixedGuide, KeyGuide
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.styles.muted import MUTED
from replyscope.ui.working_screen import WorkingScreen

Result = TypeVar("Result")
_WIDEST_TITLE, _LEAST_TEXT = 30, 24
"""The widest column of titles, and the narrowest of explanations beside it; in cells."""
_FIRST_ROWS = 80
"""The rows that are drawn at once: more than the highest terminal shows."""
_WIDE, _NARROW, _FRAME = 92, 64, 7
"""The widths of the boxes in dialogs.tcss; border, padding and scroll bar of one; in cells."""
_HANGING = 4


CLOSE = Binding.Group("close")
"""The keys that close a dialog which only shows something."""


class Dialog(WorkingScreen[Result], ModalScreen[Result]):
    """A modal dialog. Enter and Ctrl+S accept, Esc cancels; both are in the footer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "accept", priority=True),
        Binding("ctrl+s", "accept", "Accept", show=False, priority=True),
        Binding("escape", "cancel", "cancel"),
    ]
    key_guide: KeyGuide = FixedGuide(first=("accept",))
    SIZE: ClassVar[str] = ""
    """The style classes of the dialog's box: tall, wide or both."""

    def __init__(self, title: str, note: str = "") -> None:
        super().__init__()
        self._heading = title
        self._note = note

    def compose(self) -> ComposeResult:
        with Vertical(classes=f"dialog {self.SIZE}"):
            yield Label(Content(self._heading), classes="dialog-title")
            if self._note:
                yield Static(Content(printable_text(self._note)), classes="note")
            yield from self.compose_content()
            yield KeyFooter()

    def compose_content(self) -> ComposeResult:
        """The widgets between the title and the keys."""
        raise NotImplementedError

    def show_title(self, title: str) -> None:
        """Replace the title."""
        self.query_one(".dialog-title", Label).update(Content(title))

    def action_accept(self) -> None:
        """Return the value of the dialog."""
        raise NotImplementedError

    def action_cancel(self) -> None:
        """Close the dialog without a value."""
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list: the value that it returns, its title and an explanation."""

    value: str
    title: str
    text: str = ""
    mark: str = ""
    """The sign before the title: a tick, or a bullet."""

    @property
    def searched(self) -> str:
        """The text that the filter searches."""
        return f"{self.value} {self.title} {self.text}".lower()


class Filter(Input):
    """The filter of a list. Some printable keys are commands of the list instead."""

    def __init__(self, placeholder: str, keys_of_list: frozenset[str]) -> None:
        super().__init__(placeholder=placeholder, compact=True, classes="filter")
        self._keys_of_list = keys_of_list

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is typed into the filter."""
        return key not in self._keys_of_list and super().check_consume_key(key, character)


class ListDialog(Dialog[Result]):
    """A dialog with a filter and a list. Letters filter; the arrow keys move the highlight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move('cursor_down')", "Next", show=False, priority=True),
        Binding("up", "move('cursor_up')", "Previous", show=False, priority=True),
        Binding("pagedown", "move('page_down')", "Next page", show=False, priority=True),
        Binding("pageup", "move('page_up')", "Previous page", show=False, priority=True),
        Binding("home", "move('first')", "First", show=False, priority=True),
        Binding("end", "move('last')", "Last", show=False, priority=True),
    ]
    SIZE = "tall"
    KEYS_OF_LIST: ClassVar[frozenset[str]] = frozenset()
    """The printable keys that are commands of the list, and are not typed into the filter."""
    MOST_ROWS: ClassVar[int] = 500
    """The maximum number of listed rows; a filter finds the rest."""
    placeholder = "type to filter"

    def compose_content(self) -> ComposeResult:
        yield Filter(self.placeholder, self.KEYS_OF_LIST)
        yield OptionList(compact=True)

    def __init__(self, title: str, note: str = "") -> None:
        super().__init__(title, note)
        self._later: Iterator[Option] = iter(())
        """The options that are added when the list is scrolled down."""
        self._drawn_width = 0

    def on_mount(self) -> None:
        self.watch(self.query_one(OptionList), "scroll_y", self._draw_later, init=False)
        self.fill(self.first_highlight())

    def first_highlight(self) -> str | None:
        """The value of the row that is highlighted when the dialog opens; None is the first row."""
        return None

    def rows(self) -> Sequence[Row]:
        """All rows of the list."""
        raise NotImplementedError

    @property
    def typed(self) -> str:
        """The text of the filter."""
        return self.query_one(Input).value.strip()

    @property
    def highlighted(self) -> str | None:
        """The value of the highlighted row."""
        option = self.query_one(OptionList).highlighted_option
        return option.id if option is not None else None

    def fill(self, highlighted: str | None = None) -> None:
        """Draw the rows that match the filter, with the first or the given one highlighted."""
        options = self.query_one(OptionList)
        wanted = highlighted
        words = self.typed.lower().split()
        rows = self.matching(words)[: self.MOST_ROWS]
        self._drawn_width = self._list_width()
        values = [row.value for row in rows]
        at = values.index(wanted) if wanted in values else 0
        self._later = _options(rows, self._drawn_width)
        options.clear_options()
        self._add(at + _FIRST_ROWS)
        if rows:
            options.highlighted = at

    def matching(self, words: Sequence[str]) -> Sequence[Row]:
        """The rows that have all words of the filter."""
        return [row for row in self.rows() if all(word in row.searched for word in words)]

    def filter_changed(self) -> None:
        """Draw the rows for the changed filter."""
        self.fill()

    def _draw_later(self) -> None:
        """Add more rows, when the list is scrolled near the last one."""
        options = self.query_one(OptionList)
        if options.scroll_y + 2 * options.size.height >= options.virtual_size.height:
            self._add(_FIRST_ROWS)

    def _add(self, number: int) -> None:
        self.query_one(OptionList).add_options(islice(self._later, number))

    def _list_width(self) -> int:
        """The width of the rows in cells, also before the first layout."""
        box = _WIDE if "wide" in self.SIZE else _NARROW
        return min(box, self.app.size.width) - _FRAME

    @on(Input.Changed, ".filter")
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self.filter_changed()

    def on_resize(self, _event: events.Resize) -> None:
        if self._list_width() != self._drawn_width:
            self.call_after_refresh(lambda: self.fill(self.highlighted))

    def action_move(self, where: str) -> None:
        """Move the highlight while the filter keeps the focus."""
        if where in ("last", "cursor_up"):  # up from the first row is the last
            self._add(self.MOST_ROWS)
        getattr(self.query_one(OptionList), f"action_{where}")()

    @on(OptionList.OptionSelected)
    def _accept_clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_accept()


def _options(rows: Sequence[Row], width: int) -> Iterator[Option]:
    """The rows. Explanations are in a column, or after or below the titles if one is too long for
    that; all have a hanging indent.
    """
    titles = [f"{row.mark}{printable_line(row.title)}" for row in rows]
    lengths = [cell_len(title) for title in titles]
    column = max(lengths, default=0) + 2
    is_table = column <= min(_WIDEST_TITLE, width - _LEAST_TEXT)
    for row, title, length in zip(rows, titles, lengths, strict=True):
        text = Content.styled(printable_line(row.text), MUTED)
        label = Content(title)
        if is_table:
            label += _hung(Content(" " * (column - length)), text, width, column)
        elif row.text and length + 2 + text.cell_length <= width:
            label += Content("  ") + text
        elif row.text:
            label += _hung(Content("\n" + " " * _HANGING), text, width, _HANGING)
        yield Option(label, id=row.value)


def _hung(lead: Content, text: Content, width: int, indent: int) -> Content:
    """A text after `lead`, its further lines indented."""
    lines = [line.rstrip() for line in text.wrap(width - indent)]
    return lead + Content("\n" + " " * indent).join(lines)

"""The list of completions above the composer, for commands and file names."""

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from replyscope.domain.printable import printable_line
from replyscope.ui.styles.muted import MUTED


class Suggestions(OptionList, can_focus=False):
    """A list that is shown while completions exist; the composer keeps the focus."""

    def offer(self, rows: list[tuple[str, str]], *, chooses: bool = True) -> None:
        """Show (value, help) rows, or hide when there are none. With `chooses` the first one is
        highlighted.
        """
        self.clear_options()
        if self.display != bool(rows):  # setting it lays the screen out again
            self.display = bool(rows)
        if not rows:
            return
        widest = max(len(value) for value, _ in rows)
        self.add_options(
            Option(
                Content.assemble(
                    printable_line(value).ljust(widest + 2),
                    (printable_line(text), MUTED),
                ),
                id=value,
            )
            for value, text in rows
        )
        self.highlighted = 0 if chooses else None

    @property
    def chosen(self) -> str | None:
        """The highlighted value."""
        if not self.display or self.highlighted is None:
            return None
        return self.get_option_at_index(self.highlighted).id

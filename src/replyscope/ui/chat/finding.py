"""The commands that find a text in the open conversation."""

from textual.widgets import Input

from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.panes import Panes
from replyscope.ui.working_screen import WorkingScreen


class Finding:
    """Commands of the find field."""

    def __init__(self, desk: Desk, panes: Panes, screen: WorkingScreen[None]) -> None:
        self._desk = desk
        self._panes = panes
        self._screen = screen

    def find(self, text: str = "") -> None:
        """Open the find field; with a text, also find it in the open conversation."""
        field = self._screen.query_one("#find", Input)
        field.display = True
        field.value = text
        field.focus()
        if text:
            self._panes.transcript.find_next(text, backwards=True)

    def mark(self, text: str) -> None:
        """Mark the matches of a text while it is typed."""
        self._panes.transcript.needle = text

    def find_text(self, text: str) -> None:
        """Scroll to the last match of a text."""
        if not self._panes.transcript.find_next(text, backwards=True):
            self._desk.tell(f"“{text}” is not in this conversation", is_error=False)
            return
        self._panes.transcript.focus()

    def find_again(self, step: int) -> None:
        """Scroll to the next or previous match."""
        if self._panes.transcript.needle:
            self._panes.transcript.find_next(self._panes.transcript.needle, backwards=step < 0)

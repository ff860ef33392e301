"""The panes of the live screen, starting and stopping, and the way back."""

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.watch.acting import OpenedCall
from replyscope.ui.watch.desk import WatchDesk
from replyscope.ui.working_screen import WorkingScreen


class WatchLayout:
    """Focuses panes, starts and stops the watch, and closes the screen."""

    def __init__(
        self,
        screen: WorkingScreen[OpenedCall | None],
        desk: WatchDesk,
        field: QueryField,
        reading: ReadingPane,
        endpoint: Endpoint | None,
    ) -> None:
        self._screen = screen
        self._desk = desk
        self._field = field
        self._reading = reading
        self._endpoint = endpoint
        self.focus_next = screen.focus_next

    def focus_filter(self) -> None:
        """Focus the filter."""
        self._screen.set_focus(self._field)

    def focus_calls(self) -> None:
        """Focus the table."""
        self._screen.set_focus(self._desk.table)

    def toggle_reading(self) -> None:
        """Show or hide the reply and its inspector."""
        pane = self._screen.query_one("#watched-reply")
        pane.display = not pane.display
        self._screen.call_after_refresh(self._reading.draw)

    def show_reading(self) -> None:
        """Show the reply and its inspector."""
        self._screen.query_one("#watched-reply").display = True

    def walk(self, step: int, how: str) -> None:
        """Move the highlight while the filter is focused."""
        if how == "page":
            self._desk.table.action_page(step)
        else:
            self._desk.table.action_move(step)

    def back(self) -> None:
        """Focus the table; from there remove the marks, and then close the screen."""
        table = self._desk.table
        if self._screen.focused is not table:
            self.focus_calls()
        elif table.marked:
            table.unmark()
        else:
            self._screen.dismiss(None)

    def leave(self) -> None:
        """Close the screen. The watch continues."""
        self._screen.dismiss(None)

    def toggle_watch(self) -> None:
        """Stop the watch, or start it again."""
        self._desk.start_work(self._toggle, group="watch", exclusive=True)

    async def _toggle(self) -> None:
        watching = self._desk.watching
        if watching.address is not None:
            await watching.stop()
            self._desk.tell("The watch is stopped. Its calls are saved.", is_error=False)
            return
        try:
            await watching.start(endpoint=self._endpoint)
        except ReplyscopeError as error:
            self._desk.tell(error)

    def quit(self) -> None:
        """Save, and leave the application."""
        self._screen.start_work(self._screen.app.action_quit, group="quit")

"""The panes of the review screen: which are shown, which is focused, and the way back."""

from typing import Any

from replyscope.ui.review.folders import Folders
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.result_rows import Found
from replyscope.ui.review.results import Results
from replyscope.ui.services import Services
from replyscope.ui.working_screen import WorkingScreen

_ONLY_ON_HUB = (
    "This session is on the hub only. It can be read and exported here, but not continued."
)


class ReviewLayout:
    """Shows, hides and focuses panes, and closes the screen."""

    def __init__(
        self,
        screen: WorkingScreen[Any],
        services: Services,
        field: QueryField,
        folders: Folders,
        results: Results,
    ) -> None:
        self._screen = screen
        self._field = field
        self._folders = folders
        self._results = results
        self._is_here = services.is_here
        self.focus_next = screen.focus_next

    def focus_query(self) -> None:
        """Focus the query field."""
        self._screen.set_focus(self._field)

    def focus_results(self) -> None:
        """Focus the results."""
        self._screen.set_focus(self._results)

    def toggle_folders(self) -> None:
        """Show or hide folders and facets."""
        self._folders.display = not self._folders.display

    def walk_results(self, step: int, how: str) -> None:
        """Move the highlight by rows or by pages while the query is focused."""
        if how == "page":
            self._results.action_page(step)
        else:
            self._results.action_move(step)

    def back(self) -> None:
        """Focus the results; from there remove the marks, and then close the screen."""
        if self._screen.focused is not self._results:
            self.focus_results()
        elif self._results.marked:
            self._results.unmark()
        else:
            self.leave()

    def leave(self) -> None:
        """Close the screen and return to the chat."""
        self._screen.dismiss(None)

    def open_highlighted(self) -> None:
        """Close the screen, and open the highlighted reply in the chat."""
        found = self._results.current
        if found is not None and self._is_here is None:
            self._open(found)
        elif found is not None:
            self._screen.start_work(self._open_if_here, found, group="open", exclusive=True)

    async def _open_if_here(self, found: Found) -> None:
        """Open a reply of a hub if the archive of this machine has its session."""
        if self._is_here is None or await self._is_here(found.session_id):
            self._open(found)
        else:
            self._screen.tell(_ONLY_ON_HUB, is_error=False)

    def _open(self, found: Found) -> None:
        self._screen.dismiss((found.session_id, found.message_id))

    def quit(self) -> None:
        """Save, and leave the application."""
        self._screen.start_work(self._screen.app.action_quit, group="quit")

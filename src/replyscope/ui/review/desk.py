"""The desk of the review screen: the services and the state that its groups share."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from replyscope.domain.search import Hit
from replyscope.ui.review.result_rows import Found
from replyscope.ui.services import Services
from replyscope.ui.working_screen import WorkHost


class Selection(Protocol):
    """The rows of the results that a command applies to."""

    @property
    def current(self) -> Found | None:
        """The highlighted row."""

    def chosen_sessions(self) -> list[str]:
        """The sessions of the marked rows, or of the highlighted one when none is marked."""

    def marked_replies(self) -> list[Hit]:
        """The marked replies; with fewer than two, the highlighted one too."""

    def unmark_sessions(self, session_ids: Iterable[str]) -> None:
        """Remove the marks of sessions."""


class ReviewDesk:
    """The services, the selection, the query, and the names that the archive has.

    `query` returns the text of the query field, `is_running` whether a turn of a session runs
    in this app.
    """

    def __init__(
        self,
        services: Services,
        host: WorkHost,
        selection: Selection,
        query: Callable[[], str],
        is_running: Callable[[str], bool],
    ) -> None:
        self.services = services
        self.review = services.review
        self.selection = selection
        self.query = query
        self.is_running = is_running
        self.known: Mapping[str, tuple[str, ...]] = {}
        """The values of each query field in the archive; empty until they are loaded."""
        self.tell = host.tell
        self.start_work = host.start_work
        self.ask_dialog = host.ask_dialog

    def chosen_sessions(self) -> list[str]:
        """The sessions that a command applies to; a toast says when there are none."""
        ids = self.selection.chosen_sessions()
        if not ids:
            self.tell("No reply is marked or selected.", is_error=False)
        return ids

"""The desk of the review screen: the services and the state that its groups share."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Protocol

from textual.screen import Screen

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.search import Hit
from replyscope.ui.review.result_rows import Found
from replyscope.ui.services import Services


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


class ReviewHost(Protocol):
    """The screen as the groups need it: workers, toasts and dialogs."""

    def tell(self, error: ReplyscopeError | str, *, is_error: bool = True) -> None:
        """Show a toast."""

    def start_work(
        self,
        work: Callable[..., Coroutine[Any, Any, None]],
        *arguments: object,
        group: str = "default",
        exclusive: bool = False,
        holds_keys: bool = False,
    ) -> None:
        """Run a coroutine function in a worker."""

    def ask_dialog(self, dialog: Screen[str | None], accept: Callable[[str], object]) -> None:
        """Open a dialog; `accept` gets its value unless it was cancelled."""


class ReviewDesk:
    """The services, the selection, the query, and the names that the archive has.

    `query` returns the text of the query field.
    """

    def __init__(
        self, services: Services, host: ReviewHost, selection: Selection, query: Callable[[], str]
    ) -> None:
        self.services = services
        self.review = services.review
        self.selection = selection
        self.query = query
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

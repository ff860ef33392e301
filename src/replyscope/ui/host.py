"""The interface of a screen for the groups of its commands."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from replyscope.domain.errors import ReplyscopeError

if TYPE_CHECKING:
    from textual.screen import Screen


class WorkHost(Protocol):
    """The part of `WorkingScreen` that groups use: workers, toasts and dialogs."""

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
        """Run a coroutine function in a worker. With `holds_keys` later keys wait until it
        ends, or go to the dialog that it opens.
        """

    def ask_dialog(self, dialog: "Screen[str | None]", accept: Callable[[str], object]) -> None:
        """Open a dialog; `accept` gets its result unless it was cancelled."""

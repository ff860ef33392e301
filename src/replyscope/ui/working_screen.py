"""A base class of screens: background workers, toasts and dialogs."""

import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from textual import on
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_text
from replyscope.domain.unlogged import unlogged

Result = TypeVar("Result")
_log = logging.getLogger(__name__)


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
    ) -> None:
        """Run a coroutine function in a worker."""

    def ask_dialog(self, dialog: Screen[str | None], accept: Callable[[str], object]) -> None:
        """Open a dialog; `accept` gets its result unless it was cancelled."""


class WorkingScreen(Screen[Result]):
    """A screen that runs workers, shows toasts and opens dialogs."""

    least_error_s = 8.0
    """The shortest time that an error toast is shown, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._unlogged: WeakSet[Worker[Any]] = WeakSet()

    @property
    def is_unlogged(self) -> bool:
        """Whether the work of this screen is kept out of the log."""
        return False

    def start_work(
        self,
        work: Callable[..., Coroutine[Any, Any, None]],
        *arguments: object,
        group: str = "default",
        exclusive: bool = False,
    ) -> None:
        """Run a coroutine function in a worker.

        It is passed uncalled: a worker that is cancelled before its start would leave
        a coroutine that is never awaited.
        """
        job: Any = partial(work, *arguments)
        token = unlogged.set(self.is_unlogged)  # a worker copies the context at its start
        try:
            worker = self.run_worker(job, group=group, exclusive=exclusive, exit_on_error=False)
        finally:
            unlogged.reset(token)
        if self.is_unlogged:
            self._unlogged.add(worker)

    @on(Worker.StateChanged)
    def _tell_fault(self, event: Worker.StateChanged) -> None:
        """Show an unexpected error of a worker. It stops one action, not the session."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            if event.worker not in self._unlogged:
                _log.error("a worker failed", exc_info=error)
            self.tell(f"replyscope itself failed: {type(error).__name__}: {error}")

    def tell(self, error: ReplyscopeError | str, *, is_error: bool = True) -> None:
        """Show a toast. An error is shown longer."""
        text = printable_text(str(error))
        reading_s = len(text) / 15
        if is_error:
            told_s = max(self.least_error_s, reading_s)
            self.notify(text, severity="error", timeout=told_s, markup=False)
        else:
            self.notify(text, timeout=max(3, reading_s), markup=False)

    def ask_dialog(self, dialog: Screen[str | None], accept: Callable[[str], object]) -> None:
        """Open a dialog; `accept` gets its value unless it was cancelled."""

        def take(value: str | None) -> None:
            if value is not None:
                accept(value)

        self.app.push_screen(dialog, take)

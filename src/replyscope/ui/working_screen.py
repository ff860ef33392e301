"""A base class of screens: background workers, toasts and dialogs."""

import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from textual import events, on
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_text
from replyscope.domain.unlogged import unlogged
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.styles.styled_once import style_once
from replyscope.ui.terminal.compositor import TightCompositor
from replyscope.ui.terminal.textual_internals import paint_once, use_compositor
from replyscope.ui.terminal.toasts import Toasts, draw_toasts, toasts_of
from replyscope.ui.terminal.type_ahead import KeyHold, TypeAhead

Result = TypeVar("Result")
_LOADING_S = 0.8
"""The time after which a command that opens a dialog is reported as loading, in seconds."""
_LOADING = "Loading… [Esc] cancel"
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
        holds_keys: bool = False,
    ) -> None:
        """Run a coroutine function in a worker. With `holds_keys` later keys wait until it
        ends, or go to the dialog that it opens.
        """

    def ask_dialog(self, dialog: Screen[str | None], accept: Callable[[str], object]) -> None:
        """Open a dialog; `accept` gets its result unless it was cancelled."""


class WorkingScreen(Screen[Result]):
    """A screen that runs workers, shows toasts and opens dialogs."""

    least_error_s = 8.0
    """The shortest time that an error toast is shown, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        use_compositor(self, TightCompositor())
        paint_once(self)
        self._unlogged: WeakSet[Worker[Any]] = WeakSet()

    @on(events.Compose)
    @on(events.ScreenSuspend)
    @on(events.ScreenResume)
    def _follow_screen(self, event: events.Event) -> None:
        """Style the widgets once, and draw the keys: none while a dialog is in front."""
        style_once(self, event)
        for footer in self.query(KeyFooter):
            footer.draw()

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
        holds_keys: bool = False,
    ) -> None:
        """Run a coroutine function in a worker. With `holds_keys` later keys wait until it
        ends, or go to the dialog that it opens.

        It is passed uncalled: a worker that is cancelled before its start would leave
        a coroutine that is never awaited.
        """
        job: Any = partial(work, *arguments)
        hold = self.hold_keys() if holds_keys else None
        if hold is not None:
            job = partial(_run_held, hold, job)
        token = unlogged.set(self.is_unlogged)  # a worker copies the context at its start
        try:
            worker = self.run_worker(job, group=group, exclusive=exclusive, exit_on_error=False)
        finally:
            unlogged.reset(token)
        if hold is not None:
            hold.worker = worker
            self.set_timer(_LOADING_S, partial(self._say_loading, hold))
        if self.is_unlogged:
            self._unlogged.add(worker)

    def _say_loading(self, hold: KeyHold) -> None:
        """Show that a dialog is still to come, and how to cancel it."""
        if hold.is_active(self.app.screen_stack):
            self.tell(_LOADING, is_error=False)
            hold.on_release = self._loaded

    def _loaded(self) -> None:
        self.toasts.remove(_LOADING)
        self._draw_toasts()

    def hold_keys(self) -> KeyHold:
        """Let later keys wait for a command that may open a dialog."""
        ahead: TypeAhead | None = getattr(self.app, "type_ahead", None)
        return KeyHold() if ahead is None else ahead.hold()

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
        shown_s = max(self.least_error_s if is_error else 3, len(text) / 15)
        self.toasts.add(text, is_error=is_error, shown_s=shown_s)
        self._draw_toasts()

    def _draw_toasts(self) -> None:
        for screen in {self, *self.app.screen_stack[-1:]}:
            draw_toasts(screen, self.toasts)

    @property
    def toasts(self) -> Toasts:
        """The toasts of the app."""
        return toasts_of(self.app)

    def ask_dialog(self, dialog: Screen[str | None], accept: Callable[[str], object]) -> None:
        """Open a dialog; `accept` gets its value unless it was cancelled."""

        def take(value: str | None) -> None:
            if value is not None:
                accept(value)

        self.app.push_screen(dialog, take)


async def _run_held(hold: KeyHold, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with hold:
        await job()

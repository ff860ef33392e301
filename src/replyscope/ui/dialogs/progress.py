"""A modal progress dialog with a bar; Esc cancels the job."""

from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, TypeVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ProgressBar

from replyscope.domain.errors import ReplyscopeError
from replyscope.ui.dialogs.dialog import Dialog
from replyscope.ui.terminal.type_ahead import HoldsKeys

T = TypeVar("T")
Work = Callable[[Callable[[int, int, int], None]], Awaitable[T]]
_STEP_S = 0.05


class WorkDialog(HoldsKeys, Dialog[T | ReplyscopeError | None], Generic[T]):
    """A modal progress dialog. It runs one job and returns its result, the error that stopped
    it, or None when it was cancelled. Keys other than Esc wait for the next dialog.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "Accept", show=False),
        Binding("escape", "cancel", "stop"),
    ]

    def __init__(self, title: str, job: Work[T]) -> None:
        super().__init__(title)
        self._job = job
        self._place = (0, 0)

    def compose_content(self) -> ComposeResult:
        yield ProgressBar(total=None, show_eta=False)

    def holds(self, event: events.Event) -> bool:
        """Whether a key is for a later dialog."""
        return not (isinstance(event, events.Key) and event.key == "escape")

    def on_mount(self) -> None:
        self.set_interval(_STEP_S, self._draw)
        self._run()

    def _draw(self) -> None:
        place, size = self._place
        if size:
            self.query_one(ProgressBar).update(total=size, progress=place)

    def _tell(self, place: int, size: int, _sessions: int) -> None:
        self._place = (place, size)

    @work(exclusive=True, exit_on_error=False)
    async def _run(self) -> None:
        try:
            done = await self._job(self._tell)
        except ReplyscopeError as error:
            self.dismiss(error)
            return
        self.dismiss(done)

    def action_accept(self) -> None:
        """Do nothing: the job ends by itself."""

    def action_cancel(self) -> None:
        """Cancel the job."""
        self.workers.cancel_node(self)
        self.dismiss(None)

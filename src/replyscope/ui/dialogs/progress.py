"""A modal progress dialog with a bar; Esc cancels the job."""

from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, ProgressBar, Static

from replyscope.domain.errors import ReplyscopeError

T = TypeVar("T")
Work = Callable[[Callable[[int, int], None]], Awaitable[T]]
_STEP_S = 0.05


class WorkDialog(ModalScreen[T | ReplyscopeError | None], Generic[T]):
    """A modal progress dialog. It runs one job and returns its result, the error that stopped
    it, or None when it was cancelled.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Stop")]

    def __init__(self, title: str, job: Work[T]) -> None:
        super().__init__()
        self._title = title
        self._job = job
        self._place = (0, 0)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content(self._title), classes="dialog-title")
            yield ProgressBar(total=None, show_eta=False)
            yield Static("Esc stops", classes="hint")

    def on_mount(self) -> None:
        self.set_interval(_STEP_S, self._draw)
        self._run()

    def _draw(self) -> None:
        place, size = self._place
        if size:
            self.query_one(ProgressBar).update(total=size, progress=place)

    def _tell(self, place: int, size: int) -> None:
        self._place = (place, size)

    @work(exclusive=True, exit_on_error=False)
    async def _run(self) -> None:
        try:
            done = await self._job(self._tell)
        except ReplyscopeError as error:
            self.dismiss(error)
            return
        self.dismiss(done)

    def action_give_up(self) -> None:
        """Cancel the job."""
        self.workers.cancel_node(self)
        self.dismiss(None)

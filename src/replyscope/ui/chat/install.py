"""A progress dialog that installs and starts the embedded model. A download can be resumed."""

from contextlib import aclosing
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Label, ProgressBar, Static

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import LocalModelError
from replyscope.domain.local_models import LocalModels
from replyscope.domain.printable import printable_text
from replyscope.inspection.figures import size


class InstallScreen(ModalScreen[Endpoint | None]):
    """A modal progress dialog. It returns the endpoint of the running model, or None when it
    was cancelled.
    """

    # Nothing has the focus, so that keys typed ahead cannot press Cancel.
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Cancel")]

    def __init__(self, local: LocalModels, name: str) -> None:
        super().__init__()
        self._local = local
        self._model_name = name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content(f"Embedded model {self._model_name}"), classes="dialog-title")
            yield Static("", id="step")
            yield ProgressBar(total=None, show_eta=False)
            yield Static("", id="fault", classes="fault")
            yield Button("Cancel", id="cancel")
            yield Static("Cancelling keeps what came; the next try goes on.", classes="hint")

    def on_mount(self) -> None:
        self._install()

    @work(exclusive=True, exit_on_error=False)
    async def _install(self) -> None:
        step = self.query_one("#step", Static)
        bar = self.query_one(ProgressBar)
        try:
            models = {model.name: model for model in self._local.list_models()}
            known = models.get(self._model_name)
            if known is not None and not known.is_installed:
                async with aclosing(self._local.install(self._model_name)) as steps:
                    async for progress in steps:
                        bar.update(total=progress.total, progress=progress.done)
                        done = f"{size(progress.done)} of {size(progress.total)}"
                        step.update(f"{progress.step}: {done}")
            bar.update(total=None)
            step.update("starting the model …")
            self.dismiss(await self._local.start(self._model_name))
        except LocalModelError as error:
            bar.display = False
            step.update("")
            self.query_one("#fault", Static).update(Content(printable_text(str(error))))
            button = self.query_one("#cancel", Button)
            button.label = "Close"
            button.focus()

    @on(Button.Pressed, "#cancel")
    def action_give_up(self) -> None:
        """Cancel; the downloaded part is kept for the next attempt."""
        self.workers.cancel_node(self)
        self.dismiss(None)

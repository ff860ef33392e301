"""A progress dialog that installs and starts the embedded model. A download can be resumed."""

from contextlib import aclosing
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import ProgressBar, Static

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import LocalModelError
from replyscope.domain.local_models import LocalModels
from replyscope.domain.printable import printable_text
from replyscope.inspection.figures import size
from replyscope.ui.dialogs.dialog import Dialog
from replyscope.ui.terminal.textual_internals import bindings_for_key
from replyscope.ui.terminal.type_ahead import HoldsKeys


class InstallScreen(HoldsKeys, Dialog[Endpoint | None]):
    """A modal progress dialog. It returns the endpoint of the running model, or None when it
    was cancelled. After an error, Enter tries again. Other keys wait for the next screen.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "retry", priority=True),
    ]

    def __init__(self, local: LocalModels, name: str) -> None:
        super().__init__(f"Embedded model {name}")
        self._local = local
        self._model_name = name
        self._has_failed = False

    def compose_content(self) -> ComposeResult:
        yield Static("", id="step")
        yield ProgressBar(total=None, show_eta=False)
        yield Static("", id="fault", classes="fault")
        hint = Static("A cancelled download continues where it stopped.", classes="hint")
        hint.display = self._must_install()
        yield hint

    def on_mount(self) -> None:
        self._install()

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is available: a retry only after an error."""
        return action != "accept" or self._has_failed

    def holds(self, event: events.Event) -> bool:
        """Whether a key is for the next screen: any that no action of this one or the app has."""
        if not isinstance(event, events.Key):
            return True
        is_of_app = any(one.priority for one in bindings_for_key(self.app, event.key))
        return not is_of_app and event.key not in self.active_bindings

    def _must_install(self) -> bool:
        """Whether there is something to download; not for weights of the person."""
        models = {model.name: model for model in self._local.list_models()}
        known = models.get(self._model_name)
        return known is not None and not known.is_installed

    def _show(self, *, fault: str = "") -> None:
        self._has_failed = bool(fault)
        self.query_one(ProgressBar).display = not fault
        self.query_one("#step", Static).update("")
        self.query_one("#fault", Static).update(Content(printable_text(fault)))
        self.refresh_bindings()

    @work(exclusive=True, exit_on_error=False)
    async def _install(self) -> None:
        self._show()
        try:
            self.dismiss(await self._run())
        except LocalModelError as error:
            self._show(fault=str(error))

    async def _run(self) -> Endpoint:
        step, bar = self.query_one("#step", Static), self.query_one(ProgressBar)
        if self._must_install():
            async with aclosing(self._local.install(self._model_name)) as steps:
                async for progress in steps:
                    bar.update(total=progress.total, progress=progress.done)
                    done = f"{size(progress.done)} of {size(progress.total)}"
                    step.update(f"{progress.step}: {done}")
        bar.update(total=None)
        step.update("Starting the model…")
        return await self._local.start(self._model_name)

    def action_accept(self) -> None:
        """Try again after an error."""
        self._install()

    def action_cancel(self) -> None:
        """Cancel; the downloaded part is kept for the next attempt."""
        self.workers.cancel_node(self)
        self.dismiss(None)

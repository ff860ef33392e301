"""The command that edits the message in $EDITOR."""

from replyscope.domain.errors import ReplyscopeError
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.panes import Panes
from replyscope.ui.terminal.settling import settle
from replyscope.ui.working_screen import WorkingScreen


class OutsideEditor:
    """A command that runs an external editor. The application is suspended meanwhile."""

    def __init__(self, desk: Desk, panes: Panes, screen: WorkingScreen[None]) -> None:
        self._desk = desk
        self._panes = panes
        self._screen = screen

    def edit_outside(self) -> None:
        """Edit the message in $EDITOR."""
        if self._desk.conversation.is_private:
            self._desk.tell("An editor is given a file, and of a private session none is written.")
            return
        self._desk.start_work(self._edit_outside, group="editor", exclusive=True, holds_keys=True)

    async def _edit_outside(self) -> None:
        await settle(self._panes.composer)  # this key overtakes earlier keys
        text = self.edit(self._panes.composer.text)
        if text is not None:
            self._panes.composer.replace_text(text)

    def edit(self, text: str) -> str | None:
        """Edit a text in $EDITOR, and wait. Returns None after an error, which is shown."""
        try:
            with self._screen.app.suspend():
                return self._desk.services.edit_text(text)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return None
        finally:
            self._screen.refresh(layout=True)

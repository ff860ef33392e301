"""The desk of the live screen: the watch, the table and the services that its groups share."""

from typing import Any

from replyscope.engine.watching.call_log import LoggedCall
from replyscope.engine.watching.switch import Watching
from replyscope.ui.services import Services
from replyscope.ui.watch.call_table import CallTable
from replyscope.ui.working_screen import WorkingScreen


class WatchDesk:
    """The watch of the chat, and what is pointed at in the table of its calls."""

    def __init__(
        self, screen: WorkingScreen[Any], services: Services, watching: Watching, table: CallTable
    ) -> None:
        self.services = services
        self.watching = watching
        self.log = watching.log
        self.table = table
        self.tell = screen.tell
        self.start_work = screen.start_work
        self.ask_dialog = screen.ask_dialog

    def current(self) -> LoggedCall | None:
        """The highlighted call in its current state."""
        current = self.table.current_id
        return self.log.call(current) if current is not None else None

    def recorded(self) -> LoggedCall | None:
        """The highlighted call if its reply is saved; else a toast says why there is none."""
        call = self.current()
        if call is None:
            self.tell("There is no call yet.", is_error=False)
        elif not call.is_for_reply:
            self.tell("This call asks for no reply, so nothing of it is saved.", is_error=False)
        elif call.exchange is None or call.session_id is None:
            self.tell("This call is not saved yet.", is_error=False)
        else:
            return call
        return None

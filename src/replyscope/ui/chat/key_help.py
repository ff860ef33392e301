"""The help of the chat: the keys of each pane, and the commands."""

from collections.abc import Sequence

from replyscope.ui.chat.commands import CommandLine
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.panes import Panes
from replyscope.ui.dialogs.help import HelpRows, HelpScreen
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.terminal.textual_internals import bindings_of
from replyscope.ui.working_screen import WorkingScreen


class KeyHelp:
    """Builds the help from the bindings of the panes, so that remapped keys are shown."""

    def __init__(
        self,
        desk: Desk,
        panes: Panes,
        screen: WorkingScreen[None],
        commands: Sequence[CommandLine],
    ) -> None:
        self._desk = desk
        self._panes = panes
        self._screen = screen
        self._commands = commands

    def show_help(self) -> None:
        """Show the help screen."""
        self._desk.show(HelpScreen(self._help_rows()))

    def _help_rows(self) -> HelpRows:
        sections: HelpRows = []
        panes = (
            ("Writing", self._panes.composer),
            ("Messages", self._panes.transcript),
            ("Everywhere", self._screen),
        )
        panes_more = (
            ("Sessions", self._panes.sidebar),
            ("Inspector", self._screen.query_one(Inspector)),
            ("Wire", self._screen.query_one(WireView)),
        )
        for title, node in (*panes, *panes_more):
            rows: dict[str, tuple[str, str, str]] = {}
            for binding in bindings_of(node):
                if binding.id is None:
                    continue
                shown = self._screen.app.get_key_display(binding)
                if binding.id in rows:
                    shown = f"{rows[binding.id][0]} {shown}"
                rows[binding.id] = (shown, binding.description, binding.id)
            sections.append((title, list(rows.values())))
        commands = [(f"/{c.name} {c.argument}".strip(), c.help, "") for c in self._commands]
        return [*sections, ("Commands", commands)]

"""The help of the chat: the keys of every pane and screen, and the commands."""

import asyncio
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.dom import DOMNode

from replyscope.ui.chat.commands import CommandLine
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent_card import ConsentCard
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.sidebar import Sidebar
from replyscope.ui.keys.entries import KeyRow
from replyscope.ui.keys.names import key_name
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen

if TYPE_CHECKING:
    from replyscope.ui.dialogs.help import HelpSection

_PANES: tuple[tuple[str, type[DOMNode]], ...] = (
    ("Sessions", Sidebar),
    ("Inspector", Inspector),
    ("Wire", WireView),
    ("Timeline", TimelineView),
    ("A tool call that waits", ConsentCard),
)
_REVIEW = ("replyscope.ui.review.screen", "ReviewScreen")


class KeyHelp:
    """Builds the help from the bindings of the panes, so that changed keys are shown."""

    def __init__(
        self, desk: Desk, screen: WorkingScreen[None], commands: Sequence[CommandLine]
    ) -> None:
        self._desk = desk
        self._screen = screen
        self._commands = commands

    def show_help(self) -> None:
        """Show the help screen."""
        self._desk.start_work(self._show_help, group="help", exclusive=True, holds_keys=True)

    async def _show_help(self) -> None:
        from replyscope.ui.dialogs.help import HelpScreen  # loaded on first use

        module = await asyncio.to_thread(importlib.import_module, _REVIEW[0])
        self._desk.show(HelpScreen(self._sections(getattr(module, _REVIEW[1]))))

    def _sections(self, review: type[DOMNode]) -> "list[HelpSection]":
        from replyscope.ui.dialogs.help import HelpSection  # loaded on first use
        from replyscope.ui.keys.listing import rows_of

        app, chat = self._screen.app, type(self._screen)
        palette = KeyRow(key_name(app.COMMAND_PALETTE_BINDING), "Palette of commands")
        everywhere = [*rows_of(app, chat, typed=False), *rows_of(app, type(app)), palette]
        reading = [*rows_of(app, Transcript), *rows_of(app, chat, typed=True)]
        return [
            HelpSection("Writing", rows_of(app, Composer)),
            HelpSection("Reading messages", reading),
            HelpSection("Everywhere", everywhere),
            *(HelpSection(title, rows_of(app, kind)) for title, kind in _PANES),
            HelpSection("Review of saved sessions", rows_of(app, review)),
            HelpSection("Commands", [_command_row(command) for command in self._commands]),
        ]


def _command_row(command: CommandLine) -> KeyRow:
    also = ", ".join(f"/{alias}" for alias in command.aliases)
    text = f"{command.help} (also {also})" if also else command.help
    return KeyRow(f"/{command.name} {command.argument}".strip(), text)

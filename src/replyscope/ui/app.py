"""The Textual application: themes, key map, and the chat screen."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from replyscope.domain.errors import StoreError
from replyscope.domain.settings import DEFAULT_THEME
from replyscope.ui.commands import COMMANDS
from replyscope.ui.screens.chat import ChatScreen
from replyscope.ui.services import Services
from replyscope.ui.theming import build_themes


class ReplyscopeApp(App[None]):
    """Shows the chat screen until the person leaves."""

    TITLE = "replyscope"
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        "styles/app.tcss",
        "styles/chat.tcss",
        "styles/transcript.tcss",
        "styles/inspector.tcss",
        "styles/dialogs.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = []
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        themes, faults = build_themes(services.themes)
        for theme in themes:
            self.register_theme(theme)
        services.faults += faults
        self._choose_theme(services.settings.theme)
        self.set_keymap(services.settings.keys)

    def _choose_theme(self, name: str) -> None:
        if name in self.available_themes:
            self.theme = name
            return
        self.services.faults.append(f"There is no theme {name}; {DEFAULT_THEME} is used.")
        if DEFAULT_THEME in self.available_themes:
            self.theme = DEFAULT_THEME

    def get_default_screen(self) -> Screen[None]:
        """The chat is the app's own first screen: one mount, one paint."""
        return ChatScreen(self.services)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: the same commands as after a slash."""
        if isinstance(screen, ChatScreen):
            for command in COMMANDS:
                name = command.name.capitalize()
                yield SystemCommand(
                    name, command.help, lambda a=command.action: screen.run_action(a)
                )

    async def action_quit(self) -> None:
        """Save what streams before leaving."""
        for screen in self.screen_stack:
            if isinstance(screen, ChatScreen):
                await screen.action_quit_app()
                return
        self.exit()

    async def on_unmount(self) -> None:
        try:
            await self.services.close()
        except StoreError as error:
            self.log.error(str(error))

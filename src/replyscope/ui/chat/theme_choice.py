"""The command that chooses a theme."""

from replyscope.ui.chat.desk import Desk
from replyscope.ui.dialogs.small import PickDialog
from replyscope.ui.working_screen import WorkingScreen


class ThemeChoice:
    """A command that applies a theme and saves it in the settings."""

    def __init__(self, desk: Desk, screen: WorkingScreen[None]) -> None:
        self._desk = desk
        self._screen = screen

    def choose_theme(self, name: str = "") -> None:
        """Choose a theme; the settings are changed."""
        themes = self._screen.app.available_themes
        ours = [source.name for source in self._desk.services.themes if source.name in themes]
        if name:
            self._use_theme(name)
            return
        titles = {source.name: source.title for source in self._desk.services.themes}
        rows = [(theme, titles[theme]) for theme in ours]
        self._desk.ask_dialog(
            PickDialog("Theme", rows, current=self._screen.app.theme), self._use_theme
        )

    def _use_theme(self, name: str) -> None:
        if name not in self._screen.app.available_themes:
            self._desk.tell(f"There is no theme {name}.")
            return
        self._screen.app.theme = name
        self._desk.change_settings({("theme",): name})

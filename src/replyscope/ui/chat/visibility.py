"""The visibility of the list of sessions and of the inspector."""

from replyscope.ui.working_screen import WorkingScreen

LEAST_WIDE = 100
"""The width in cells from which the inspector has a place of its own."""
_LEAST_HIGH = 14
"""The height in cells from which an entry has room for its summary line."""


class PaneVisibility:
    """Hides and shows panes by classes of the screen, which the styles know."""

    def __init__(self, screen: WorkingScreen[None]) -> None:
        self._screen = screen

    @property
    def is_narrow(self) -> bool:
        """Whether the inspector is folded to a line per reply."""
        return self._screen.size.width < LEAST_WIDE

    @property
    def sidebar_hidden(self) -> bool:
        """Whether the list of sessions is hidden."""
        return self._screen.has_class("-no-sidebar")

    @sidebar_hidden.setter
    def sidebar_hidden(self, is_hidden: bool) -> None:
        self._screen.set_class(is_hidden, "-no-sidebar")

    @property
    def inspector_hidden(self) -> bool:
        """Whether the inspector is hidden; on wide screens only."""
        return self._screen.has_class("-no-inspector")

    @inspector_hidden.setter
    def inspector_hidden(self, is_hidden: bool) -> None:
        self._screen.set_class(is_hidden, "-no-inspector")

    @property
    def inspector_open(self) -> bool:
        """Whether the inspector lies over the messages; on narrow screens only."""
        return self._screen.has_class("-inspector-open")

    @inspector_open.setter
    def inspector_open(self, is_open: bool) -> None:
        self._screen.set_class(is_open, "-inspector-open")

    @property
    def has_room(self) -> bool:
        """Whether entries show a summary, because the inspector has no place of its own."""
        is_alone = self.is_narrow or self.inspector_hidden
        return is_alone and self._screen.size.height >= _LEAST_HIGH

    def reveal_inspector(self) -> None:
        """Show the inspector; on narrow screens over the messages."""
        if self.is_narrow:
            self.inspector_open = True
        self.inspector_hidden = False

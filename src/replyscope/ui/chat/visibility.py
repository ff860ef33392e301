"""The visibility of the list of sessions and of the inspector."""

from replyscope.ui.working_screen import WorkingScreen

LEAST_WIDE = 100
"""The least width in cells with a column for the inspector."""
LEAST_WITH_SIDEBAR = 120
"""The least width in cells with a column for the list of sessions."""
_LEAST_HIGH = 14
"""The least height in cells with room for the summary lines of entries."""


class PaneVisibility:
    """The state of the panes, stored as style classes of the screen."""

    def __init__(self, screen: WorkingScreen[None]) -> None:
        self._screen = screen

    @property
    def is_narrow(self) -> bool:
        """Whether the inspector is replaced by a summary line under each reply."""
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
        """Whether the inspector covers the messages; on narrow screens only."""
        return self._screen.has_class("-inspector-open")

    @inspector_open.setter
    def inspector_open(self, is_open: bool) -> None:
        self._screen.set_class(is_open, "-inspector-open")

    @property
    def sidebar_is_folded(self) -> bool:
        """Whether the list of sessions has no column, and covers the messages when it is open."""
        return self._screen.size.width < LEAST_WITH_SIDEBAR

    @property
    def sidebar_open(self) -> bool:
        """Whether the list of sessions covers the messages; on narrow screens only."""
        return self._screen.has_class("-sidebar-open")

    @sidebar_open.setter
    def sidebar_open(self, is_open: bool) -> None:
        self._screen.set_class(is_open, "-sidebar-open")

    @property
    def has_room(self) -> bool:
        """Whether entries show a summary line, because the inspector has no column."""
        is_alone = self.is_narrow or self.inspector_hidden
        return is_alone and self._screen.size.height >= _LEAST_HIGH

    def reveal_inspector(self) -> None:
        """Show the inspector; on narrow screens it covers the messages."""
        if self.is_narrow:
            self.inspector_open = True
        self.inspector_hidden = False

"""The commands that show, hide and focus the panes of the chat."""

from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.panes import Panes
from replyscope.ui.chat.sending import Sending
from replyscope.ui.chat.visibility import LEAST_WIDE, PaneVisibility
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.working_screen import WorkingScreen


class PaneLayout:
    """Commands of the panes."""

    def __init__(
        self,
        desk: Desk,
        panes: Panes,
        screen: WorkingScreen[None],
        sending: Sending,
        visibility: PaneVisibility,
        reading: ReadingPane,
    ) -> None:
        self._desk = desk
        self._panes = panes
        self._screen = screen
        self._sending = sending
        self._visible = visibility
        self._reading = reading

    def resize(self, width: int) -> None:
        """Draw the entries and the inspector for a new width of the screen, in cells."""
        if width >= LEAST_WIDE:
            self._visible.inspector_open = False  # it has a column of its own now
        if not self._visible.sidebar_is_folded:
            self._visible.sidebar_open = False
        self._panes.transcript.renew_entries()
        self._screen.call_after_refresh(self._reading.draw)

    def back(self) -> None:
        """Cancel the reply, close the open pane, or focus the composer."""
        if self._screen.query_one("#find").display:
            self._screen.query_one("#find").display = False
            self._panes.transcript.needle = ""
            self._panes.composer.focus()
        elif self._panes.composer.is_suggesting:
            self._screen.query_one("#suggestions").display = False
            self._panes.composer.is_suggesting = False
            self._panes.draw_keys()
        elif self._desk.pending.take_edited(self._desk.conversation.session.id) is not None:
            self._desk.pending.take("")
            self._panes.composer.replace_text("")
            self._panes.draw_attachments()
        elif self._visible.inspector_open or self._visible.sidebar_open:
            self._visible.inspector_open = self._visible.sidebar_open = False
            self._panes.composer.focus()
        elif not isinstance(self._screen.focused, Composer):
            self._panes.composer.focus()
        elif self._desk.turns.is_running(self._desk.conversation.session.id):
            self._sending.cancel_reply()
        else:
            self._panes.transcript.focus()

    def toggle_inspector(self) -> None:
        """Show or hide the inspector; on narrow screens it covers the chat."""
        if self._visible.is_narrow:
            self._visible.inspector_open = not self._visible.inspector_open
        else:
            self._visible.inspector_hidden = not self._visible.inspector_hidden
            self._panes.transcript.renew_entries()
        self._screen.call_after_refresh(self._reading.draw)

    def toggle_sidebar(self) -> None:
        """Show or hide the list of sessions; on narrow screens it covers the chat."""
        if not self._visible.sidebar_is_folded:
            self._visible.sidebar_hidden = not self._visible.sidebar_hidden
        elif self._visible.sidebar_open:
            self.close_sidebar()
        else:
            self.focus_sessions()

    def close_sidebar(self) -> None:
        """Close the list of sessions, if it covers the chat."""
        if self._visible.sidebar_open:
            self._visible.sidebar_open = False
            self._panes.composer.focus()

    def show_messages(self) -> None:
        """Show the last toasts again, the newest first."""
        from replyscope.ui.dialogs.edit_dialog import ReadDialog  # loaded on first use

        self._desk.show(ReadDialog("Last messages", self._screen.toasts.text()))

    def focus_sessions(self) -> None:
        """Focus the list of sessions, with the open session highlighted."""
        self._visible.sidebar_hidden = False
        self._visible.sidebar_open = self._visible.sidebar_is_folded
        self._panes.sidebar.highlight_open()
        self._panes.sidebar.focus()

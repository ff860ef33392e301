"""The keys of the chat that the focused pane does not decide alone: the footer's order, questions
before requests, and letters that begin a message.
"""

from collections.abc import Sequence

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Input, Static

from replyscope.domain.printable import printable_line
from replyscope.ui.chat.commands import Command
from replyscope.ui.chat.consent_card import ConsentCard
from replyscope.ui.chat.groups import Groups
from replyscope.ui.chat.modes import FOOTER_ORDER, Mode, mode_of
from replyscope.ui.chat.status import StatusLine
from replyscope.ui.keys.entries import KeyGuide
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.working_screen import WorkingScreen

_BACK = "chat.back"
_KEY_TO_NEW_TEXT = {Mode.WRITE: "[PgDn]", Mode.READ: "[G]"}
"""The key of the focused pane that scrolls to the end of the conversation."""


class Keyboard(KeyGuide):
    """The meaning of keys now.

    A key whose command sends a request asks first, and acts at its second press; every other
    key withdraws the question. While reading, a printable key without a binding goes to the
    composer, unless a field has the focus.
    """

    def __init__(
        self, screen: WorkingScreen[None], groups: Groups, commands: Sequence[Command[Groups]]
    ) -> None:
        self._screen = screen
        self._groups = groups
        self._by_id = {c.key.id: c for c in commands if c.key is not None}
        self._asking: Command[Groups] | None = None
        self._was_suggesting = (False, False)

    @property
    def mode(self) -> Mode:
        """The mode of the focused pane."""
        return mode_of(self._screen.focused)

    def follow_focus(self) -> None:
        """Show the mode of the focused pane."""
        if self._screen.is_mounted:
            mode = self.mode
            word = self._groups.panes.composer.mode_word if mode is Mode.WRITE else ""
            self._screen.query_one(StatusLine).show_mode(word or mode.value)
            self._groups.panes.composer.show_mode(is_writing=mode is Mode.WRITE)
            key = _KEY_TO_NEW_TEXT.get(mode)
            below = self._screen.query_one("#below", Static)
            words = Content("new text below" + (f" · {key}" if key else ""))
            if below.content != words:  # an update lays the screen out again
                below.update(words)

    def follow_writing(self) -> None:
        """Draw the footer again when completions appear, disappear, or one is highlighted."""
        is_suggesting = self._suggesting
        if is_suggesting != self._was_suggesting:
            self._was_suggesting = is_suggesting
            self._groups.panes.draw_keys()

    @property
    def _suggesting(self) -> tuple[bool, bool]:
        """Whether completions are shown, and whether one is highlighted."""
        panes = self._groups.panes
        is_suggesting = panes.composer.is_suggesting
        return is_suggesting, is_suggesting and panes.suggestions.chosen is not None

    def takes_input(self, event: events.Key | events.Paste) -> bool:
        """Whether a key did its work before any widget gets it. Called in the order of typing:
        the next key goes to the pane that has the focus after this call.
        """
        if self._groups.consent.takes_input(event):
            return True
        if self._screen.app.screen is not self._screen:
            return False
        is_answer = isinstance(event, events.Key) and self._withdraws(event.key)
        if not is_answer and self.mode in (Mode.READ, Mode.INSPECT) and self._is_text(event):
            self._screen.set_focus(self._groups.panes.composer)
        return is_answer

    def _is_text(self, event: events.Key | events.Paste) -> bool:
        if isinstance(self._screen.focused, Input):  # a filter keeps its text
            return False
        if isinstance(event, events.Paste):
            return True
        active = self._screen.active_bindings
        return event.is_printable and not any(key in active for key in (event.key, *event.aliases))

    def _withdraws(self, key: str) -> bool:
        """Withdraw the question at another key than its own. Returns whether that was all."""
        asking = self._asking
        if asking is None or key in self._keys_of(asking):
            return False
        self._ask(None)
        return key == "escape"

    def _keys_of(self, command: Command[Groups]) -> set[str]:
        own = command.key.id if command.key is not None else None
        return {key for key, one in self._screen.active_bindings.items() if one.binding.id == own}

    def confirms(self, command: Command[Groups]) -> bool:
        """Whether a key may run its command: at its second press, or if the command then only
        reports why it does nothing.
        """
        if self._asking is command or not command.is_useful(self._groups):
            self._ask(None)
            return True
        self._ask(command)
        if not self._screen.query_one(KeyFooter).display:
            key = command.key.keys if command.key is not None else ""
            self._groups.desk.tell(f"{self.note()} [{key}] yes", is_error=False)
        return False

    def _ask(self, command: Command[Groups] | None) -> None:
        self._asking = command
        self._groups.panes.draw_keys()

    def note(self) -> str:
        """The question of the key that was pressed once; empty without one."""
        command = self._asking
        if command is None or command.key is None:
            return ""
        desk = self._groups.desk
        model = desk.targets.model_for(desk.conversation)
        return command.key.asks.format(model=printable_line(model or "the model"))

    def order(self) -> Sequence[str]:
        """The ids of bindings for the footer, most useful first."""
        if self._asking is not None and self._asking.key is not None:
            return self._asking.key.id, _BACK
        return FOOTER_ORDER[self.mode]

    def word(self, binding: Binding, word: str) -> str:
        """The word of a binding in the footer; empty while its command does nothing."""
        asking = self._asking
        if asking is not None and asking.key is not None:
            words = {asking.key.id: "yes", _BACK: "cancel"}
            return words.get(binding.id or "", "")
        if self.mode is Mode.ALLOW and not self._screen.query_one(ConsentCard).offers(binding):
            return ""
        if binding.id == _BACK:
            return self._back_word()
        command = self._by_id.get(binding.id or "")
        if command is not None and not command.is_useful(self._groups):
            return ""
        is_suggesting = self._groups.panes.composer.is_suggesting
        if binding.id == "chat.complete" and not is_suggesting:
            return ""
        if binding.id == "chat.send" and self._suggesting[1]:
            return "choose"
        return word

    def _back_word(self) -> str:
        """The action of Esc now."""
        desk = self._groups.desk
        if self.mode is Mode.FIND or self._groups.panes.composer.is_suggesting:
            return "close"
        if desk.pending.is_editing(desk.conversation.session.id):
            return "discard the edit"
        if self.mode is not Mode.WRITE:
            return "write"
        if self._groups.panes.composer.mode_word not in ("", "NORMAL"):
            return "normal"
        return "stop" if self._groups.offers.is_streaming else "read"

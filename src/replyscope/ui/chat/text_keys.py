"""The editing keys of the composer: keys of terminals that TextArea lacks, and vim keys."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

if TYPE_CHECKING:  # most people do not use vim keys
    from replyscope.ui.vim.state import Vim

_SCROLLS = {"ctrl+d": "page(1)", "ctrl+u": "page(-1)"}
"""The actions of keys that scroll in normal mode, where only vim keys delete."""


class KeyedTextArea(TextArea):
    """A text area with a kill buffer, and with vim keys after `use_vim_keys`.

    Ctrl+K, Ctrl+U, Ctrl+W and Alt+D keep what they delete, and Ctrl+Y inserts it; deletions in
    a row are joined. Without such a text Ctrl+Y redoes.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "yank", "Insert what was deleted", id="chat.yank", show=False),
        Binding("alt+b", "cursor_word_left", "Cursor word left", id="chat.word-left", show=False),
        Binding(
            "alt+f", "cursor_word_right", "Cursor word right", id="chat.word-right", show=False
        ),
        Binding("alt+d", "delete_word_right", "Delete the word", id="chat.delete-word", show=False),
        Binding("ctrl+t", "transpose", "Exchange two characters", id="chat.transpose", show=False),
    ]

    class ModeChanged(Message):
        """The mode of the vim keys changed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._killed = ""
        self._killed_to: tuple[str, int] | None = None
        """The text and the cursor after the last deletion that was kept."""
        self._vim: Vim | None = None
        self._vim_shown: Selection | None = None

    @property
    def plain_text(self) -> str:
        """The text with line feeds between its lines."""
        newline = self.document.newline
        return self.text if newline == "\n" else self.text.replace(newline, "\n")

    @property
    def offset_of_cursor(self) -> int:
        """The number of characters before the cursor in `plain_text`."""
        row, column = self.cursor_location
        return sum(len(line) + 1 for line in self.plain_text.split("\n")[:row]) + column

    def action_delete_word_left(self) -> None:
        """Delete the word before the cursor, and keep it."""
        before = self.plain_text
        super().action_delete_word_left()
        self._keep_killed(before, is_before=True)

    def action_delete_word_right(self) -> None:
        """Delete the word behind the cursor, and keep it."""
        before = self.plain_text
        super().action_delete_word_right()
        self._keep_killed(before, is_before=False)

    def action_delete_to_start_of_line(self) -> None:
        """Delete the line before the cursor, and keep it."""
        before = self.plain_text
        super().action_delete_to_start_of_line()
        self._keep_killed(before, is_before=True)

    async def action_delete_to_end_of_line_or_delete_line(self) -> None:
        """Delete the line behind the cursor, and keep it."""
        before = self.plain_text
        await super().action_delete_to_end_of_line_or_delete_line()
        self._keep_killed(before, is_before=False)

    def _keep_killed(self, before: str, *, is_before: bool) -> None:
        at, after = self.offset_of_cursor, self.plain_text
        killed = before[at : at + len(before) - len(after)]
        if not killed or before[:at] + killed + before[at + len(killed) :] != before:
            return
        is_next = self._killed_to is not None and self._killed_to[0] == before
        joined = killed + self._killed if is_before else self._killed + killed
        self._killed = joined if is_next else killed
        self._killed_to = after, at

    def action_yank(self) -> None:
        """Insert the deleted text. Without one, redo."""
        if self._killed:
            self.insert(self._killed)
        else:
            self.action_redo()

    def forget_killed(self) -> None:
        """Forget the deleted text, and the register, the steps and the last change of the vim
        keys.
        """
        self._killed, self._killed_to = "", None
        if self._vim is not None:
            self._set_vim(self._new_vim())

    def action_transpose(self) -> None:
        """Exchange the characters around the cursor, and move it behind them."""
        row, column = self.cursor_location
        line = self.document.get_line(row)
        at = min(column, len(line) - 1)
        if at < 1:
            raise SkipAction
        self.replace(line[at] + line[at - 1], (row, at - 1), (row, at + 1))
        self.move_cursor((row, at + 1))

    def use_vim_keys(self) -> None:
        """Use vim keys from now on, beginning in insert mode."""
        self._begin_vim()

    def _begin_vim(self) -> None:
        vim, known = self._new_vim(), self._vim
        if known is not None:
            kept = known.register, known.found, known.change
            vim = replace(vim, register=kept[0], found=kept[1], change=kept[2])
        self._set_vim(vim)

    def _new_vim(self) -> "Vim":
        from replyscope.ui.vim.engine import begin  # most people do not use vim keys

        return begin(self.plain_text, self.offset_of_cursor)

    def _set_vim(self, vim: "Vim") -> None:
        before, self._vim = self._vim, vim
        if before is None or before.mode is not vim.mode:
            self.post_message(self.ModeChanged())

    @property
    def mode_word(self) -> str:
        """The word of the mode of the vim keys; empty without them."""
        return "" if self._vim is None else self._vim.mode.value

    def load_text(self, text: str) -> None:
        """Replace the whole text. With vim keys the field is in insert mode then, with nothing to
        undo: the text may be of another session. The register is kept, as what Ctrl+Y inserts is.
        """
        super().load_text(text)
        if getattr(self, "_vim", None) is not None:
            self._begin_vim()

    async def press_vim(self, event: events.Key) -> bool:
        """Let the vim keys handle a key. Returns whether they did. Enter in normal mode runs the
        action `submit`, unless it has another meaning in the key map: then it moves down.
        """
        if self._vim is None:
            return False
        from replyscope.ui.vim.engine import press, synced
        from replyscope.ui.vim.state import Effect, VimMode

        known = self._vim
        is_shown = known.mode.is_visual and self.selection == self._vim_shown
        cursor = known.cursor if is_shown else self.offset_of_cursor
        state = synced(known, self.plain_text, cursor)
        character = event.character if event.is_printable else None
        vim, effect = press(state, character or event.key)
        if effect in (Effect.UNKNOWN, Effect.LEAVE):
            self._set_vim(vim)
            if effect is Effect.LEAVE or vim.mode is VimMode.INSERT:
                return False
            return bool(character) or await self._is_spared(event.key)
        submits = effect is Effect.SUBMIT
        if submits and self._own_action("enter") != "submit":
            submits, (vim, _) = False, press(state, "j")
        self._show_vim(vim)
        if submits:
            await self.run_action("submit")
        return True

    def _own_action(self, key: str) -> str:
        """The action of a key that is bound to this field; empty without one."""
        active = self.screen.active_bindings.get(key)
        return active.binding.action if active is not None and active.node is self else ""

    async def _is_spared(self, key: str) -> bool:
        """Whether a key of normal or visual mode would delete without the register. It does not;
        Ctrl+D and Ctrl+U scroll instead.
        """
        if key == "backspace" or not self._own_action(key).startswith("delete_"):
            return False
        if key in _SCROLLS:
            await self.run_action(_SCROLLS[key])
        return True

    def select_under_cursor(self) -> None:
        """Select the character under the cursor too, and end visual mode. Before a text is copied,
        cut or pasted over: vim's selection has that character.
        """
        vim = self._vim
        if vim is None or not vim.mode.is_visual or self.selection != self._vim_shown:
            return
        from replyscope.ui.vim.regions import selected
        from replyscope.ui.vim.state import VimMode

        region = selected(vim)
        self._set_vim(replace(vim, mode=VimMode.NORMAL, pending=()))
        self.selection = Selection(_place(vim.text, region.start), _place(vim.text, region.end))

    def action_copy(self) -> None:
        """Copy the selected text."""
        self.select_under_cursor()
        super().action_copy()

    def action_cut(self) -> None:
        """Cut the selected text."""
        self.select_under_cursor()
        super().action_cut()

    def _show_vim(self, vim: "Vim") -> None:
        """Show the text, the cursor and the selection of a state."""
        old, new = self.plain_text, vim.text
        if old != new:
            start = _common(old, new)
            rest = _common(old[start:][::-1], new[start:][::-1])
            ends = _place(old, start), _place(old, len(old) - rest)
            self.replace(new[start : len(new) - rest], *ends)
        self._set_vim(vim)
        self.selection = self._vim_shown = self._selection_of(vim)

    def _selection_of(self, vim: "Vim") -> Selection:
        from replyscope.ui.vim.lines import line_end, line_start
        from replyscope.ui.vim.state import VimMode

        anchor, cursor = vim.anchor, vim.cursor
        if vim.mode is VimMode.LINES:
            ends = (
                line_start(vim.text, min(anchor, cursor)),
                line_end(vim.text, max(anchor, cursor)),
            )
            anchor, cursor = ends if vim.anchor <= vim.cursor else ends[::-1]
        elif vim.mode is not VimMode.VISUAL:
            anchor = cursor
        elif cursor < anchor:
            anchor = min(anchor + 1, len(vim.text))
        return Selection(_place(vim.text, anchor), _place(vim.text, cursor))


def _place(text: str, at: int) -> tuple[int, int]:
    """The row and the column of an offset."""
    return text.count("\n", 0, at), at - (text.rfind("\n", 0, at) + 1)


def _common(one: str, other: str) -> int:
    """The length of the common beginning of two texts."""
    most = min(len(one), len(other))
    if one[:most] == other[:most]:
        return most
    return next(at for at in range(most) if one[at] != other[at])

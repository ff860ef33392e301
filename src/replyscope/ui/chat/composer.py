"""The composer: the text field of the next message. It posts messages and never sends."""

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from replyscope.domain.printable import is_printable, printable_line
from replyscope.engine.dropped_paths import dropped_paths, is_file, is_file_or_folder
from replyscope.ui.chat.text_keys import KeyedTextArea
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.keys.panel import KeyPanel
from replyscope.ui.terminal.textual_internals import bindings_for_key

_MOST_PASTED = 2_000
_MOST_PASTED_LINES = 30
_PLACEHOLDER = "type a message · / commands · @ files · ? keys"
_PRIVATE_PLACEHOLDER = "private: nothing of this session is written"
_READING_PLACEHOLDER = "Esc to write"
_IN_ORDER = ("chat.send", "chat.newline", "chat.complete", "chat.page-up", "chat.page-down")
_SCROLL = Binding.Group("scroll")


def completion_at(before: str, *, is_first: bool) -> tuple[str | None, str]:
    """The kind and text of what can be completed at the end of a line; see Composer."""
    word = before.rsplit(" ", 1)[-1].rsplit("\t", 1)[-1]
    if is_first and before.startswith("/"):
        if " " not in before:
            return "command", before
        if not word.startswith("@"):
            return "argument", before
    return ("file", word) if word.startswith("@") else (None, "")


class Composer(KeyedTextArea):
    """A multi-line text area: Enter submits, Ctrl+J or Shift+Enter break the line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Send", id="chat.send"),
        Binding("ctrl+j,shift+enter", "line_break", "New line", id="chat.newline"),
        Binding("tab", "complete", "Complete", id="chat.complete"),
        Binding("pageup", "page(-1)", "Scroll the conversation up", id="chat.page-up",
                group=_SCROLL),
        Binding("pagedown", "page(1)", "Scroll the conversation down", id="chat.page-down",
                group=_SCROLL),
    ]  # fmt: skip

    class Submitted(Message):
        """Enter was pressed; `text` is to be sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Chosen(Message):
        """The highlighted suggestion was accepted; `submits` is whether with Enter."""

        def __init__(self, submits: bool) -> None:
            super().__init__()
            self.submits = submits

    class Moved(Message):
        """The highlight of the suggestions is to move."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Paged(Message):
        """The conversation is to scroll by a page; `step` is -1 for up."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class PastedLarge(Message):
        """A text was pasted that is too large to edit."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Dropped(Message):
        """The paths of existing files were pasted, as terminals do for a file that is dropped."""

        def __init__(self, text: str, paths: tuple[Path, ...]) -> None:
            super().__init__()
            self.text = text
            self.paths = paths

    class PasteWanted(Message):
        """Ctrl+V, or a paste without text: a picture may be on the clipboard. `copied` is the text
        that was copied in the program.
        """

        def __init__(self, copied: str) -> None:
            super().__init__()
            self.copied = copied

    class BackspaceWhenEmpty(Message):
        """Backspace was pressed in the empty field."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id, soft_wrap=True, show_line_numbers=False, tab_behavior="focus", compact=True
        )
        self.placeholder = _PLACEHOLDER
        self._history: list[str] = []
        self._private_history: list[str] = []
        self._is_private = False
        self._is_writing = True
        self._holds_question = False
        self._history_at: int | None = None
        self._unsent = ""
        self._shown_prompt = ""
        self.is_suggesting = False

    def get_line(self, line_index: int) -> Text:
        """The line to render: control characters become symbols; the text does not change."""
        line = super().get_line(line_index)
        if is_printable(line.plain):
            return line
        return Text(printable_line(line.plain), end="")

    def set_history(self, prompts: list[str]) -> None:
        """Set the history of prompts, oldest first."""
        self._history = prompts
        self._history_at = None

    def remember(self, prompt: str) -> None:
        """Append a sent prompt to the history."""
        history = self._private_history if self._is_private else self._history
        history[:] = [p for p in history if p != prompt] + [prompt]
        self._history_at = None

    def show_private(self, is_private: bool) -> None:
        """Set whether the session is private. The history offers prompts of private sessions
        in private sessions only: elsewhere a recalled prompt could be saved as a draft.
        """
        if is_private != self._is_private:
            self.forget_killed()
        self._is_private = is_private
        self._history_at, self._unsent = None, ""
        self.set_class(is_private, "-private")
        self.border_title = "private" if is_private else ""
        self._draw_placeholder()

    def show_mode(self, *, is_writing: bool) -> None:
        """Show whether keys are typed into the field."""
        if is_writing != self._is_writing:
            self._is_writing = is_writing
            self.set_class(not is_writing, "-reading")
            self.border_subtitle = _READING_PLACEHOLDER if self.text and not is_writing else ""
            self._draw_placeholder()

    def _draw_placeholder(self) -> None:
        written = _PRIVATE_PLACEHOLDER if self._is_private else _PLACEHOLDER
        self.placeholder = written if self._is_writing else _READING_PLACEHOLDER

    def replace_text(self, text: str, cursor: int | None = None) -> None:
        """Replace the text. `cursor` is an offset in characters; None is the end."""
        self._history_at = None
        self._show_text(text, cursor)

    def _show_text(self, text: str, cursor: int | None = None) -> None:
        self.load_text(text)
        if cursor is None:
            self.move_cursor(self.document.end)
            return
        before = self.text[: max(0, cursor)].split(self.document.newline)
        self.move_cursor((len(before) - 1, len(before[-1])))

    @property
    def written(self) -> tuple[str, int | None]:
        """The text of the message, and the offset of the cursor in characters, None at the
        end. While a recalled prompt is shown without edits, the text is the unsent one.
        """
        if self._history_at is not None and self.text == self._shown_prompt:
            return self._unsent, None
        text, (row, column) = self.text, self.cursor_location
        newline = self.document.newline
        cursor = sum(len(line) + len(newline) for line in text.split(newline)[:row]) + column
        return text, cursor if cursor < len(text) else None

    def action_submit(self) -> None:
        """Enter: accept a suggestion, or submit. Later keys belong to the next message."""
        if self.is_suggesting:
            self.post_message(self.Chosen(submits=True))
        else:
            text = self.text
            self.load_text("")
            self.post_message(self.Submitted(text))

    def action_line_break(self) -> None:
        """Break the line."""
        self.insert("\n")

    def action_complete(self) -> None:
        """Tab: accept a suggestion, or focus the next pane."""
        if self.is_suggesting:
            self.post_message(self.Chosen(submits=False))
        else:
            self.screen.focus_next()

    def action_page(self, step: int) -> None:
        """Scroll the conversation by a page."""
        self.post_message(self.Paged(step))

    async def on_paste(self, event: events.Paste) -> None:
        text = event.text.replace("\r\n", "\n").replace("\r", "\n")  # a terminal may send CR
        wanted: Message | None = None
        if not text:
            wanted = self.PasteWanted("")
        elif len(text) > _MOST_PASTED or text.count("\n") >= _MOST_PASTED_LINES:
            wanted = self.PastedLarge(text)
        elif paths := dropped_paths(text, is_file if self.text else is_file_or_folder):
            wanted = self.Dropped(text, paths)
        if wanted is not None:
            event.stop()
            event.prevent_default()
            self.post_message(wanted)
        else:
            self.select_under_cursor()

    def action_paste(self) -> None:
        """Ctrl+V: paste a picture, or the text that was copied in the program."""
        self.post_message(self.PasteWanted(self.app.clipboard))

    async def on_key(self, event: events.Key) -> None:
        if await self._answers_question(event):
            return
        if not (self.is_suggesting and event.key == "escape") and await self.press_vim(event):
            self._take(event)
            return
        # Keys must act in the order of typing. The app would run a binding before or after
        # the letters that are still in this widget's queue.
        if not event.is_printable:
            active = self.screen.active_bindings.get(event.key)
            if active is not None and active.node is self and active.binding.id in _IN_ORDER:
                self._take(event)
                await self.run_action(active.binding.action)
                return
        row, _ = self.cursor_location
        if self.is_suggesting and event.key in ("up", "down"):
            self._take(event)
            self.post_message(self.Moved(-1 if event.key == "up" else 1))
        elif (event.key == "up" and row == 0 and self._walk_history(-1)) or (
            event.key == "down"
            and row == self.document.line_count - 1
            and self._history_at is not None
            and self._walk_history(1)
        ):
            self._take(event)
        elif event.key == "backspace" and not self.text:
            self._take(event)
            self.post_message(self.BackspaceWhenEmpty())

    async def _answers_question(self, event: events.Key) -> bool:
        """Open the panel of keys at `?` in the empty field. The next printable key closes the
        panel and is typed after the `?`, a second `?` types one; vim's commands type none. Returns
        whether the key is handled.
        """
        if self._holds_question:
            self._holds_question = False
            is_second = event.character == "?"
            for panel in self.screen.query(KeyPanel):
                panel.remove()
            if event.is_printable and self.mode_word in ("", "INSERT"):
                self.insert("?")
            if event.key == "escape" or is_second:
                self._take(event)
                return True
            return False
        bindings = bindings_for_key(self.app, event.key) if event.is_printable else ()
        if self.text or all(binding.action != "show_keys" for binding in bindings):
            return False
        if not self.screen.query(KeyFooter):
            return False  # the first screen, whose keys are handed over to the chat
        self._take(event)
        self._holds_question = event.character == "?"
        await self.run_action("app.show_keys")
        return True

    def on_blur(self) -> None:
        self._holds_question = False

    def _take(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()

    def _walk_history(self, step: int) -> bool:
        history = [*self._history, *(self._private_history if self._is_private else ())]
        if not history:
            return False
        if self._history_at is None:
            self._unsent = self.text
            at = len(history) + step
        else:
            at = self._history_at + step
        if at < 0:
            return True
        if at >= len(history):
            self._history_at = None
            self.replace_text(self._unsent)
            return True
        self._history_at = at
        self._shown_prompt = history[at]
        self._show_text(history[at])
        return True

    def completion(self) -> tuple[str | None, str]:
        """The kind and text of what is typed before the cursor: ("command", "/mo"),
        ("argument", "/model gpt"), ("file", "@src/m") or (None, "").
        """
        row, column = self.cursor_location
        return completion_at(self.document.get_line(row)[:column], is_first=row == 0)

    def replace_word(self, word: str, by: str) -> None:
        """Replace the word at the cursor by a completion."""
        row, column = self.cursor_location
        self.replace(by, (row, column - len(word)), (row, column))

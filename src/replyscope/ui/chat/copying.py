"""The commands that copy messages and code, and open links."""

from collections.abc import Callable

from replyscope.domain.message import TextPart
from replyscope.domain.printable import printable_line
from replyscope.engine.branch import read_in
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import PickDialog


class Copying:
    """Commands of the clipboard and of links."""

    def __init__(
        self, desk: Desk, view: ChatView, selected: Callable[[], str | None] = lambda: None
    ) -> None:
        self._desk = desk
        self._view = view
        self._selected = selected

    def copy_message(self) -> None:
        """Copy the Markdown source of the message under the cursor."""
        text = self._text_at_cursor()
        if text:
            self._desk.app.copy_to_clipboard(text)
            self._desk.tell("Message copied", is_error=False)

    def quote(self) -> None:
        """Quote the selected text, or the message under the cursor, in the composer."""
        from replyscope.engine.quoting import quoted  # loaded on first use

        text = self._selected() or self._text_at_cursor()
        if not text.strip():
            self._desk.tell("There is nothing to quote yet.", is_error=False)
            return
        composer = self._view.composer
        written = composer.text.rstrip("\n")
        composer.replace_text((f"{written}\n\n" if written else "") + quoted(text))
        composer.focus()

    def copy_code(self) -> None:
        """Copy a code block of the message under the cursor. With several, a dialog asks which."""
        from replyscope.inspection.markup.code_blocks import code_blocks  # loaded on first use

        blocks = code_blocks(self._text_at_cursor())

        def copy(number: str) -> None:
            self._desk.app.copy_to_clipboard(blocks[int(number) - 1].code)
            self._desk.tell("Code copied", is_error=False)

        if len(blocks) > 1:
            rows = [(str(number), block.summary) for number, block in enumerate(blocks, 1)]
            self._desk.ask_dialog(PickDialog("Copy which code?", rows, current=rows[-1][0]), copy)
        elif blocks:
            copy("1")
        else:
            self._desk.tell("There is no code block in this message", is_error=False)

    def _text_at_cursor(self) -> str:
        message = self._view.message_at_cursor()
        if message is None:
            return ""
        parts = read_in(message, self._desk.exchanges_now).parts
        return "".join(part.text for part in parts if isinstance(part, TextPart))

    def open_link(self, target: str) -> None:
        """Open a clicked link in the browser, and show its address."""
        if not target.startswith(("http://", "https://", "mailto:")):
            self._desk.tell(f"{printable_line(target)} is no web address; it was not opened.")
            return
        import webbrowser  # at the first link

        webbrowser.open(target)
        self._desk.tell(f"Opened {printable_line(target)}", is_error=False)

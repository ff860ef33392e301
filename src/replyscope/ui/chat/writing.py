"""Writing a message: commands, completion, attachments, the outside editor."""

from pathlib import Path

from textual import on
from textual.widgets import OptionList

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import FilePart
from replyscope.domain.printable import printable_line
from replyscope.domain.unicode_text import byte_count
from replyscope.engine.attachments import complete_path, read_attachment
from replyscope.inspection.figures import size
from replyscope.ui.chat.commands import COMMANDS, find_command
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.suggestions import Suggestions
from replyscope.ui.chat.tool_servers import ServerActions
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.terminal.settling import settle

_EDIT, _SEND = "edit", "send anyway"


class WritingActions(ServerActions):
    """Turns what is typed into messages and commands."""

    @on(Composer.Submitted)
    async def _on_submitted(self, event: Composer.Submitted) -> None:
        text = event.text
        if text.startswith("/") and "\n" not in text:
            name, _, argument = text[1:].partition(" ")
            command = find_command(name)
            if command is None and ":" in name:  # a prompt of a tool server
                self.action_use_prompt(name)
                return
            if command is None:
                self.tell(f"There is no command /{name}. F1 lists them.")
                if not self.composer.text:
                    self.composer.replace_text(text)
                return
            await self.run_command(command.action, argument.strip() if command.argument else "")
            return
        self._send_unless_it_holds_a_key(text)

    def _send_unless_it_holds_a_key(self, text: str) -> None:
        """Send a message; with an API key in it only when the person says so."""
        attached = [part.text for part in self.pending.attachments if isinstance(part, FilePart)]
        found = [key for one in (text, *attached) for key in self.services.keys.find_keys(one)]
        if not found:
            self.send(text)
            return

        def decide(choice: str | None) -> None:
            if choice == _SEND:
                self.send(text)
            else:
                self.composer.replace_text(text)

        shown = ", ".join(dict.fromkeys(found[:3]))
        rows = [(_EDIT, "go back to the message"), (_SEND, "the model and its provider see it")]
        title = f"This message holds an API key: {printable_line(shown)}"
        self.app.push_screen(PickDialog(title, rows), decide)

    async def run_command(self, action: str, argument: str = "") -> None:
        """Run a command's action on this screen."""
        await self.run_action(f"{action}({argument!r})" if argument else action)

    @on(Composer.Changed)
    @on(Composer.SelectionChanged)
    def offer_completions(self) -> None:
        """Draw the list of what may complete the word at the cursor."""
        kind, word = self.composer.completion()
        rows: list[tuple[str, str]] = []
        if kind == "command":
            rows = [
                (f"/{c.name}", c.help) for c in COMMANDS if f"/{c.name}".startswith(word.lower())
            ]
            rows += self.prompt_rows(word)
        elif kind == "file":
            found = complete_path(word[1:], self.services.working_folder)
            rows = [(f"@{path}", "folder" if is_folder else "") for path, is_folder in found]
        self.query_one(Suggestions).offer(rows)
        self.composer.is_suggesting = bool(rows)

    @on(Composer.Moved)
    def _move_suggestion(self, event: Composer.Moved) -> None:
        suggestions = self.query_one(Suggestions)
        if event.step > 0:
            suggestions.action_cursor_down()
        else:
            suggestions.action_cursor_up()

    @on(OptionList.OptionSelected, "#suggestions")
    async def _click_suggestion(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        await self._take_suggestion(submits=False)

    @on(Composer.Chosen)
    async def _on_chosen(self, event: Composer.Chosen) -> None:
        await self._take_suggestion(submits=event.submits)

    async def _take_suggestion(self, *, submits: bool) -> None:
        value = self.query_one(Suggestions).chosen
        kind, word = self.composer.completion()
        if value is None or kind is None:
            return
        if kind == "file":
            self._take_file(value, word)
            return
        if submits and ":" in value:
            self.composer.replace_text("")
            self.action_use_prompt(value[1:])
            return
        command = find_command(value[1:])
        if (submits and command is not None and not command.argument) or (
            submits and value == word and command is not None
        ):
            self.composer.replace_text("")
            await self.run_command(command.action)
        else:
            self.composer.replace_word(word, value + " ")

    def _take_file(self, value: str, word: str) -> None:
        if value.endswith("/"):
            self.composer.replace_word(word, value)
        elif self.attach_file(value[1:]):
            self.composer.replace_word(word, Path(value[1:]).name + " ")

    def attach_file(self, path: str) -> bool:
        """Attach a file to the message being written; whether it could be."""
        try:
            part = read_attachment(self.services.working_folder / Path(path).expanduser())
        except ReplyscopeError as error:
            self.tell(error)
            return False
        self.pending.attach(part)
        self.draw_attachments()
        return True

    def action_attach(self, path: str = "") -> None:
        """Attach a file by its path."""
        if path:
            self.attach_file(path)
        else:
            dialog = LineDialog("Path of a text file or an image")
            self.ask_dialog(dialog, self.attach_file)

    @on(Composer.PastedLarge)
    def _on_pasted(self, event: Composer.PastedLarge) -> None:
        part = self.pending.attach_paste(event.text)
        self.tell(f"Pasted as {part.name}, {size(byte_count(part.text))}", is_error=False)
        self.draw_attachments()

    @on(Composer.BackspaceWhenEmpty)
    def _on_backspace(self) -> None:
        if self.pending.detach_last():
            self.draw_attachments()

    def action_edit_outside(self) -> None:
        """Write the message in $EDITOR."""
        if self.conversation.is_private:
            self.tell("An editor is given a file, and of a private session none is written.")
            return
        self.start_work(self._edit_outside, group="editor", exclusive=True)

    async def _edit_outside(self) -> None:
        await settle(self.composer)  # this key overtakes those typed before it
        try:
            with self.app.suspend():
                text = self.services.edit_text(self.composer.text)
        except ReplyscopeError as error:
            self.tell(error)
            return
        self.composer.replace_text(text)
        self.refresh(layout=True)

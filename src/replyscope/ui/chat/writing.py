"""The input of the composer: messages, slash commands, completion and attachments."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import FilePart
from replyscope.domain.printable import printable_line
from replyscope.domain.unicode_text import byte_count
from replyscope.engine.attachments import complete_path, read_attachment
from replyscope.engine.command_names import find_command, nearest_name
from replyscope.inspection.figures import size
from replyscope.ui.chat.commands import CommandLine
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.sending import Sending
from replyscope.ui.chat.tool_servers import ServerCommands
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import LineDialog, PickDialog

_EDIT, _SEND = "edit", "send anyway"


class Writing:
    """Commands of the composer: sends messages, runs slash commands, completes and attaches."""

    def __init__(
        self,
        desk: Desk,
        view: ChatView,
        sending: Sending,
        servers: ServerCommands,
        commands: Sequence[CommandLine],
        run: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._desk = desk
        self._view = view
        self._sending = sending
        self._servers = servers
        self._commands = commands
        self._run = run

    async def submit(self, text: str) -> None:
        """Run a slash command, or send the text as a message."""
        if text.startswith("/") and "\n" not in text:
            name, _, argument = text[1:].partition(" ")
            command = find_command(self._commands, name)
            if command is None and ":" in name:  # a prompt of a tool server
                self._servers.use_prompt(name)
                return
            if command is None:
                near = nearest_name(self._commands, name)
                advice = f"Did you mean /{near}?" if near else "[F1] lists the commands."
                self._desk.tell(f"There is no command /{name}. {advice}")
                if not self._view.composer.text:
                    self._view.composer.replace_text(text)
                return
            await self._run(command.name, argument.strip() if command.argument else "")
            return
        self._send_unless_it_holds_a_key(text)

    def _send_unless_it_holds_a_key(self, text: str) -> None:
        """Send a message. If it contains an API key, a dialog asks first."""
        attached = [
            part.text for part in self._desk.pending.attachments if isinstance(part, FilePart)
        ]
        found = [
            key for one in (text, *attached) for key in self._desk.services.keys.find_keys(one)
        ]
        if not found:
            self._sending.send(text)
            return

        def decide(choice: str | None) -> None:
            if choice == _SEND:
                self._sending.send(text)
            else:
                self._view.composer.replace_text(text)

        shown = ", ".join(dict.fromkeys(found[:3]))
        rows = [(_EDIT, "return to the message"), (_SEND, "the provider receives the key")]
        title = f"This message contains an API key: {printable_line(shown)}"
        self._desk.show(PickDialog(title, rows), decide)

    def offer_completions(self) -> None:
        """Show the completions of the word at the cursor."""
        kind, word = self._view.composer.completion()
        rows: list[tuple[str, str]] = []
        if kind == "command":
            rows = [
                (f"/{name}", c.help if name == c.name else f"{c.help} (/{c.name})")
                for c in self._commands
                for name in (c.name, *c.aliases)
                if f"/{name}".startswith(word.lower()) and (name == c.name or len(word) > 1)
            ]
            rows += self._servers.prompt_rows(word, self.offer_completions)
        elif kind == "file":
            found = complete_path(word[1:], self._desk.services.working_folder)
            rows = [(f"@{path}", "folder" if is_folder else "") for path, is_folder in found]
        # Enter accepts the first: "/n" must not become "/new".
        rows.sort(key=lambda row: row[0] != word.lower())
        self._view.suggestions.offer(rows)
        self._view.composer.is_suggesting = bool(rows)

    def move_suggestion(self, step: int) -> None:
        """Move the highlight of the suggestions."""
        if step > 0:
            self._view.suggestions.action_cursor_down()
        else:
            self._view.suggestions.action_cursor_up()

    async def take_suggestion(self, *, submits: bool) -> None:
        """Complete the word at the cursor; with `submits` run a complete command."""
        value = self._view.suggestions.chosen
        kind, word = self._view.composer.completion()
        if value is None or kind is None:
            return
        if kind == "file":
            self._take_file(value, word)
            return
        if submits and ":" in value:
            self._view.composer.replace_text("")
            self._servers.use_prompt(value[1:])
            return
        command = find_command(self._commands, value[1:])
        if (submits and command is not None and not command.argument) or (
            submits and value == word and command is not None
        ):
            self._view.composer.replace_text("")
            await self._run(command.name, "")
        else:
            self._view.composer.replace_word(word, value + " ")

    def _take_file(self, value: str, word: str) -> None:
        if value.endswith("/"):
            self._view.composer.replace_word(word, value)
        elif self.attach_file(value[1:]):
            self._view.composer.replace_word(word, Path(value[1:]).name + " ")

    def attach_file(self, path: str) -> bool:
        """Attach a file to the message being written. Returns whether it was attached."""
        try:
            part = read_attachment(self._desk.services.working_folder / Path(path).expanduser())
        except ReplyscopeError as error:
            self._desk.tell(error)
            return False
        self._desk.pending.attach(part)
        self._view.draw_attachments()
        return True

    def attach(self, path: str = "") -> None:
        """Attach a file by its path."""
        if path:
            self.attach_file(path)
        else:
            dialog = LineDialog("Path of a text file or an image")
            self._desk.ask_dialog(dialog, self.attach_file)

    def attach_paste(self, text: str) -> None:
        """Attach a paste that is too large to edit."""
        part = self._desk.pending.attach_paste(text)
        self._desk.tell(f"Pasted as {part.name}, {size(byte_count(part.text))}", is_error=False)
        self._view.draw_attachments()

    def detach_last(self) -> None:
        """Remove the newest attachment."""
        if self._desk.pending.detach_last():
            self._view.draw_attachments()

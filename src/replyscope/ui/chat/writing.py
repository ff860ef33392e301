"""The input of the composer: messages and slash commands."""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import attached_text
from replyscope.domain.printable import printable_line
from replyscope.engine.command_names import (
    check_lines,
    find_command,
    is_exact,
    is_message,
    message_hint,
    nearest_name,
    shadowed_hint,
    split_command,
)
from replyscope.ui.chat.attaching import Attaching
from replyscope.ui.chat.commands import CommandLine
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.late_prompts import LatePrompts
from replyscope.ui.chat.sending import Sending
from replyscope.ui.chat.tool_servers import ServerCommands
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import PickDialog

_EDIT, _SEND = "edit", "send anyway"


class Writing(Attaching):
    """Commands of the composer: sends messages, runs slash commands and attaches."""

    def __init__(
        self,
        desk: Desk,
        view: ChatView,
        drafts: Drafts,
        sending: Sending,
        servers: ServerCommands,
        prompts: LatePrompts,
        commands: Sequence[CommandLine],
        run: Callable[[str, str], Awaitable[None]],
    ) -> None:
        super().__init__(desk, view, drafts)
        self._sending = sending
        self._servers = servers
        self._prompts = prompts
        prompts.attach_file = self.attach_file
        self._commands = commands
        self._run = run
        self._waiting: dict[str, str] = {}
        """The texts of messages that wait for files, by session id."""
        self._hinted: set[str] = set()
        """The names of prompts that have the name of a command, once that was said."""
        self.on_read = self._send_waiting

    async def submit(self, text: str) -> None:
        """Run a slash command, use a prompt, or send the text as a message."""
        typed = split_command(text)
        if typed is None:
            self._send(text)
            return
        name, argument = typed
        command = find_command(self._commands, name)
        if not is_exact(command, name) and await self._prompts.has(name):
            self._prompts.commands.use(name, argument, text)
        elif is_message(command, name, text):
            if hint := message_hint(self._commands, name):
                self._desk.tell(hint, is_error=False)
            self._send(text)
        elif command is not None:
            await self._run_typed(command, name, argument, text)
        elif ":" in name:  # a prompt of a tool server
            self._servers.use_prompt(name)
        else:
            near = nearest_name(self._commands, name)
            advice = f"Did you mean /{near}?" if near else "[F1] lists the commands."
            self._desk.tell(f"There is no command /{name}. {advice}")
            if not self._view.composer.text:
                self._view.composer.replace_text(text)

    async def _run_typed(self, command: CommandLine, name: str, argument: str, text: str) -> None:
        try:
            check_lines(command, name, text)
        except ReplyscopeError as error:
            self._desk.tell(error)
            self._view.composer.replace_text(text)
        else:
            await self._run(command.name, argument if command.argument else "")
            if is_exact(command, name) and name not in self._hinted:
                await self._hint_at_prompt(name)

    async def _hint_at_prompt(self, name: str) -> None:
        """Say once how the prompt with the name of a command is used, if there is one."""
        if await self._prompts.has(name):
            self._hinted.add(name)
            self._desk.tell(shadowed_hint(name), is_error=False)

    def _send(self, text: str) -> None:
        """Send a message, after questions about keys and attachments in it."""
        desk = self._desk
        if names := desk.pending.being_read(desk.conversation.session.id):
            self._view.composer.replace_text(text)
            self._waiting[desk.conversation.session.id] = text
            desk.tell(
                f"{', '.join(names)} is being read. The message is sent then.", is_error=False
            )
            return
        questions = [*self._key_questions(text), *self._rejection_questions()]

        def ask_next(choice: str | None = _SEND) -> None:
            if choice != _SEND:
                self._view.composer.replace_text(text)
            elif questions:
                title, note, about = questions.pop(0)
                rows = [(_EDIT, "return to the message"), (_SEND, about)]
                desk.show(PickDialog(title, rows, note=note), ask_next)
            else:
                self._sending.send(text)

        ask_next()

    def _send_waiting(self, session_id: str, is_attached: bool) -> None:
        """Send the message that waited for its files, unless it was changed meanwhile, or a file
        could not be read.
        """
        if self._desk.pending.being_read(session_id) and is_attached:
            return
        text = self._waiting.pop(session_id, None)
        if text is None:
            return
        is_open = session_id == self._desk.conversation.session.id
        if is_attached and is_open and text == self._view.composer.text:
            self._view.composer.replace_text("")
            self._send(text)
            return
        why = "a file was not attached" if not is_attached else "its text was changed"
        if is_attached and not is_open:
            why = "another session was opened"
        self._desk.tell(f"The message that waited was not sent: {why}.", is_error=False)

    def _key_questions(self, text: str) -> Iterator[tuple[str, str, str]]:
        """The question of a message with API keys: its title, note and what sending does."""
        attached = [attached_text(part) for part in self._desk.pending.attachments]
        find = self._desk.services.keys.find_keys
        found = [key for one in (text, *attached) for key in find(one)]
        if found:
            shown = printable_line(", ".join(dict.fromkeys(found[:3])))
            title = f"This message contains an API key: {shown}"
            yield title, "", "the provider receives the key"

    def _rejection_questions(self) -> Iterator[tuple[str, str, str]]:
        """The question of attachments that the server or the model does not accept."""
        said = self._rejections(self._desk.pending.attachments)
        if said:
            note = printable_line(" ".join(said))
            yield "An attachment is not accepted", note, "the server may reject the message"

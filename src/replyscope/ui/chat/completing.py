"""Completion in the composer: commands, their arguments, and the paths of files."""

from collections.abc import Sequence
from pathlib import Path

from replyscope.engine.argument_forms import Row
from replyscope.engine.argument_lists import ArgumentLists
from replyscope.engine.command_names import find_command, is_exact
from replyscope.ui.chat.commands import CommandLine
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.late_prompts import LatePrompts
from replyscope.ui.chat.tool_servers import ServerCommands
from replyscope.ui.chat.view import ChatView
from replyscope.ui.chat.writing import Writing


class Completing:
    """Shows the completions of what is typed, and takes the highlighted one."""

    def __init__(
        self,
        desk: Desk,
        view: ChatView,
        writing: Writing,
        servers: ServerCommands,
        prompts: LatePrompts,
        commands: Sequence[CommandLine],
    ) -> None:
        self._desk = desk
        self._view = view
        self._writing = writing
        self._servers = servers
        self._prompts = prompts
        self._commands = commands
        services = desk.services
        self._lists = ArgumentLists(
            services,
            desk.targets,
            {
                "PROMPT": lambda: _named(prompts.rows("/", self._offer_again)),
                "SERVER:NAME": lambda: _named(servers.prompt_rows("/", self._offer_again)),
                "THEME": lambda: ((one.name, one.title) for one in services.themes),
            },
        )

    def _offer_again(self) -> None:
        self._desk.start_work(self.offer, group="completions", exclusive=True)

    async def offer(self) -> None:
        """Show the completions of what is typed before the cursor."""
        kind, word = typed = self._view.composer.completion()
        rows: list[Row] = []
        if kind == "command":
            rows = self._command_rows(word)
        elif kind == "file":
            found = await self._lists.paths.complete(word[1:])
            rows = [(f"@{path}", "folder" if is_folder else "") for path, is_folder in found]
            if word.endswith("/"):
                rows.append((f"{word}.", "attach this folder"))
        elif kind == "argument":
            rows = await self._argument_rows(word)
        if typed != self._view.composer.completion():
            return
        if kind != "argument":  # Enter accepts the first: "/n" must not become "/new".
            rows.sort(key=lambda row: row[0] != word.lower())
        # An argument can be a name that no list has: Enter accepts one only after Down.
        self._view.suggestions.offer(rows, chooses=kind != "argument")
        self._view.composer.is_suggesting = bool(rows)

    def _command_rows(self, word: str) -> list[Row]:
        rows = [
            (f"/{name}", c.help if name == c.name else f"{c.help} (/{c.name})")
            for c in self._commands
            for name in (c.name, *c.aliases)
            if f"/{name}".startswith(word.lower()) and (name == c.name or len(word) > 1)
        ]
        taken = {f"/{name}" for c in self._commands for name in (c.name, *c.aliases)}
        own = self._prompts.rows(word, self._offer_again)
        rows += [(f"/prompts {name[1:]}" if name in taken else name, about) for name, about in own]
        return rows + self._servers.prompt_rows(word, self._offer_again)

    async def _argument_rows(self, word: str) -> list[Row]:
        name, _, argument = word[1:].partition(" ")
        command = find_command(self._commands, name)
        if command is None:
            return []
        return await self._lists.complete(command.argument, argument.lstrip())

    def move(self, step: int) -> None:
        """Move the highlight of the suggestions."""
        if step > 0:
            self._view.suggestions.action_cursor_down()
        else:
            self._view.suggestions.action_cursor_up()

    async def take(self, *, submits: bool) -> None:
        """Complete what is typed; with `submits` run a complete command."""
        kind, word = self._view.composer.completion()
        if kind == "argument":
            await self._take_argument(word, submits=submits)
            return
        value = self._view.suggestions.chosen
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
        if submits and not is_exact(command, value[1:]):
            self._view.composer.replace_text("")
            self._prompts.commands.use(value[1:].removeprefix("prompts "))
            return
        if (submits and command is not None and not command.argument) or (
            submits and value == word and command is not None
        ):
            self._view.composer.replace_text("")
            await self._writing.submit(value)
        else:
            self._view.composer.replace_word(word, value + " ")

    async def _take_argument(self, word: str, *, submits: bool) -> None:
        """Complete an argument. Enter runs the command with the highlighted one, or as typed."""
        if not submits and self._view.suggestions.chosen is None:
            self.move(1)
        value = self._view.suggestions.chosen
        if value is not None:
            command, _, _ = word.partition(" ")
            self._view.composer.replace_word(word, f"{command} {value}")
        if submits and (value is None or not value.endswith((" ", "/"))):
            text = self._view.composer.text
            self._view.composer.replace_text("")
            await self._writing.submit(text)

    def _take_file(self, value: str, word: str) -> None:
        if value.endswith("/"):
            self._view.composer.replace_word(word, value)
        elif self._writing.attach_file(value[1:]):
            name = value[1:].removesuffix(".") if value.endswith("/.") else Path(value[1:]).name
            self._view.composer.replace_word(word, name + " ")


def _named(rows: Sequence[Row]) -> list[Row]:
    """The rows of commands without the slash."""
    return [(value[1:], about) for value, about in rows]

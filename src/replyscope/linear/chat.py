"""The linear chat: reads lines, runs commands and sends messages until the person leaves."""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from replyscope.domain.errors import ReplyscopeError, StoreError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.engine.argument_lists import ArgumentLists
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
from replyscope.engine.services import ChatServices
from replyscope.linear import targets
from replyscope.linear.command_table import COMMANDS, FULL_SCREEN, SETTINGS, LinearCommand
from replyscope.linear.completing import completed_lists
from replyscope.linear.desk import LinearDesk
from replyscope.linear.engine_thread import EngineThread, Job, Stopped
from replyscope.linear.prompts import has_prompt, prompt_names, use_prompt
from replyscope.linear.replies import send_text
from replyscope.linear.sessions import open_conversation, search, start_review
from replyscope.linear.signals import Leaving
from replyscope.linear.terminal import LineTerminal
from replyscope.linear.turns import TurnRunner

_log = logging.getLogger(__name__)
_MOST_HISTORY = 500
_LONGEST_PROMPT = 100_000
_EXIT_STORE = 5


class LinearChat:
    """The whole chat. `run` returns the exit status."""

    def __init__(
        self, services: ChatServices, terminal: LineTerminal, engine: EngineThread
    ) -> None:
        self._desk = LinearDesk(services, terminal, engine)
        self._desk.turns = TurnRunner(self._desk, partial(targets.choose_target, self._desk))
        self._lists = ArgumentLists(services, self._desk.targets, completed_lists(self._desk))
        self._upkeep: Job[None] | None = None
        self._hinted: set[str] = set()
        """The names of prompts that have the name of a command, once that was said."""
        self._hub = self._said_hub = ""
        self.commands: tuple[LinearCommand, ...] = (
            *COMMANDS,
            LinearCommand(
                "settings", "choose a setting to change", self._change_setting, aliases=("config",)
            ),
            LinearCommand("editor", "write a message in $EDITOR", self._write_outside),
            LinearCommand("help", "list the commands", self._help),
            LinearCommand("quit", "save and leave", self._quit, aliases=("exit",)),
        )

    def run(self) -> int:
        """Chat until the person leaves. Returns the exit status."""
        desk = self._desk
        status = 0
        try:
            self._begin()
            self._read_lines()
        except Leaving:
            desk.terminal.end_line()
        finally:
            status = self._end()
        return status

    def _begin(self) -> None:
        desk = self._desk
        desk.say("replyscope", "linear chat. /help lists the commands, Ctrl+D leaves")
        for fault in desk.services.faults:
            desk.say("error", printable_line(fault))
        try:
            desk.run(desk.services.open_store())
        except StoreError as error:
            is_readable = desk.services.archive.is_read_only
            text = str(error) if is_readable else f"{error} This chat is not saved."
            desk.say("error", printable_line(text))
        for step in (self._recover, self._open_first, self._open_target, self._prepare_editor):
            self._guard(step)
        self._upkeep = desk.engine.start(_keep_archive(desk.services, self._hear_hub))
        if desk.services.opens_review:
            start_review(desk)

    def _recover(self) -> None:
        recovered = self._desk.run(self._desk.services.recover())
        if recovered:
            self._desk.say("note", f"{plural(recovered, 'interrupted reply')} recovered.")

    def _open_first(self) -> None:
        desk = self._desk
        conversation = desk.run(desk.services.open_first())
        if conversation is not None:
            desk.targets.begin(conversation)
            open_conversation(desk, conversation)

    def _open_target(self) -> None:
        desk, services = self._desk, self._desk.services
        if services.starts_local is not None:
            targets.start_local(desk, services.starts_local, is_first=True)
        elif desk.targets.endpoint is not None:
            targets.learn_models(desk)
            targets.say_target(desk)
        elif not services.opens_review:
            targets.choose_provider(desk)

    def _prepare_editor(self) -> None:
        """Fill the history of the line editor, and let Tab complete commands and paths."""
        desk = self._desk
        desk.terminal.set_completions(self._complete)
        desk.terminal.set_history(desk.run(desk.services.history.load_history(_MOST_HISTORY)))

    def _complete(self, line: str) -> list[str]:
        """The completions of a line: commands, their arguments, and paths."""
        name, space, argument = line[1:].partition(" ")
        is_command = line.startswith("/")
        if is_command and not space:
            names = (*(c.name for c in self.commands), *prompt_names(self._desk))
            return [f"/{one} " for one in dict.fromkeys(names) if f"/{one}".startswith(line)]
        command = find_command(self.commands, name) if is_command else None
        if command is not None:
            rows = self._desk.run(self._lists.complete(command.argument, argument.lstrip()))
            # Tab inserts only what all have in common, so each begins with what is typed.
            found = [f"/{name} {value}" for value, _ in rows]
            if found := [one for one in found if one.startswith(line)]:
                return found
        word = line.rsplit(" ", 1)[-1]
        paths = self._desk.run(self._lists.paths.complete(word))
        return [line.removesuffix(word) + path for path, _ in paths]

    def _read_lines(self) -> None:
        desk = self._desk
        is_warned = False
        while not desk.is_leaving:
            try:
                line = self._read_message()
            except KeyboardInterrupt:
                if is_warned:
                    self._quit(desk)
                else:
                    desk.say("note", "Ctrl+C again leaves, or type /quit.")
                is_warned = True
                continue
            except EOFError:
                self._quit(desk, is_closed=True)
                continue
            is_warned = False
            if line.strip():
                self._guard(partial(self._take, line))

    def _read_message(self) -> str:
        """A message: a line, continued while lines end with a backslash."""
        desk = self._desk
        self._say_hub()
        prompt = "query: " if desk.is_review else "you: "
        lines = [desk.terminal.ask_next(prompt)]
        while lines[-1].endswith("\\") and self._may_continue(lines[0]):
            lines[-1] = lines[-1][:-1]
            lines.append(desk.terminal.ask_next("more: "))
        return "\n".join(lines)

    def _hear_hub(self, words: str) -> None:
        """Keep the state of the hub for the next prompt. Called in the engine's thread."""
        self._hub = words

    def _say_hub(self) -> None:
        """Print the state of the hub when it changed; the time of each sync is no change."""
        words, said = self._hub, self._said_hub
        if _without_time(words) != _without_time(said):
            self._said_hub = words
            self._desk.say("note", printable_line(words or "this archive has left the hub"))

    def _may_continue(self, line: str) -> bool:
        """Whether more lines can follow: not after a command of one line, such as a path."""
        typed = split_command(line)
        command = find_command(self.commands, typed[0].lower()) if typed is not None else None
        return command is None or command.takes_text

    def _take(self, line: str) -> None:
        """Run a command, search, or send a message."""
        desk = self._desk
        typed = split_command(line)
        if typed is not None:
            self._run_command(line, *typed)
        elif desk.is_review:
            desk.terminal.remember(line)
            search(desk, line)
        else:
            self._send(line)

    def _send(self, text: str) -> None:
        desk = self._desk
        desk.terminal.remember(text)
        is_private = desk.conversation.is_private
        if send_text(desk, text) and not is_private and len(text) < _LONGEST_PROMPT:
            desk.run(desk.services.history.add_history(text))

    def _run_command(self, line: str, name: str, argument: str) -> None:
        """Run a command, use a prompt, or send a text that only begins with a slash."""
        command = find_command(self.commands, name.lower())
        is_prompt = not is_exact(command, name.lower()) and has_prompt(self._desk, name)
        if not is_prompt and is_message(command, name.lower(), line):
            if hint := message_hint(self.commands, name):
                self._desk.say("note", printable_line(hint))
            self._send(line)
            return
        self._desk.terminal.remember(line)
        if is_prompt:
            use_prompt(self._desk, name, argument)
            return
        if command is not None:
            check_lines(command, name, line)
            command.run(self._desk, argument)
            if name not in self._hinted and name in prompt_names(self._desk):
                self._hinted.add(name)
                self._desk.say("note", shadowed_hint(name))
            return
        if name.lower() in FULL_SCREEN:
            self._desk.say("note", FULL_SCREEN[name.lower()])
            return
        near = nearest_name(self.commands, name)
        hint = f"Did you mean /{near}?" if near else "/help lists the commands."
        self._desk.say("error", printable_line(f"There is no command /{name}. {hint}"))

    def _guard(self, step: Callable[[], None]) -> None:
        """Run a step, and print its errors. A step that is stopped is left."""
        desk = self._desk
        try:
            step()
        except ReplyscopeError as error:
            desk.say("error", printable_line(str(error)))
        except (Stopped, KeyboardInterrupt, EOFError):
            desk.say("note", "Stopped.")

    def _change_setting(self, desk: LinearDesk, _argument: str) -> None:
        """Choose a command that reads or changes a setting, and run it."""
        commands = [command for command in self.commands if command.name in SETTINGS]
        place = desk.terminal.choose("Settings:", [command.sentence for command in commands])
        if place is not None:
            commands[place].run(desk, "")

    def _write_outside(self, desk: LinearDesk, argument: str) -> None:
        """Write a message in $EDITOR, and send it."""
        if desk.conversation.is_private:
            raise ReplyscopeError("Editors write files, so private sessions have none.")
        text = desk.services.edit_text(argument)
        if text.strip():
            desk.terminal.lines([f"you: {text}"])
            self._send(text)

    def _help(self, desk: LinearDesk, _argument: str) -> None:
        desk.terminal.lines(
            [
                "Type a message and press Enter. A backslash at the end continues the line.",
                "A line that you type while a reply streams is sent after it.",
                "Ctrl+C stops a reply; what arrived is kept. Ctrl+D leaves.",
                *(command.sentence for command in self.commands),
            ]
        )

    def _quit(self, desk: LinearDesk, _argument: str = "", *, is_closed: bool = False) -> None:
        """Leave. Asks first if private sessions would be lost, unless the input is closed."""
        count = desk.run(desk.services.archive.count_private())
        if count and not is_closed:
            number = plural(count, "message")
            desk.say("warning", f"Private: {number} will be lost.")
            if not desk.terminal.confirm("Leave?"):
                return
        desk.is_leaving = True

    def _end(self) -> int:
        """Save what is unsaved, and close the services. Returns the exit status."""
        desk = self._desk
        status = 0
        if self._upkeep is not None:
            self._upkeep.cancel()
            with suppress(Stopped):
                self._upkeep.result()
        for conversation in desk.services.archive.unsaved():
            try:
                desk.run(conversation.endings.save())
            except StoreError as error:
                desk.say("error", f"{printable_line(conversation.session.title)}: {error}")
                status = _EXIT_STORE
        try:
            desk.run(desk.services.close())
        except StoreError as error:
            _log.warning("the store did not close: %s", error)
        desk.engine.stop()
        return status


def _without_time(words: str) -> list[str]:
    return [word for word in words.split() if not word[0].isdigit()]


async def _keep_archive(services: ChatServices, hear_hub: Callable[[str], None]) -> None:
    """Purge sessions that were deleted 30 days ago, update the search index, make the daily
    backup, start the quiet sync with the hub, and upgrade the index of an older version.
    """
    try:
        if services.archive.is_read_only:
            return
        await services.begin_background(hear_hub)
        await services.review.purge_old()
        await services.review.update_index()
        await services.back_up()
        await services.review.upgrade_index()
    except ReplyscopeError as error:
        _log.warning("the archive was not updated: %s", error)

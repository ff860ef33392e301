"""Reads slash commands and finds them by their names, for the app and the linear chat."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Protocol, TypeVar

from replyscope.domain.errors import ReplyscopeError


class NamedCommand(Protocol):
    """A slash command with its names."""

    @property
    def name(self) -> str:
        """The word after the slash."""

    @property
    def aliases(self) -> Sequence[str]:
        """Other names of the command."""

    @property
    def takes_text(self) -> bool:
        """Whether its argument is a text that may have several lines."""


Command = TypeVar("Command", bound=NamedCommand)


_COMMAND = re.compile(r"/(\S*)(.*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z][\w-]*")


def split_command(text: str) -> tuple[str, str] | None:
    """The name and the argument of a text that begins with a slash; None for any other."""
    found = _COMMAND.fullmatch(text)
    return (found[1], found[2].strip()) if found is not None else None


def is_message(command: NamedCommand | None, name: str, text: str) -> bool:
    """Whether a text with a slash is a message: it has several lines, and its first word is not a
    command. Code and paths begin with a slash too.
    """
    takes_text = command is not None and command.takes_text
    return "\n" in text.strip() and not takes_text and not is_exact(command, name)


def message_hint(commands: "Sequence[NamedCommand]", name: str) -> str | None:
    """A hint for a message whose first word looks like a command; None for any other."""
    if _WORD.fullmatch(name) is None:
        return None
    near = nearest_name(commands, name)
    advice = f" Did you mean /{near}?" if near else ""
    return f"Sent as a message: there is no command /{name}.{advice}"


def shadowed_hint(name: str) -> str:
    """A hint for the name of a command that a prompt has too."""
    return f"/{name} is a command. /prompts {name} uses the prompt of that name."


def check_lines(command: NamedCommand, name: str, text: str) -> None:
    """Raise ReplyscopeError if a command got lines that it does not take."""
    if "\n" in text.strip() and not command.takes_text:
        raise ReplyscopeError(
            f"/{name} takes one line, so nothing was done.",
            "Delete the other lines, or type a space before the / to send it as a message.",
        )


def find_command(commands: Sequence[Command], name: str) -> Command | None:
    """The command with a name or an alias, or the only command that the name is a prefix of."""
    exact = [command for command in commands if is_exact(command, name)]
    begins = [command for command in commands if name and command.name.startswith(name)]
    if exact:
        return exact[0]
    return begins[0] if len(begins) == 1 else None


def is_exact(command: NamedCommand | None, name: str) -> bool:
    """Whether a name is the whole name of the command, or an alias."""
    return command is not None and name in (command.name, *command.aliases)


def nearest_name(commands: Sequence[NamedCommand], name: str) -> str | None:
    """The name or alias of a command that is most similar to a mistyped name; None if none is.
    Letters in another order are the most frequent mistake, a wrong first letter is the rarest.
    """
    typed = name.lower()
    names = [one for command in commands for one in (command.name, *command.aliases)]
    begins = [one for one in names if typed and one.startswith(typed)]
    similar = get_close_matches(typed, names, n=5)
    similar.sort(key=lambda one: (sorted(one) != sorted(typed), one[:1] != typed[:1]))
    return next(iter([*begins, *similar]), None)

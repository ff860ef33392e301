"""Finds slash commands by their names, for the app and the linear chat."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Protocol, TypeVar


class NamedCommand(Protocol):
    """A slash command with its names."""

    @property
    def name(self) -> str:
        """The word after the slash."""

    @property
    def aliases(self) -> Sequence[str]:
        """Other names of the command."""


Command = TypeVar("Command", bound=NamedCommand)


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

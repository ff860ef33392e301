"""The types of commands and keys: name, help text, key binding, and the function to run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from textual.binding import Binding

Groups = TypeVar("Groups")


class CommandLine(Protocol):
    """A slash command: its name, its help and its argument."""

    @property
    def name(self) -> str:
        """The word after the slash."""

    @property
    def help(self) -> str:
        """The help text, one line."""

    @property
    def argument(self) -> str:
        """The name of the argument; empty without one."""


@dataclass(frozen=True, slots=True)
class Key:
    """The keys of a command. `id` is the name in the key map, `text` is their line in the help,
    and `place` is the position of that line.
    """

    keys: str
    text: str
    id: str
    place: int
    is_priority: bool = False

    def binding(self, command: str) -> Binding:
        """The Textual binding that runs a command."""
        action = f"run({command!r})"
        return Binding(self.keys, action, self.text, id=self.id, priority=self.is_priority)


@dataclass(frozen=True, slots=True)
class Command(Generic[Groups]):
    """One command. `run` gets the groups and the argument.

    A command without `help` has only a key, and no slash command.
    """

    name: str
    help: str
    run: Callable[[Groups, str], object]
    argument: str = ""
    key: Key | None = None


def find_command(commands: Sequence[CommandLine], name: str) -> CommandLine | None:
    """The command with a name, or the only command that the name is a prefix of."""
    exact = [command for command in commands if command.name == name]
    begins = [command for command in commands if name and command.name.startswith(name)]
    if exact:
        return exact[0]
    return begins[0] if len(begins) == 1 else None

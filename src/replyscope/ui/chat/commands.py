"""Commands: each with its name, its line in the help, its key, and the function it runs."""

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
        """One line about it."""

    @property
    def argument(self) -> str:
        """The name of the text that may follow; empty when none may."""


@dataclass(frozen=True, slots=True)
class Key:
    """The keys of a command. `id` is the name by which a person remaps them, `text` is their
    line in the help, and `place` is its number there.
    """

    keys: str
    text: str
    id: str
    place: int
    is_priority: bool = False

    def binding(self, command: str) -> Binding:
        """The binding that runs a command of the screen."""
        action = f"run({command!r})"
        return Binding(self.keys, action, self.text, id=self.id, priority=self.is_priority)


@dataclass(frozen=True, slots=True)
class Command(Generic[Groups]):
    """One command. `run` gets the groups and the text after the name.

    Without `help` the command has a key alone and cannot be typed.
    """

    name: str
    help: str
    run: Callable[[Groups, str], object]
    argument: str = ""
    key: Key | None = None


def find_command(commands: Sequence[CommandLine], name: str) -> CommandLine | None:
    """The command of that name, or the only one whose name begins so."""
    exact = [command for command in commands if command.name == name]
    begins = [command for command in commands if name and command.name.startswith(name)]
    if exact:
        return exact[0]
    return begins[0] if len(begins) == 1 else None

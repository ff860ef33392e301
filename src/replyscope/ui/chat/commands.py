"""The types of commands and keys: name, help text, key binding, and the function to run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
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

    @property
    def aliases(self) -> Sequence[str]:
        """Other names of the command."""


@dataclass(frozen=True, slots=True)
class Key:
    """The keys of a command. `id` is the name in the key map, `text` is their line in the help,
    `place` is the position of that line, and `word` is their word in the footer.

    A key with a question in `asks` acts at its second press: the command sends a request.
    """

    keys: str
    text: str
    id: str
    place: int
    word: str
    is_priority: bool = False
    asks: str = ""

    def binding(self, command: str) -> Binding:
        """The Textual binding that runs a command."""
        action = f"press({command!r})" if self.asks else f"run({command!r})"
        group = Binding.Group(self.word)
        return Binding(
            self.keys, action, self.text, id=self.id, priority=self.is_priority, group=group
        )


def always(_groups: object) -> bool:
    """True: the command can be used at any time."""
    return True


@dataclass(frozen=True, slots=True)
class Command(Generic[Groups]):
    """One command. `run` gets the groups and the argument. `aliases` are its names in other
    programs. The footer omits its key while `is_useful` is false.

    A command without `help` has only a key, and no slash command.
    """

    name: str
    help: str
    run: Callable[[Groups, str], object]
    argument: str = ""
    key: Key | None = None
    aliases: tuple[str, ...] = ()
    is_useful: Callable[[Groups], bool] = always


def find_command(commands: Sequence[CommandLine], name: str) -> CommandLine | None:
    """The command with a name or an alias, or the only command that the name is a prefix of."""
    exact = [command for command in commands if name in (command.name, *command.aliases)]
    begins = [command for command in commands if name and command.name.startswith(name)]
    if exact:
        return exact[0]
    return begins[0] if len(begins) == 1 else None


def nearest_name(commands: Sequence[CommandLine], name: str) -> str | None:
    """The name or alias of a command that is most similar to a mistyped name; None if none is.
    Letters in another order are the most frequent mistake, a wrong first letter is the rarest.
    """
    typed = name.lower()
    names = [one for command in commands for one in (command.name, *command.aliases)]
    begins = [one for one in names if typed and one.startswith(typed)]
    similar = get_close_matches(typed, names, n=5)
    similar.sort(key=lambda one: (sorted(one) != sorted(typed), one[:1] != typed[:1]))
    return next(iter([*begins, *similar]), None)

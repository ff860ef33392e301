"""The types of commands and keys: name, help text, key binding, and the function to run."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from textual.binding import Binding

from replyscope.domain.values import dataclass
from replyscope.engine.command_names import NamedCommand

Groups = TypeVar("Groups")


class CommandLine(NamedCommand, Protocol):
    """A slash command: its names, its help and its argument."""

    @property
    def help(self) -> str:
        """The help text, one line."""

    @property
    def argument(self) -> str:
        """The name of the argument; empty without one."""


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
    programs. The footer omits its key while `is_useful` is false. With `takes_text` the argument
    may have several lines.

    A command without `help` has only a key, and no slash command.
    """

    name: str
    help: str
    run: Callable[[Groups, str], object]
    argument: str = ""
    key: Key | None = None
    aliases: tuple[str, ...] = ()
    is_useful: Callable[[Groups], bool] = always
    takes_text: bool = False

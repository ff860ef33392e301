"""A command of a screen with a table of commands: its keys, its help, and what it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from textual.binding import Binding, BindingType

Groups = TypeVar("Groups")


@dataclass(frozen=True, slots=True)
class ScreenCommand(Generic[Groups]):
    """One command. `word` is its word in the footer, and `id` the name by which a person remaps
    its keys; without an id the command is not listed in the help. With `is_always` its keys
    work in each pane. `is_change` marks one that changes saved sessions, which a hub refuses.
    """

    keys: str
    name: str
    help: str
    run: Callable[[Groups], object]
    id: str | None = None
    word: str = ""
    is_always: bool = False
    is_change: bool = False

    def binding(self) -> BindingType:
        """The binding that runs the command on the screen."""
        return Binding(
            self.keys,
            f"run({self.name!r})",
            self.help,
            id=self.id,
            show=self.id is not None,
            priority=self.is_always,
            group=Binding.Group(self.word) if self.word else None,
        )

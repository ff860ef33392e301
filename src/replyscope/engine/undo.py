"""The undo list of changes to sessions and folders, for the app and for the linear chat."""

from collections.abc import Awaitable, Callable

from replyscope.domain.values import dataclass

Act = Callable[[], Awaitable[None]]
_MOST_KEPT = 100


@dataclass(frozen=True, slots=True)
class UndoableChange:
    """A change that was made, and the function that undoes it.

    `done` and `undone` are sentences about the change and its undo, without a full stop;
    `restored` are the ids of the sessions that the undo brings back.
    """

    done: str
    undone: str
    undo: Act
    restored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undone:
    """The result of an undo: what was undone, the ids of restored sessions, and how many changes
    are left to undo.
    """

    undone: str
    restored: tuple[str, ...]
    left: int

    @property
    def sentence(self) -> str:
        """The sentence for the toast."""
        return f"{self.undone} · {self.left} more to undo" if self.left else self.undone


class UndoList:
    """A stack of at most 100 changes, the newest last."""

    def __init__(self) -> None:
        self._changes: list[UndoableChange] = []

    def __len__(self) -> int:
        return len(self._changes)

    def keep(self, change: UndoableChange) -> None:
        """Add a change that was made."""
        self._changes = [*self._changes[1 - _MOST_KEPT :], change]

    async def undo(self) -> Undone | None:
        """Undo the newest change; None when there is none.

        A change that can't be undone stays in the list. Raises StoreError, SettingsError.
        """
        if not self._changes:
            return None
        change = self._changes.pop()
        try:
            await change.undo()
        except BaseException:
            self._changes.append(change)
            raise
        return Undone(change.undone, change.restored, len(self._changes))

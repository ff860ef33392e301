"""Changes to sessions and folders: made one after another, and undone."""

from collections.abc import Awaitable, Callable

from replyscope.domain.errors import ReplyscopeError
from replyscope.engine.undo import Act, UndoableChange
from replyscope.ui.review.desk import ReviewDesk


class Changes:
    """Runs changes one after another, and keeps them in the shared undo list.

    `refresh` searches again; it is called after each change. Marks stay.
    """

    def __init__(self, desk: ReviewDesk, refresh: Callable[[], None]) -> None:
        self._desk = desk
        self._refresh = refresh

    def start(self, act: Act, change: UndoableChange) -> None:
        """Start a change in a worker."""
        self._desk.start_work(self._apply, act, change, group="order")

    async def _apply(self, act: Act, change: UndoableChange) -> None:
        await self.apply(act, change)

    async def apply(self, act: Act, change: UndoableChange) -> bool:
        """Make a change, show a toast, and keep the undo. Returns whether it was made."""
        if not await self._try(act()):
            return False
        self._desk.services.undo.keep(change)
        self._desk.tell(f"{change.done} · [u] undo", is_error=False)
        return True

    async def _try(self, acting: Awaitable[object]) -> bool:
        """Run the action, and show an error. Returns whether it succeeded."""
        try:
            await acting
            self._desk.known = await self._desk.services.index.names()
        except ReplyscopeError as error:
            self._desk.tell(error)
            return False
        self._refresh()
        return True

    def undo(self) -> None:
        """Undo the last change that is not undone."""
        self._desk.start_work(self._undo, group="order")

    async def _undo(self) -> None:
        sentences: list[str] = []

        async def act() -> None:
            undone = await self._desk.services.undo.undo()
            sentences.append(undone.sentence if undone else "There is nothing to undo.")

        if await self._try(act()):
            self._desk.tell(sentences[0], is_error=False)

"""Changes to sessions and folders, and the stack that undoes them."""

from collections.abc import Awaitable, Callable

from replyscope.domain.errors import ReplyscopeError
from replyscope.ui.review.desk import ReviewDesk

Act = Callable[[], Awaitable[None]]
_MOST_UNDONE = 100


class Changes:
    """Runs changes one after another. `services.undo` keeps the last hundred.

    `refresh` searches again; it is called after each change.
    """

    def __init__(self, desk: ReviewDesk, refresh: Callable[[], None]) -> None:
        self._desk = desk
        self._refresh = refresh

    def start(self, what: str, change: Act, undo: Act) -> None:
        """Start a change; `what` is its sentence in the toast."""
        self._desk.start_work(self.apply, what, change, undo, group="order")

    async def apply(self, what: str, change: Act, undo: Act) -> None:
        """Change something, report it, and keep the undo."""
        if not await self._try(change):
            return
        kept = self._desk.services.undo
        kept[:] = [*kept[-_MOST_UNDONE:], (what, undo)]
        self._desk.tell(f"{what}; u undoes it", is_error=False)
        self._desk.selection.unmark()

    async def _try(self, change: Act) -> bool:
        """Whether the change was made; an error is reported."""
        try:
            await change()
            self._desk.known = await self._desk.services.index.names()
        except ReplyscopeError as error:
            self._desk.tell(error)
            return False
        self._refresh()
        return True

    def undo(self) -> None:
        """Undo the last change, the next time the one before."""
        self._desk.start_work(self._undo, group="order")

    async def _undo(self) -> None:
        kept = self._desk.services.undo
        if not kept:
            self._desk.tell("There is nothing to undo.", is_error=False)
            return
        what, undo = kept.pop()
        if await self._try(undo):
            more = f"; {len(kept)} more" if kept else ""
            self._desk.tell(f"Undone: {what}{more}", is_error=False)

"""Takes in sessions that come from elsewhere. What is known already is skipped."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from replyscope.domain.errors import StoreError
from replyscope.domain.foreign import Foreign, Unreadable
from replyscope.domain.shared import Shared


class Intake(Protocol):
    """Where sessions are put. Every method may raise StoreError."""

    async def has_session(self, session_id: str) -> bool:
        """Whether there is a session of that id, deleted or not."""
        ...

    async def import_session(self, shared: Shared) -> None:
        """Save a session, whole or not at all."""
        ...


@dataclass(frozen=True, slots=True)
class Imported:
    """How many were taken in and skipped, and what failed and why."""

    taken: int
    skipped: int
    failed: tuple[Unreadable, ...]
    replies: int


async def take_in(
    items: Iterable[Foreign],
    intake: Intake,
    *,
    is_dry: bool,
    progress: Callable[[int], None] = lambda _done: None,
) -> Imported:
    """Take in one after the other. A broken one never stops the rest.

    With `is_dry` nothing is saved. Raises StoreError when the store itself fails.
    """
    taken = skipped = replies = 0
    failed: list[Unreadable] = []
    for number, item in enumerate(items, start=1):
        progress(number)
        if isinstance(item, Unreadable):
            failed.append(item)
        elif await intake.has_session(item.session.id):
            skipped += 1
        else:
            try:
                if not is_dry:
                    await intake.import_session(item)
                taken += 1
                replies += len(item.exchanges)
            except StoreError as error:
                if "constraint" not in str(error).lower() and "datatype" not in str(error).lower():
                    raise
                failed.append(Unreadable(item.session.title, str(error)))
    return Imported(taken, skipped, tuple(failed), replies)

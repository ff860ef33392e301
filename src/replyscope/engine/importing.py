"""Takes in sessions that come from elsewhere. What is known already is left as it is."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from replyscope.domain.errors import ImportConflict, StoreError
from replyscope.domain.foreign import Batch, Unreadable
from replyscope.domain.shared import Shared, Taken
from replyscope.domain.soundness import check_sound

Progress = Callable[[int, int], None]
"""Gets how far it is, and of how much; in what unit is the source's matter."""

_ID = re.compile(r"[\w.-]{1,100}", re.ASCII)


class Intake(Protocol):
    """Where sessions are put."""

    async def import_session(self, shared: Shared, *, is_dry: bool = False) -> Taken:
        """Save a session, whole or not at all. Raises ImportConflict, StoreError."""
        ...


@dataclass(frozen=True, slots=True)
class Imported:
    """How many are new, grown and known, how many replies came, and what failed and why."""

    taken: int
    grown: int
    known: int
    replies: int
    failed: tuple[Unreadable, ...]
    is_dry: bool = False

    def plus(self, other: "Imported") -> "Imported":
        """Both together."""
        return Imported(
            self.taken + other.taken,
            self.grown + other.grown,
            self.known + other.known,
            self.replies + other.replies,
            self.failed + other.failed,
            self.is_dry,
        )

    @property
    def sentence(self) -> str:
        """What it came to, in words."""
        would = "would be " if self.is_dry else ""
        grown = f"{self.grown:,} {would}added to, " if self.grown else ""
        sessions = "1 session" if self.taken == 1 else f"{self.taken:,} sessions"
        replies = "1 reply" if self.replies == 1 else f"{self.replies:,} replies"
        return (
            f"{sessions} with {replies} {would}imported, {grown}"
            f"{self.known:,} known already, {len(self.failed):,} failed."
        )


async def take_in(
    batch: Batch,
    intake: Intake,
    *,
    is_dry: bool,
    progress: Progress = lambda _place, _size: None,
) -> Imported:
    """Take in one after the other. A broken one never stops the rest.

    With `is_dry` nothing is saved. Raises StoreError when the store itself fails; what was
    taken in until then stays, and the next time it is known.
    """
    counts: Counter[Taken] = Counter()
    replies = 0
    failed: list[Unreadable] = []
    seen: set[str] = set()
    while (item := await asyncio.to_thread(next, batch.items, None)) is not None:
        progress(batch.place(), batch.size)
        if isinstance(item, Unreadable):
            failed.append(item)
            continue
        try:
            _check(item)
            taken = await intake.import_session(item, is_dry=is_dry)
            if is_dry and item.session.id in seen:  # the same twice in one file
                taken = Taken.KNOWN
            seen.add(item.session.id)
        except (ValueError, OverflowError) as error:
            failed.append(Unreadable(str(item.session.title), str(error)))
            continue
        except ImportConflict as error:
            failed.append(Unreadable(item.session.title, error.message))
            continue
        except StoreError as error:
            if not _is_of_the_item(error):
                raise
            failed.append(Unreadable(item.session.title, error.message))
            continue
        counts[taken] += 1
        replies += len(item.exchanges) if taken is Taken.NEW else 0
    known, grown = counts[Taken.KNOWN], counts[Taken.GROWN]
    return Imported(counts[Taken.NEW], grown, known, replies, tuple(failed), is_dry)


def _is_of_the_item(error: StoreError) -> bool:
    """Whether only what was to be saved is at fault: the next one may do."""
    words = str(error).lower()
    return any(word in words for word in ("constraint", "datatype", "too big"))


def _check(shared: Shared) -> None:
    """Raises ValueError for a session that could be saved and not be read again."""
    check_sound(shared.session)
    check_sound(shared.messages)
    check_sound(shared.exchanges)
    check_sound(shared.records)
    ids = (shared.session.id, *(m.id for m in shared.messages), *shared.exchanges)
    for name in ids:
        if not _is_id(name):
            raise ValueError(f"{name!r} is no id of a session, a message or an exchange")


def _is_id(name: object) -> bool:
    return isinstance(name, str) and _ID.fullmatch(name) is not None

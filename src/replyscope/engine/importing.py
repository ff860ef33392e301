"""Imports sessions into a store. Sessions that are known already are not changed."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from replyscope.domain.errors import ImportConflict, StoreError
from replyscope.domain.foreign import Batch, Unreadable
from replyscope.domain.import_faults import fault_in_words
from replyscope.domain.shared import LeftOut, Progress, Shared, Taken
from replyscope.domain.soundness import check_sound
from replyscope.engine.import_files import FileReader

_MOST_TITLES = 3
_ID = re.compile(r"[\w.-]{1,100}", re.ASCII)


class Intake(Protocol):
    """A store that sessions can be imported into."""

    async def import_session(self, shared: Shared, *, is_dry: bool = False) -> Taken:
        """Save a session, whole or not at all. Raises ImportConflict, StoreError."""
        ...


@dataclass(frozen=True, slots=True)
class Omission:
    """A kind of content that sessions were imported without.

    `sessions` are their titles, `count` how often it was in them.
    """

    what: str
    why: str
    count: int
    sessions: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """A sentence for the report: content, sessions and reason."""
        first = ", ".join(f"“{title[:40]}”" for title in self.sessions[:_MOST_TITLES])
        more = len(self.sessions) - _MOST_TITLES
        where = f"{first} and {more:,} more sessions" if more > 0 else first
        return f"Left out of {where}: {self.count:,} × {self.what} ({self.why})."


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: numbers of new, grown and known sessions and of replies, and faults.

    `omissions` are parts that new or grown sessions were imported without.
    """

    taken: int
    grown: int
    known: int
    replies: int
    failed: tuple[Unreadable, ...]
    is_dry: bool = False
    omissions: tuple[Omission, ...] = ()

    def plus(self, other: "Imported") -> "Imported":
        """The sum of two results."""
        return Imported(
            self.taken + other.taken,
            self.grown + other.grown,
            self.known + other.known,
            self.replies + other.replies,
            self.failed + other.failed,
            self.is_dry,
            _gathered((*self.omissions, *other.omissions)),
        )

    @property
    def sentence(self) -> str:
        """The result in words."""
        would = "would be " if self.is_dry else ""
        grown = f"{self.grown:,} {would}added to, " if self.grown else ""
        sessions = "1 session" if self.taken == 1 else f"{self.taken:,} sessions"
        replies = "1 reply" if self.replies == 1 else f"{self.replies:,} replies"
        return (
            f"{sessions} with {replies} {would}imported, {grown}"
            f"{self.known:,} known already, {len(self.failed):,} failed."
        )


class Importer:
    """Imports files: finds their format, reads them, and saves their sessions."""

    def __init__(self, reader: FileReader, intake: Intake) -> None:
        self._reader = reader
        self._intake = intake

    async def import_file(
        self, path: Path, *, is_dry: bool = False, progress: Progress = lambda _place, _size: None
    ) -> Imported:
        """Import a path; with `is_dry` nothing is saved. Raises ImportFault, StoreError."""
        batch = await asyncio.to_thread(self._reader.read, path)
        return await import_batch(batch, self._intake, is_dry=is_dry, progress=progress)


async def import_batch(
    batch: Batch,
    intake: Intake,
    *,
    is_dry: bool,
    progress: Progress = lambda _place, _size: None,
) -> Imported:
    """Import the sessions of a batch one by one. A session that fails is reported and skipped.

    With `is_dry` nothing is saved. Raises StoreError when the store itself fails; the sessions
    that were saved before stay, and are known to the next import.
    """
    counts: Counter[Taken] = Counter()
    replies = 0
    failed: list[Unreadable] = []
    omissions: list[Omission] = []
    seen: set[str] = set()
    while (item := await asyncio.to_thread(next, batch.items, None)) is not None:
        progress(batch.place(), batch.size)
        if isinstance(item, Unreadable):
            failed.append(item)
            continue
        taken = await _import_one(item, intake, is_dry=is_dry)
        if isinstance(taken, Unreadable):
            failed.append(taken)
            continue
        if is_dry and item.session.id in seen:  # the same twice in one file
            taken = Taken.KNOWN
        seen.add(item.session.id)
        counts[taken] += 1
        if taken is not Taken.KNOWN and item.left_out:
            omissions += [_omission(left, item.session.title) for left in item.left_out]
        replies += len(item.exchanges) if taken is Taken.NEW else 0
    known, grown = counts[Taken.KNOWN], counts[Taken.GROWN]
    kinds = _gathered(omissions)
    return Imported(counts[Taken.NEW], grown, known, replies, tuple(failed), is_dry, kinds)


async def _import_one(item: Shared, intake: Intake, *, is_dry: bool) -> Taken | Unreadable:
    """Import one session, or say why it fails. Raises StoreError when the store itself fails."""
    try:
        _check(item)
        return await intake.import_session(item, is_dry=is_dry)
    except (ValueError, OverflowError) as error:
        return Unreadable(str(item.session.title), fault_in_words(error))
    except ImportConflict as error:
        return Unreadable(item.session.title, error.message)
    except StoreError as error:
        if not _is_of_the_item(error):
            raise
        return Unreadable(item.session.title, error.message)


def _omission(left: LeftOut, title: str) -> Omission:
    return Omission(left.what, left.why, left.count, (title,))


def _gathered(omissions: Iterable[Omission]) -> tuple[Omission, ...]:
    """The omissions, each kind once."""
    kinds: dict[tuple[str, str], list[Omission]] = {}
    for one in omissions:
        kinds.setdefault((one.what, one.why), []).append(one)
    return tuple(
        Omission(
            what, why, sum(o.count for o in found), tuple(t for o in found for t in o.sessions)
        )
        for (what, why), found in kinds.items()
    )


def _is_of_the_item(error: StoreError) -> bool:
    """Whether the session is at fault and not the store, so that others can still be saved."""
    words = str(error).lower()
    return any(word in words for word in ("constraint", "datatype", "too big"))


def _check(shared: Shared) -> None:
    """Raises ValueError for a session that could be saved but not loaded again."""
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

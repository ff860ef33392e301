"""Imports sessions into a store. Known sessions get only their new messages."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from replyscope.domain.errors import ImportConflict, StoreRejected
from replyscope.domain.exchange import Exchange, ReplyImage
from replyscope.domain.field_types import check_shared
from replyscope.domain.foreign import Batch, Foreign, Unreadable
from replyscope.domain.import_faults import fault_in_words
from replyscope.domain.import_format import Item, Wants
from replyscope.domain.message import Message, Part, ToolResultPart
from replyscope.domain.plural import plural
from replyscope.domain.shared import LeftOut, Progress, Shared, Taken, no_progress
from replyscope.domain.stores import ImportTarget
from replyscope.domain.values import dataclass
from replyscope.engine.import_files import FileReader

_MOST_TITLES = 3
_MOST_OMISSIONS = 10_000


@dataclass(frozen=True, slots=True)
class Omission:
    """A kind of content that was not imported.

    `sessions` are the titles of the sessions with it, `count` is how often it occurred.
    """

    what: str
    why: str
    count: int
    sessions: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """A sentence for the report: the content, the sessions and the reason."""
        first = ", ".join(f"“{title[:40]}”" for title in self.sessions[:_MOST_TITLES])
        more = len(self.sessions) - _MOST_TITLES
        where = f"{first} and {plural(more, 'more session')}" if more > 0 else first
        return f"Left out of {where}: {self.count:,} × {self.what} ({self.why})."


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: numbers of new, grown and known sessions and of replies, and faults.

    `omissions` are the contents of new or grown sessions that were not imported.
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
        sessions = plural(self.taken, "session")
        replies = plural(self.replies, "reply")
        return (
            f"{sessions} with {replies} {would}imported, {grown}"
            f"{self.known:,} known already, {len(self.failed):,} failed."
        )


class Tally:
    """Counts the results of an import. The pieces of a growing session count as one session."""

    def __init__(self, *, is_dry: bool = False) -> None:
        self.is_dry = is_dry
        self._counts: Counter[Taken] = Counter()
        self._replies = 0
        self._replies_of_pieces: set[str] = set()
        self.failed: list[Unreadable] = []
        """The items that were not imported."""
        self._omissions: list[Omission] = []
        self._of_session: dict[str, Taken] = {}

    @property
    def result(self) -> Imported:
        """The counts so far."""
        counts = self._counts
        return Imported(
            counts[Taken.NEW],
            counts[Taken.GROWN],
            counts[Taken.KNOWN],
            self._replies + len(self._replies_of_pieces),
            tuple(self.failed),
            self.is_dry,
            _gathered(self._omissions),
        )

    @property
    def sessions(self) -> int:
        """The number of different sessions so far."""
        return len(self._of_session)

    def add(self, item: Shared, taken: Taken) -> None:
        """Count an imported session, or a piece of one."""
        session_id = item.session.id
        before = self._of_session.get(session_id)
        if item.grows and before is not None:
            self._add_piece(item, before, taken)
        else:
            if self.is_dry and before is not None:  # the file has the session twice
                taken = Taken.KNOWN
            self._of_session[session_id] = taken
            self._counts[taken] += 1
            self._add_replies(item, taken)
        if taken is not Taken.KNOWN:
            self._omissions += [_omission(left, item.session.title) for left in item.left_out]
            if len(self._omissions) > _MOST_OMISSIONS:  # many pieces of few sessions
                self._omissions = list(_gathered(self._omissions))

    def _add_replies(self, item: Shared, taken: Taken) -> None:
        """Count the replies of a new session; a reply of a log may come in several pieces."""
        if taken is Taken.NEW and item.grows:
            self._replies_of_pieces.update(item.exchanges)
        elif taken is Taken.NEW:
            self._replies += len(item.exchanges)

    def _add_piece(self, item: Shared, before: Taken, taken: Taken) -> None:
        self._add_replies(item, before)
        if before is Taken.KNOWN and taken is not Taken.KNOWN:
            self._counts[Taken.KNOWN] -= 1
            self._counts[Taken.GROWN] += 1
            self._of_session[item.session.id] = Taken.GROWN


class Importer:
    """Imports files: finds their format, reads them, and saves their sessions."""

    def __init__(
        self, reader: FileReader, target: ImportTarget, kept_files: Path | None = None
    ) -> None:
        self._reader = reader
        self._target = target
        self._kept_files = kept_files

    async def import_file(
        self, path: Path, *, is_dry: bool = False, progress: Progress = no_progress
    ) -> Imported:
        """Import a path; with `is_dry` nothing is saved. Raises ImportFault, StoreError."""
        batch = await asyncio.to_thread(self.read, path)
        return await import_batch(batch, self._target, is_dry=is_dry, progress=progress)

    def read(self, path: Path, wants: Wants | None = None) -> Batch:
        """The sessions of a path; see FileReader. Blocks. Raises ImportFault."""
        batch = self._reader.read(path, wants)
        return replace(batch, items=map(self._without_foreign_files, batch.items))

    def session_of(self, item: Item) -> Foreign:
        """The session of an item of a log."""
        return self._without_foreign_files(self._reader.session_of(item))

    async def add(self, item: Foreign, tally: Tally) -> Taken | None:
        """Import one session that nobody asked for, and count it: one that was purged is not
        brought back. Returns None if it failed. Raises StoreError.
        """
        return await import_item(item, self._target, tally, restores_purged=False)

    def _without_foreign_files(self, item: Foreign) -> Foreign:
        """The session without paths of files outside our folder: they would be opened, and a
        path may belong to another machine. The paths are only compared.
        """
        if isinstance(item, Unreadable):
            return item
        messages = [
            replace(one, parts=tuple(map(self._own_path, one.parts))) if _has_files(one) else one
            for one in item.messages
        ]
        exchanges = {key: self._own_files(one) for key, one in item.exchanges.items()}
        return replace(item, messages=tuple(messages), exchanges=exchanges)

    def _own_files(self, exchange: Exchange) -> Exchange:
        if not any(choice.images for choice in exchange.choices):
            return exchange
        choices = [
            replace(choice, images=tuple(map(self._own_image, choice.images)))
            for choice in exchange.choices
        ]
        return replace(exchange, choices=tuple(choices))

    def _own_image(self, image: ReplyImage) -> ReplyImage:
        return image if self._is_own(image.path) else replace(image, path="")

    def _own_path(self, part: Part) -> Part:
        """The part without the paths of foreign files: their names and sizes stay."""
        if not isinstance(part, ToolResultPart):
            return part
        files = (one if self._is_own(one.path) else replace(one, path="") for one in part.files)
        return replace(part, files=tuple(files))

    def _is_own(self, path: str) -> bool:
        return Path(path).parent == self._kept_files


def _has_files(message: Message) -> bool:
    return any(isinstance(part, ToolResultPart) and part.files for part in message.parts)


async def import_batch(
    batch: Batch,
    target: ImportTarget,
    *,
    is_dry: bool,
    progress: Progress = no_progress,
) -> Imported:
    """Import the sessions of a batch one by one. A session that fails is reported and skipped.

    With `is_dry` nothing is saved. Raises StoreError when the store itself fails; sessions that
    were already saved are kept, and the next import knows them.
    """
    tally = Tally(is_dry=is_dry)
    while (item := await asyncio.to_thread(next, batch.items, None)) is not None:
        await import_item(item, target, tally)
        del item  # before the next one is read: it may be large
        progress(batch.place(), batch.size, tally.sessions)
    return tally.result


async def import_item(
    item: Foreign, target: ImportTarget, tally: Tally, *, restores_purged: bool = True
) -> Taken | None:
    """Import one item and count it. Returns None if it failed. Raises StoreError."""
    if isinstance(item, Unreadable):
        tally.failed.append(item)
        return None
    done = await _import_one(item, target, tally.is_dry, restores_purged)
    if isinstance(done, Unreadable):
        tally.failed.append(done)
        return None
    tally.add(item, done)
    return done


async def _import_one(
    item: Shared, target: ImportTarget, is_dry: bool, restores_purged: bool
) -> Taken | Unreadable:
    """Import one session. Returns its result or its fault. Raises StoreError for a failed store."""
    try:
        check_shared(item)
        return await target.import_session(item, is_dry=is_dry, restores_purged=restores_purged)
    except (TypeError, ValueError, OverflowError) as error:
        return Unreadable(str(item.session.title), fault_in_words(error))
    except (ImportConflict, StoreRejected) as error:
        return Unreadable(item.session.title, error.message)


def _omission(left: LeftOut, title: str) -> Omission:
    return Omission(left.what, left.why, left.count, (title,))


def _gathered(omissions: Iterable[Omission]) -> tuple[Omission, ...]:
    """The omissions, merged by kind."""
    kinds: dict[tuple[str, str], list[Omission]] = {}
    for one in omissions:
        kinds.setdefault((one.what, one.why), []).append(one)
    return tuple(
        Omission(
            what,
            why,
            sum(o.count for o in found),
            tuple(dict.fromkeys(t for o in found for t in o.sessions)),
        )
        for (what, why), found in kinds.items()
    )

"""Imports sessions into a store. Known sessions get only their new messages."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from replyscope.domain.errors import ImportConflict, StoreRejected
from replyscope.domain.exchange import Exchange, ReplyImage
from replyscope.domain.field_types import check_shared
from replyscope.domain.foreign import Batch, Unreadable
from replyscope.domain.import_faults import fault_in_words
from replyscope.domain.message import Message, Part, ToolResultPart
from replyscope.domain.plural import plural
from replyscope.domain.shared import LeftOut, Progress, Shared, Taken
from replyscope.domain.stores import ImportTarget
from replyscope.engine.import_files import FileReader

_MOST_TITLES = 3


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


class Importer:
    """Imports files: finds their format, reads them, and saves their sessions."""

    def __init__(
        self, reader: FileReader, target: ImportTarget, kept_files: Path | None = None
    ) -> None:
        self._reader = reader
        self._target = target
        self._kept_files = kept_files

    async def import_file(
        self, path: Path, *, is_dry: bool = False, progress: Progress = lambda _place, _size: None
    ) -> Imported:
        """Import a path; with `is_dry` nothing is saved. Raises ImportFault, StoreError."""
        batch = await asyncio.to_thread(self._reader.read, path)
        items = (self._without_foreign_files(item) for item in batch.items)
        batch = replace(batch, items=items)
        return await import_batch(batch, self._target, is_dry=is_dry, progress=progress)

    def _without_foreign_files(self, item: Shared | Unreadable) -> Shared | Unreadable:
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
    progress: Progress = lambda _place, _size: None,
) -> Imported:
    """Import the sessions of a batch one by one. A session that fails is reported and skipped.

    With `is_dry` nothing is saved. Raises StoreError when the store itself fails; sessions that
    were already saved are kept, and the next import knows them.
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
        taken = await _import_one(item, target, is_dry=is_dry)
        if isinstance(taken, Unreadable):
            failed.append(taken)
            continue
        if is_dry and item.session.id in seen:  # the file has the session twice
            taken = Taken.KNOWN
        seen.add(item.session.id)
        counts[taken] += 1
        if taken is not Taken.KNOWN and item.left_out:
            omissions += [_omission(left, item.session.title) for left in item.left_out]
        replies += len(item.exchanges) if taken is Taken.NEW else 0
    known, grown = counts[Taken.KNOWN], counts[Taken.GROWN]
    kinds = _gathered(omissions)
    return Imported(counts[Taken.NEW], grown, known, replies, tuple(failed), is_dry, kinds)


async def _import_one(item: Shared, target: ImportTarget, *, is_dry: bool) -> Taken | Unreadable:
    """Import one session. Returns its result or its fault. Raises StoreError for a failed store."""
    try:
        check_shared(item)
        return await target.import_session(item, is_dry=is_dry)
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
            what, why, sum(o.count for o in found), tuple(t for o in found for t in o.sessions)
        )
        for (what, why), found in kinds.items()
    )

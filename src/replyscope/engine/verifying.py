"""Verifies an archive: its tables, each journal against the stored reply, the search index, and
the kept files. The fold is the one of live replies.
"""

import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from replyscope.domain.exchange import NOT_RECORDED, Exchange
from replyscope.domain.ports import TranslateFrames
from replyscope.domain.regular_file import open_regular
from replyscope.domain.verifying import ArchiveChecks, CheckedReply, Fault, FaultKind
from replyscope.engine.recovery import refold

FileFault = Callable[[Path], str]
"""Returns why a kept file is not what was saved, as a predicate; empty if it is."""
_log = logging.getLogger(__name__)
_HASHED = 2**20
_HASH_DIGITS = 16


@dataclass(slots=True)
class Verified:
    """The numbers of what was checked, and the replies that can be rebuilt from their journal."""

    replies: int = 0
    journals: int = 0
    files: int = 0
    rebuilt: list[Exchange] = field(default_factory=list)


async def verify(
    checks: ArchiveChecks,
    translate: TranslateFrames,
    verified: Verified,
    progress: Callable[[int], None] = lambda _done: None,
    file_fault: FileFault | None = None,
) -> AsyncIterator[Fault]:
    """Check an archive. Yields each fault; counts in `verified`. Raises StoreError."""
    for what in await checks.database_faults():
        yield Fault(FaultKind.DATABASE, what)
    for row in await checks.damaged_rows():
        what = f"the {row.kind} can't be read ({row.why})"
        yield Fault(FaultKind.ROW, what, row.session_id, row.id)
    async for page in checks.replies():
        for reply in page:
            for fault in check_reply(reply, translate, verified):
                yield fault
        wanting = await checks.index_faults(one.id for one in page if one.exchange is not None)
        sessions = {one.id: one.session_id for one in page}
        for one in wanting:
            what = "the search index differs from the reply"
            yield Fault(FaultKind.INDEX, what, sessions[one], one, is_mendable=True)
        progress(verified.replies)
    stray = await checks.stray_entries()
    if stray:
        yield Fault(
            FaultKind.INDEX,
            f"{stray:,} entries belong to no reply, or lack words",
            is_mendable=True,
        )
    for path in await checks.kept_paths():
        verified.files += 1
        why = (file_fault or _file_fault)(Path(path))
        if why:
            yield Fault(FaultKind.FILE, f"{path} {why}")


def check_reply(
    reply: CheckedReply, translate: TranslateFrames, verified: Verified
) -> Iterator[Fault]:
    """Fold the journal of a reply again, and compare. A damaged reply is rebuilt if possible."""
    verified.replies += 1
    stored = reply.exchange
    opening = opening_of(stored) if stored is not None else reply.opening
    folded = None
    if reply.frames and opening is not None:
        folded = _folded(opening, reply, translate)
        verified.journals += 1
    if stored is None:
        can_rebuild = folded is not None and reply.is_whole
        if can_rebuild and folded is not None:
            verified.rebuilt.append(folded)
        yield _fault(reply, FaultKind.REPLY, "the reply can't be read", is_mendable=can_rebuild)
        return
    if not reply.frames or not reply.is_whole or _is_partly_recorded(stored):
        return
    missing = stored.frame_count - len(reply.frames)
    if missing > 0:  # frames are dropped when the disk is full and the memory for them too
        what = f"{missing:,} of {stored.frame_count:,} frames are not in the journal"
        yield _fault(reply, FaultKind.JOURNAL, what)
        return
    if folded is None:
        yield _fault(reply, FaultKind.JOURNAL, "the recorded frames can't be read as a reply")
        return
    different = differences(stored, folded)
    if different:
        what = f"the recorded frames give another reply: {', '.join(different)}"
        yield _fault(reply, FaultKind.JOURNAL, what)


def opening_of(exchange: Exchange) -> Exchange:
    """The exchange in its state before the first event."""
    return Exchange(
        exchange.id,
        exchange.api,
        exchange.endpoint,
        exchange.base_url,
        exchange.model,
        exchange.started_at,
        schema=exchange.schema,
        max_tokens=exchange.max_tokens,
        names_previous=exchange.names_previous,
        is_background=exchange.is_background,
        think_tags=exchange.think_tags,
        prompts=exchange.prompts,
        left_out=exchange.left_out,
    )


def differences(stored: Exchange, folded: Exchange) -> list[str]:
    """The parts of a reply that differ. Times, files, states and results of tools are not in the
    frames, and are not compared.
    """
    pairs = (
        ("text", _texts),
        ("tool calls", _calls),
        ("usage", lambda exchange: exchange.usage),
        ("response id", lambda exchange: exchange.response_id),
    )
    return [name for name, read in pairs if read(stored) != read(folded)]


def _texts(exchange: Exchange) -> object:
    said = ((c.index, c.text, c.reasoning or "", c.refusal or "") for c in exchange.choices)
    return sorted(one for one in said if any(one[1:]))


def _calls(exchange: Exchange) -> object:
    return sorted(
        (choice.index, call.id, call.name, call.arguments)
        for choice in exchange.choices
        for call in choice.tool_calls
    )


def _folded(opening: Exchange, reply: CheckedReply, translate: TranslateFrames) -> Exchange | None:
    try:
        return refold(opening, reply.frames, translate, broken=None)
    except Exception:  # noqa: BLE001 - any frames may be in a file, and the others are checked too
        _log.exception("the journal of exchange %s can't be folded", reply.id)
        return None


def _is_partly_recorded(exchange: Exchange) -> bool:
    return any(name == NOT_RECORDED for name, _ in exchange.extras)


def _fault(reply: CheckedReply, kind: FaultKind, what: str, *, is_mendable: bool = False) -> Fault:
    return Fault(kind, what, reply.session_id, reply.id, is_mendable)


def _file_fault(path: Path) -> str:
    """The reason why a kept file does not fit its name; empty if it does."""
    try:
        digest = hashlib.sha256()
        with open_regular(path) as file:
            while data := file.read(_HASHED):
                digest.update(data)
    except FileNotFoundError:
        return "is missing"
    except (OSError, ValueError) as error:
        return f"can't be read ({error})"
    is_known = digest.hexdigest().startswith(path.name[:_HASH_DIGITS])
    return "" if is_known else "is not the file that was saved"

"""One sync with a hub: reads what the other machines wrote, then writes what changed here.

Every step is saved before the next begins, so an interrupted sync continues where it stopped,
and repeating a step changes nothing.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from replyscope.domain.errors import HubConflict, NotAHub
from replyscope.domain.hub import (
    START,
    Hub,
    HubEntry,
    HubStatus,
    LogHead,
    Sealer,
    next_head,
)
from replyscope.domain.hub_log import Applied, HubLog, HubMembership, PushBatch
from replyscope.domain.plural import plural
from replyscope.domain.ports import Clock, NewId
from replyscope.engine.hub.calls import HubThread
from replyscope.engine.hub.leaving import HubFilter
from replyscope.engine.hub.team import TeamSharing

_PULL_BYTES = 1_000_000
_NOTED_MS = 300_000
_MOST_UNSENT = 20
_AT_ONCE = 100
"""The most entries that one transaction merges: replies of this machine are saved between."""


class SyncLock(Protocol):
    """Lets one process of a data folder synchronise at a time."""

    def acquire(self) -> bool:
        """Take the lock. Returns whether no other process has it."""
        ...

    def release(self) -> None:
        """Release the lock."""
        ...


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The result of a sync. `waiting` counts entries that leave later: their reply still runs.

    `unsent` are sentences about entries that cannot be sent. `is_elsewhere` is true when another
    process synchronises this archive.
    """

    pushed: int = 0
    pushed_bytes: int = 0
    applied: Applied = field(default_factory=Applied)
    waiting: int = 0
    faults: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
    is_elsewhere: bool = False
    is_renewed: bool = False

    @property
    def has_news(self) -> bool:
        """Whether something new was received."""
        came = self.applied
        return bool(came.sessions or came.messages or came.exchanges or came.purged)

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        if self.is_elsewhere:
            return "Another replyscope process is synchronising this archive."
        came = self.applied
        parts = [f"sent {plural(self.pushed, 'entry')}"]
        parts.append(
            f"received {plural(came.sessions, 'new session')}, "
            f"{plural(came.messages, 'message')} and {plural(came.exchanges, 'reply')}"
        )
        if came.purged:
            parts.append(f"purged {plural(came.purged, 'session')}")
        if self.waiting:
            parts.append(f"{plural(self.waiting, 'entry')} to send after the end of a reply")
        text = "; ".join(parts)
        return f"{text[0].upper()}{text[1:]}."


def ignore_progress(_report: SyncReport) -> None:
    """Report no progress."""


@dataclass(slots=True)
class HubSync:
    """Synchronises one archive. `open_hub` opens a connection for one sync."""

    log: HubLog
    open_hub: Callable[[str], Hub]
    leaving: HubFilter
    lock: SyncLock
    clock: Clock
    new_id: NewId
    sealer: Callable[[], Sealer | None] = lambda: None
    name: str | None = None
    """The name of this machine in the settings; None to keep its first name."""
    offered: int | None = None
    """The newest change up to which everything that may leave has left."""
    team: TeamSharing = field(init=False)

    def __post_init__(self) -> None:
        self.team = TeamSharing(self.log, self.leaving)

    async def sync(self, progress: Callable[[SyncReport], None] = ignore_progress) -> SyncReport:
        """Synchronise once. Raises HubError, StoreError, SettingsError."""
        membership = await self.log.membership()
        if membership is None:
            raise NotAHub("This archive takes part in no hub.", "Run `replyscope hub init URL`.")
        if not self.lock.acquire():
            return SyncReport(is_elsewhere=True)
        thread = HubThread()
        try:
            if self.name is not None and self.name != membership.name:
                await self.log.rename(self.name)
            sealer = await thread.call(self.sealer)
            hub = await thread.call(self.open_hub, membership.url)
            try:
                await self.team.offer(thread, hub, membership.machine)
                report = await _Run(self, thread, hub, sealer, progress).run()
                if not report.faults:
                    await self.team.settle(thread, hub, has_news=report.has_news)
            finally:
                thread.post(hub.close)
        finally:
            thread.close()
            self.lock.release()
        await self._note(membership, report)
        return report

    async def _note(self, membership: HubMembership, report: SyncReport) -> None:
        """Save the time of a complete sync; at most every five minutes if it changed nothing."""
        now_ms = round(self.clock.now().timestamp() * 1000)
        is_old = now_ms - (membership.synced_at_ms or 0) > _NOTED_MS
        if not report.faults and (is_old or report.pushed or report.has_news):
            await self.log.note_synced(now_ms)


@dataclass(slots=True)
class _Run:
    """The steps of one sync."""

    sync: HubSync
    thread: HubThread
    hub: Hub
    sealer: Sealer | None
    progress: Callable[[SyncReport], None]
    report: SyncReport = field(default_factory=SyncReport)

    async def run(self) -> SyncReport:
        """Run the steps. Another end of our log than the one we wrote makes us a new machine."""
        for _ in range(2):
            status = await self.thread.call(self.hub.status)
            membership = await self._settled(status)
            await self._pull_all(membership, status)
            try:
                await self._push_all(membership)
            except HubConflict:
                await self._renew(is_copy=False)
                continue
            return self.report
        raise HubConflict(
            "The log of this machine on the hub changed while it was written.",
            "Run `replyscope hub sync` again.",
        )

    async def _settled(self, status: HubStatus) -> HubMembership:
        """Compare the end of our log with the hub's."""
        log = self.sync.log
        membership = await self._membership()
        head = status.heads.get(membership.machine, START)
        if head not in (membership.head, membership.intended):
            # A restored backup or a copy of the archive, or a hub that lost entries.
            await self._renew(is_copy=False)
            return await self._membership()
        if membership.intended is not None:
            await log.settle(head)
        if membership.place != await log.place():
            await self._renew(is_copy=True)
        return await self._membership()

    async def _membership(self) -> HubMembership:
        membership = await self.sync.log.membership()
        if membership is None:
            raise NotAHub("This archive has left the hub.", "Run `replyscope hub init URL`.")
        return membership

    async def _renew(self, *, is_copy: bool) -> None:
        await self.sync.log.renew(self.sync.new_id(), is_copy=is_copy)
        self.report = replace(self.report, is_renewed=True)

    async def _pull_all(self, membership: HubMembership, status: HubStatus) -> None:
        for machine, first, last in await self.sync.log.holes():
            await self._fill_hole(machine, first, last)
        pulled = await self.sync.log.pulled()
        for machine, head in sorted(status.heads.items()):
            if machine == membership.machine:
                continue
            after = pulled.get(machine, 0)
            if after > head.number:  # the hub lost entries: those that come again do no harm
                await self.sync.log.rewind(machine)
                after = 0
            if after < head.number:
                await self._pull(machine, after, head)

    async def _pull(self, machine: str, after: int, head: LogHead) -> None:
        while after < head.number:
            entries = await self.thread.call(
                self.hub.pull, machine, after, _PULL_BYTES, head.number
            )
            await self._note_faults()
            newest = max((entry.number for entry in entries), default=head.number)
            after = max(newest, after + 1)
            await self._apply(machine, entries, after)

    async def _apply(
        self, machine: str, entries: Sequence[HubEntry], upto: int, *, is_hole: bool = False
    ) -> None:
        opened = await self._open(entries)
        groups = [opened[at : at + _AT_ONCE] for at in range(0, len(opened), _AT_ONCE)] or [()]
        for number, group in enumerate(groups):
            reached = upto if number == len(groups) - 1 else group[-1].number
            applied = await self.sync.log.apply(machine, group, reached, is_hole=is_hole)
            self.report = replace(
                self.report,
                applied=self.report.applied.plus(applied),
                faults=(*self.report.faults, *applied.faults),
            )
            self.progress(self.report)

    async def _open(self, entries: Sequence[HubEntry]) -> Sequence[HubEntry]:
        if self.sealer is None:
            return entries
        return await asyncio.to_thread(self.sealer.open, entries)

    async def _note_faults(self) -> set[tuple[int, int]]:
        """Save the ranges that could not be read, to read them later. Returns them."""
        faults = await self.thread.call(self.hub.faults)
        for fault in faults:
            await self.sync.log.set_hole(fault.machine, fault.first, fault.last, is_open=True)
            if fault.sentence not in self.report.faults:
                self.report = replace(self.report, faults=(*self.report.faults, fault.sentence))
        return {(fault.first, fault.last) for fault in faults}

    async def _fill_hole(self, machine: str, first: int, last: int) -> None:
        """Read a range again that was damaged or missing. It stays noted until it was merged: the
        process may be killed meanwhile.
        """
        missing: set[tuple[int, int]] = set()
        after = first - 1
        while after < last:
            entries = await self.thread.call(self.hub.pull, machine, after, _PULL_BYTES, last)
            missing |= await self._note_faults()
            within = [entry for entry in entries if entry.number <= last]
            if not within:
                break
            await self._apply(machine, within, last, is_hole=True)
            after = max(entry.number for entry in within)
        if (first, last) not in missing:
            await self.sync.log.set_hole(machine, first, last, is_open=False)

    async def _push_all(self, membership: HubMembership) -> None:
        await self._withdraw(membership)
        newest = await self.sync.log.newest_change()
        if newest == self.sync.offered:
            return  # what is left waits for the query of the settings
        leaving = await self.sync.leaving.sessions()
        await self._push_batches(membership, leaving)
        self.sync.offered = newest if not self.report.waiting else None

    async def _push_batches(
        self, membership: HubMembership, leaving: Collection[str] | None
    ) -> None:
        """Push batch by batch. While the hub has one, the next one is read and redacted."""
        head, cursor = membership.head, 0
        batch = await self._read(leaving, cursor, head.number + 1)
        while batch.entries or batch.cursor != cursor:
            last = batch.entries[-1].number if batch.entries else head.number
            reading = asyncio.create_task(self._read(leaving, batch.cursor, last + 1, batch.seqs))
            try:
                pushed = await self._push(membership, batch, head)
            except BaseException:
                await _abandon(reading)
                raise
            if pushed is None:
                await _abandon(reading)
                batch = await self._read(leaving, cursor, head.number + 1)
                continue
            self.report = replace(self.report, waiting=self.report.waiting + batch.skipped)
            unsent = dict.fromkeys((*self.report.unsent, *batch.unsent))
            self.report = replace(self.report, unsent=tuple(unsent)[:_MOST_UNSENT])
            head, cursor = pushed, batch.cursor
            batch = await reading

    async def _read(
        self,
        leaving: Collection[str] | None,
        cursor: int,
        first: int,
        sent: Collection[int] = (),
    ) -> PushBatch:
        """The next entries as they leave: redacted, and encrypted."""
        batch = await self.sync.log.next_batch(leaving, cursor, first, sent)
        if not batch.entries:
            return batch
        ready = await self.sync.leaving.prepare(batch.entries)
        if self.sealer is not None:
            ready = await asyncio.to_thread(self.sealer.seal, ready)
        return replace(batch, entries=ready)

    async def _push(
        self, membership: HubMembership, batch: PushBatch, head: LogHead
    ) -> LogHead | None:
        """Push a batch. Returns the new end of our log; None when the batch is out of date."""
        ready = batch.entries
        if not ready:
            return head
        if not await self.sync.log.intend(next_head(head, ready), batch.seqs):
            return None
        head = await self.thread.call(
            self.hub.push, membership.machine, membership.name, ready, head
        )
        await self.sync.log.settle(head)
        size = sum(len(entry.body) for entry in ready)
        self.report = replace(
            self.report,
            pushed=self.report.pushed + len(ready),
            pushed_bytes=self.report.pushed_bytes + size,
        )
        self.progress(self.report)
        return head

    async def _withdraw(self, membership: HubMembership) -> None:
        gone = await self.sync.log.to_withdraw()
        if gone:
            await self.thread.call(self.hub.withdraw, membership.machine, gone)
            await self.sync.log.withdrawn(gone)


async def _abandon(reading: "asyncio.Task[PushBatch]") -> None:
    """Cancel a task whose result, or error, nobody needs any more."""
    reading.cancel()
    await asyncio.wait([reading])
    if not reading.cancelled():
        reading.exception()

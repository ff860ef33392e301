"""The protocol of the local side of a hub: its queue of changes, and its merged entries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from replyscope.domain.hub import START, HubEntry, LogHead


@dataclass(frozen=True, slots=True)
class HubMembership:
    """The hub that this archive takes part in.

    `machine` is the id of this archive as a machine, `former` are its earlier ids. `place` tells
    the file from a copy of it. `head` is the end of our log, `intended` the end after a push of
    which no answer came, with the entries up to `intended_seq`.
    """

    url: str
    machine: str
    name: str
    place: str
    former: tuple[str, ...] = ()
    head: LogHead = START
    intended: LogHead | None = None
    synced_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PushBatch:
    """The next entries to push, numbered from the end of our log. `seq` is the newest change
    that they include; `cursor` is where the next batch begins. `skipped` counts entries that
    wait for the end of a reply; `unsent` are sentences about entries that cannot be sent.
    """

    entries: tuple[HubEntry, ...]
    seqs: tuple[int, ...]
    cursor: int
    skipped: int = 0
    unsent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """The entries to send: counts, and sessions with their titles and counts of replies."""

    sessions: int
    messages: int
    exchanges: int
    purges: int
    titles: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of applying entries: what was new here, and sentences about unusable entries.

    `purged_files` are the files of tools that only purged sessions had.
    """

    sessions: int = 0
    messages: int = 0
    exchanges: int = 0
    purged: int = 0
    faults: tuple[str, ...] = ()
    purged_files: tuple[str, ...] = ()

    def plus(self, other: "Applied") -> "Applied":
        """The sum of two results."""
        return Applied(
            self.sessions + other.sessions,
            self.messages + other.messages,
            self.exchanges + other.exchanges,
            self.purged + other.purged,
            (*self.faults, *other.faults),
            (*self.purged_files, *other.purged_files),
        )


class HubLog(Protocol):
    """The local side of a hub. Every method may raise StoreError."""

    async def membership(self) -> HubMembership | None:
        """The hub of this archive; None when it takes part in none."""
        ...

    async def place(self) -> str:
        """A value that a copy of the file does not have."""
        ...

    async def join(self, url: str, machine: str, name: str) -> None:
        """Take part in a hub: everything that is here waits to leave."""
        ...

    async def renew(self, machine: str, *, is_copy: bool) -> None:
        """Take part as another machine. A copy of an archive (`is_copy`) in the state that the
        hub has continues from there; else every log is read again, and everything offered again.
        """
        ...

    async def rename(self, name: str) -> None:
        """Set the name of this machine, for what it sends from now on."""
        ...

    async def leave(self) -> None:
        """Take part in no hub any more. Nothing that was saved changes."""
        ...

    async def waiting(self, leaving: Collection[str] | None) -> Waiting:
        """The entries that a sync would send, of all sessions or of some."""
        ...

    async def next_batch(
        self, leaving: Collection[str] | None, cursor: int, first: int, sent: Collection[int]
    ) -> PushBatch:
        """The next entries to push, within the bound of a batch, numbered from `first`. `sent`
        are the changes of the batch that is being pushed now.
        """
        ...

    async def intend(self, head: LogHead, seqs: Sequence[int]) -> bool:
        """Save the end of our log that a push of changes will have. Saves nothing and returns
        false when one of them does not wait any more: it was changed again, or purged.
        """
        ...

    async def settle(self, head: LogHead) -> None:
        """Save the end of our log on the hub. If it is the intended one, its entries have left."""
        ...

    async def pulled(self) -> Mapping[str, int]:
        """The number up to which the log of each machine was read."""
        ...

    async def apply(
        self, machine: str, entries: Sequence[HubEntry], upto: int, *, is_hole: bool = False
    ) -> Applied:
        """Merge entries in one transaction, and save up to where the log was read."""
        ...

    async def rewind(self, machine: str) -> None:
        """Read the log of a machine from its start again."""
        ...

    async def holes(self) -> Sequence[tuple[str, int, int]]:
        """The stretches of logs that could not be read: machine, first and last number."""
        ...

    async def set_hole(self, machine: str, first: int, last: int, *, is_open: bool) -> None:
        """Note or remove a stretch that could not be read."""
        ...

    async def unshare(self, session_ids: Collection[str]) -> int:
        """Mark sessions as withdrawn from the hub, on all machines. Returns their number."""
        ...

    async def replies_of(self, session_ids: Collection[str], most: int) -> Mapping[str, str]:
        """Up to `most` replies of some sessions, each with its session."""
        ...

    async def unshared(self) -> Collection[str]:
        """The sessions that are marked as withdrawn."""
        ...

    async def to_withdraw(self) -> Sequence[str]:
        """The withdrawn sessions of which the hub may still have entries of this machine."""
        ...

    async def withdrawn(self, session_ids: Collection[str]) -> None:
        """The hub has removed the entries of sessions."""
        ...

    async def left(self) -> Collection[str]:
        """The sessions that have left this machine, or came from the hub."""
        ...

    async def shared(self) -> Collection[str]:
        """The sessions that this machine has offered for others to read."""
        ...

    async def known(self, session_ids: Collection[str]) -> Mapping[str, str]:
        """Titles by id of those of the sessions that this archive has."""
        ...

    async def offer_shared(self, session_ids: Collection[str], again: Collection[str] = ()) -> None:
        """Set the sessions that others may read, and offer the new ones again: their entries
        were sent for the person's own machines, not redacted, and must be sent redacted. `again`
        are sessions to offer although they were offered before.
        """
        ...

    async def note_synced(self, at_ms: int) -> None:
        """Save the time of a complete sync."""
        ...

    async def newest_change(self) -> int:
        """A number that grows with each change that waits to leave."""
        ...

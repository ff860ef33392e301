"""Hubs: the place through which a person's archives exchange what they hold.

Every machine has a log on the hub, which it alone appends to. The entries of a log are numbered
from 1, with gaps where an entry was replaced or purged. Merging is idempotent, so an entry that
comes twice does no harm.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from functools import total_ordering
from typing import Protocol, runtime_checkable

from replyscope.domain.values import dataclass


@total_ordering
@dataclass(frozen=True, slots=True)
class Stamp:
    """The time of a change by a hybrid logical clock: milliseconds since 1970, a counter, and the
    id of the machine. Stamps of different changes are never equal.
    """

    at_ms: int
    counter: int
    machine: str

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Stamp):
            return NotImplemented
        mine = self.at_ms, self.counter, self.machine
        return mine < (other.at_ms, other.counter, other.machine)


class EntryKind(StrEnum):
    """The kind of content of an entry."""

    SESSION = "session"  # the stamped fields of a session
    MESSAGE = "message"
    EXCHANGE = "exchange"  # with its request and its journal
    PURGE = "purge"  # nothing but the id of a purged session


@dataclass(frozen=True, slots=True)
class HubEntry:
    """One entry of a machine's log. `body` is JSON in UTF-8 (a hub may compress or encrypt it).

    The newest entry of a machine with the same kind and id replaces its earlier ones. The client
    numbers the entries; `is_shared` says that the team may read the entry.
    """

    number: int
    kind: EntryKind
    id: str
    session_id: str
    stamp: Stamp
    body: bytes
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class LogHead:
    """The end of a machine's log: its newest number, and a digest that tells apart two machines
    that took themselves for the same one.
    """

    number: int
    digest: str


START = LogHead(0, "")
"""The end of an empty log."""


def next_head(before: LogHead, entries: Sequence[HubEntry]) -> LogHead:
    """The end of a log after entries were appended."""
    if not entries:
        return before
    lines = [before.digest]
    for entry in entries:
        stamp = entry.stamp
        body = hashlib.sha256(entry.body).hexdigest()
        lines.append(
            f"{entry.number} {entry.kind.value} {entry.id} "
            f"{stamp.at_ms} {stamp.counter} {stamp.machine} {body}"
        )
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
    return LogHead(entries[-1].number, digest)


@dataclass(frozen=True, slots=True)
class HubFault:
    """A stretch of a machine's log that could not be read: damaged, or not arrived yet."""

    machine: str
    first: int
    last: int
    sentence: str


@dataclass(frozen=True, slots=True)
class HubStatus:
    """The state of a hub: its kind, and the names and heads of machines by id."""

    kind: str
    version: int
    machines: Mapping[str, str] = field(default_factory=dict)
    heads: Mapping[str, LogHead] = field(default_factory=dict)


class Hub(Protocol):
    """A connection to a hub. Calls block; each is bounded in time, and may raise HubError."""

    def initialise(self) -> None:
        """Create what the hub needs, or check that it is one of ours of a known version."""
        ...

    def status(self) -> HubStatus:
        """The machines and the ends of their logs."""
        ...

    def push(
        self, machine: str, name: str, entries: Sequence[HubEntry], before: LogHead
    ) -> LogHead:
        """Append entries to this machine's log in one commit; raises HubConflict when its end is
        not `before`. Returns the new end, which is `next_head(before, entries)`.

        A purge entry also removes the machine's other entries of its session.
        """
        ...

    def pull(self, machine: str, after: int, limit_bytes: int, upto: int = 0) -> Sequence[HubEntry]:
        """The next entries of a machine's log, at least one if there is any, within a limit.
        A log that ends before `upto`, a number that it had, has a fault.
        """
        ...

    def faults(self) -> Sequence[HubFault]:
        """The stretches of logs that `pull` has skipped since the last call."""
        ...

    def withdraw(self, machine: str, session_ids: Sequence[str]) -> None:
        """Remove the entries of sessions from this machine's log."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


@runtime_checkable
class TeamHub(Protocol):
    """A hub whose entries have owners, and may be shared with a team."""

    def shared(self, machine: str | None) -> frozenset[str]:
        """The sessions of the owner that have entries for the team, of one machine or of all."""
        ...

    def hide(self, session_ids: Sequence[str]) -> int:
        """Hide sessions from the team. Returns the number of sessions that it could read."""
        ...


class Sealer(Protocol):
    """Encrypts the bodies of entries. Both calls block, and may raise HubLocked."""

    def seal(self, entries: Sequence[HubEntry]) -> tuple[HubEntry, ...]:
        """The entries with encrypted bodies."""
        ...

    def open(self, entries: Sequence[HubEntry]) -> tuple[HubEntry, ...]:
        """The entries with their bodies decrypted. A body that is not encrypted stays."""
        ...

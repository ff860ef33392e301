"""The change log of one archive for its hub. Implements HubLog."""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from replyscope.domain.errors import StoreError
from replyscope.domain.hub import HubEntry, LogHead, Stamp
from replyscope.domain.hub_bodies import UNSHARED
from replyscope.domain.hub_log import Applied, HubMembership, PushBatch, Waiting
from replyscope.domain.hybrid_clock import observe
from replyscope.store.database import Database
from replyscope.store.hub.incoming import Incoming
from replyscope.store.hub.outgoing import BatchChoice, Settle, read_batch
from replyscope.store.hub.waiting import count_waiting, read_membership
from replyscope.store.hub_triggers import (
    TICK,
    create_triggers,
    drop_triggers,
    pend,
    stamp_fields,
    unnoted,
)

_TABLES = ("hub", "hub_pending", "hub_field", "hub_item", "hub_left", "hub_pulled", "hub_hole",
           "hub_waiting")  # fmt: skip
_OFFER = (
    "INSERT INTO hub_pending (kind, id, session_id) "
    "SELECT kind, id, session_id FROM ("
    "SELECT 'session' AS kind, id, id AS session_id, 1 AS step, 0 AS place FROM session "
    "UNION ALL SELECT 'message', id, session_id, 2, rowid FROM message "
    "UNION ALL SELECT 'exchange', id, session_id, 3, rowid FROM exchange WHERE writer IS NULL"
    ") item JOIN (SELECT id AS owner, updated_at FROM session) ON owner = session_id"
)
_OFFER_ORDER = "ORDER BY updated_at DESC, session_id, step, place"


class SqliteHubLog:
    """The local side of a hub. `database` is a callable because a store may replace its
    database; `settle` marks the tools of dead processes as interrupted; `now` is the wall clock.
    """

    def __init__(
        self, database: Callable[[], Database], settle: Settle, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._settle = settle
        self._now = now

    async def membership(self) -> HubMembership | None:
        """See HubLog."""
        if self._database().path is None:
            return None
        return await self._database().read(read_membership)

    async def place(self) -> str:
        """The inode of the file, which a copy does not have."""
        return self._place()

    def _place(self) -> str:
        path = self._database().path
        if path is None:
            raise StoreError("Private sessions take part in no hub.")
        return str(path.stat().st_ino)  # the number of a device may change when it starts

    async def join(self, url: str, machine: str, name: str) -> None:
        """See HubLog."""
        place = self._place()

        def begin(connection: sqlite3.Connection) -> None:
            _forget(connection)
            connection.execute(
                "INSERT INTO hub (id, url, machine, name, place) VALUES (1, ?, ?, ?, ?)",
                (url, machine, name, place),
            )
            connection.execute(
                "INSERT INTO hub_field SELECT id, '', max(0, updated_at), 0, ?, NULL FROM session",
                (machine,),
            )
            _offer_everything(connection)
            create_triggers(connection)

        await self._database().write(begin)

    async def renew(self, machine: str, *, is_copy: bool) -> None:
        """See HubLog."""
        place = self._place()

        def renew(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT machine, former, head_number FROM hub").fetchone()
            if row is None:
                return
            former = json.dumps([*json.loads(row[1]), row[0]])
            connection.execute(
                "UPDATE hub SET machine = ?, former = ?, place = ?, head_number = 0, "
                "head_digest = '', intended = NULL",
                (machine, former, place),
            )
            if is_copy:
                connection.execute(
                    "INSERT OR REPLACE INTO hub_pulled VALUES (?, ?)", (row[0], row[2])
                )
                return
            connection.execute("DELETE FROM hub_pulled")
            connection.execute("DELETE FROM hub_hole")
            _offer_everything(connection)

        await self._database().write(renew)

    async def rename(self, name: str) -> None:
        """See HubLog."""
        await self._execute("UPDATE hub SET name = ?", name)

    async def leave(self) -> None:
        """See HubLog."""

        def end(connection: sqlite3.Connection) -> None:
            drop_triggers(connection)
            _forget(connection)

        await self._database().write(end)

    async def waiting(self, leaving: Collection[str] | None) -> Waiting:
        """See HubLog."""
        return await self._database().read(lambda c: count_waiting(c, leaving))

    async def next_batch(
        self,
        leaving: Collection[str] | None,
        cursor: int,
        first: int,
        sent: Collection[int] = (),
    ) -> PushBatch:
        """See HubLog."""

        def read(connection: sqlite3.Connection) -> PushBatch:
            row = connection.execute("SELECT machine FROM hub").fetchone()
            if row is None:
                return PushBatch((), (), cursor)
            choice = BatchChoice(leaving, cursor, frozenset(sent))
            return read_batch(connection, self._settle, choice, row[0], first)

        return await self._database().read(read)

    async def intend(self, head: LogHead, seqs: Sequence[int]) -> bool:
        """See HubLog."""
        numbers = list(seqs)
        text = json.dumps([head.number, head.digest, numbers])

        def write(connection: sqlite3.Connection) -> bool:
            waiting = (
                "SELECT count(*) FROM hub_pending WHERE seq IN (SELECT value FROM json_each(?))"
            )
            row = connection.execute(waiting, (json.dumps(numbers),)).fetchone()
            if row[0] != len(numbers):
                return False
            connection.execute("UPDATE hub SET intended = ?", (text,))
            # Not after the push: its answer may be lost, and a purge has to follow what it sent.
            connection.executemany(
                "INSERT OR IGNORE INTO hub_left (session_id) "
                "SELECT session_id FROM hub_pending WHERE seq = ?",
                [(seq,) for seq in numbers],
            )
            return True

        return await self._database().write(write)

    async def settle(self, head: LogHead) -> None:
        """See HubLog."""
        await self._database().write(lambda c: _settle(c, head))

    async def pulled(self) -> Mapping[str, int]:
        """See HubLog."""
        return await self._database().read(
            lambda c: dict(c.execute("SELECT machine, number FROM hub_pulled").fetchall())
        )

    async def apply(
        self, machine: str, entries: Sequence[HubEntry], upto: int, *, is_hole: bool = False
    ) -> Applied:
        """See HubLog."""
        given = tuple(entries)

        def merge(connection: sqlite3.Connection) -> Applied:
            membership = read_membership(connection)
            if membership is None:
                return Applied()
            incoming = Incoming(
                connection, self._now(), drops_pending=machine not in membership.former
            )
            with unnoted(connection):
                incoming.retry_purges()
                applied = incoming.apply(given)
                _observe(connection, incoming.newest, self._now())
            if not is_hole:
                connection.execute(
                    "INSERT OR REPLACE INTO hub_pulled VALUES (?, ?)", (machine, upto)
                )
            return applied

        return await self._database().write(merge)

    async def rewind(self, machine: str) -> None:
        """See HubLog."""
        await self._execute("DELETE FROM hub_pulled WHERE machine = ?", machine)

    async def holes(self) -> Sequence[tuple[str, int, int]]:
        """See HubLog."""
        return await self._database().read(
            lambda c: c.execute("SELECT machine, first, last FROM hub_hole").fetchall()
        )

    async def set_hole(self, machine: str, first: int, last: int, *, is_open: bool) -> None:
        """See HubLog."""
        sql = (
            "INSERT OR IGNORE INTO hub_hole VALUES (?, ?, ?)"
            if is_open
            else "DELETE FROM hub_hole WHERE machine = ? AND first = ? AND last = ?"
        )
        await self._execute(sql, machine, first, last)

    async def unshare(self, session_ids: Collection[str]) -> int:
        """See HubLog."""
        ids = tuple(session_ids)
        return await self._database().write(lambda c: sum(_unshare(c, one) for one in ids))

    async def replies_of(self, session_ids: Collection[str], most: int) -> Mapping[str, str]:
        """See HubLog."""
        sql = (
            "SELECT id, session_id FROM exchange "
            "WHERE session_id IN (SELECT value FROM json_each(?)) LIMIT ?"
        )
        ids = json.dumps(sorted(session_ids))
        return dict(await self._database().read(lambda c: c.execute(sql, (ids, most)).fetchall()))

    async def unshared(self) -> Collection[str]:
        """See HubLog."""
        rows = await self._database().read(
            lambda c: c.execute(
                "SELECT session_id FROM hub_field WHERE name = ? AND value = 'true'", (UNSHARED,)
            ).fetchall()
        )
        return {session_id for (session_id,) in rows}

    async def to_withdraw(self) -> Sequence[str]:
        """See HubLog."""
        rows = await self._database().read(
            lambda c: c.execute(
                "SELECT l.session_id FROM hub_left l JOIN hub_field f "
                "ON f.session_id = l.session_id WHERE f.name = ? AND f.value = 'true' "
                "AND NOT l.is_withdrawn",
                (UNSHARED,),
            ).fetchall()
        )
        return [session_id for (session_id,) in rows]

    async def withdrawn(self, session_ids: Collection[str]) -> None:
        """See HubLog."""
        rows = [(session_id,) for session_id in session_ids]
        await self._database().write(
            lambda c: c.executemany(
                "UPDATE hub_left SET is_withdrawn = 1 WHERE session_id = ?", rows
            )
        )

    async def left(self) -> Collection[str]:
        """See HubLog."""
        rows = await self._database().read(
            lambda c: c.execute("SELECT session_id FROM hub_left").fetchall()
        )
        return {session_id for (session_id,) in rows}

    async def shared(self) -> Collection[str]:
        """See HubLog."""
        return await self._database().read(_shared)

    async def known(self, session_ids: Collection[str]) -> Mapping[str, str]:
        """See HubLog."""
        ids = json.dumps(list(session_ids))
        rows = await self._database().read(
            lambda c: c.execute(
                "SELECT id, title FROM session WHERE id IN (SELECT value FROM json_each(?)) "
                "ORDER BY updated_at DESC",
                (ids,),
            ).fetchall()
        )
        return dict(rows)

    async def offer_shared(self, session_ids: Collection[str], again: Collection[str] = ()) -> None:
        """See HubLog."""
        wanted, lost = set(session_ids), set(again)

        def offer(connection: sqlite3.Connection) -> None:
            known = _shared(connection) - lost
            connection.executemany(
                "UPDATE hub_left SET is_shared = 0 WHERE session_id = ?",
                [(one,) for one in known - wanted],
            )
            for one in wanted - known:
                connection.execute("INSERT OR IGNORE INTO hub_left (session_id) VALUES (?)", (one,))
                connection.execute("UPDATE hub_left SET is_shared = 1 WHERE session_id = ?", (one,))
                connection.execute("DELETE FROM hub_pending WHERE session_id = ?", (one,))
                connection.execute(f"{_OFFER} WHERE session_id = ? {_OFFER_ORDER}", (one,))

        await self._database().write(offer)

    async def note_synced(self, at_ms: int) -> None:
        """See HubLog."""
        await self._execute("UPDATE hub SET synced_at = ?", at_ms)

    async def newest_change(self) -> int:
        """See HubLog."""

        def newest(connection: sqlite3.Connection) -> int:
            row = connection.execute(
                "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'hub_pending'"
            ).fetchone()
            return int(row[0])

        return await self._database().read(newest)

    async def _execute(self, sql: str, *values: object) -> None:
        def run(connection: sqlite3.Connection) -> None:
            connection.execute(sql, values)

        await self._database().write(run)


def _shared(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT session_id FROM hub_left WHERE is_shared")
    return {session_id for (session_id,) in rows}


def _forget(connection: sqlite3.Connection) -> None:
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table}")


def _offer_everything(connection: sqlite3.Connection) -> None:
    """Queue everything, the newest sessions first."""
    connection.execute("DELETE FROM hub_pending")
    connection.execute(f"{_OFFER} {_OFFER_ORDER}")
    connection.execute(
        "INSERT INTO hub_pending (kind, id, session_id) "
        "SELECT 'purge', session_id, session_id FROM hub_purged"
    )


def _settle(connection: sqlite3.Connection, head: LogHead) -> None:
    row = connection.execute("SELECT intended FROM hub").fetchone()
    if row is None:
        return
    if row[0] is not None:
        number, digest, seqs = json.loads(row[0])
        if LogHead(number, digest) == head:
            rows = [(seq,) for seq in seqs]
            connection.executemany("DELETE FROM hub_pending WHERE seq = ?", rows)
    connection.execute(
        "UPDATE hub SET head_number = ?, head_digest = ?, intended = NULL",
        (head.number, head.digest),
    )


def _observe(connection: sqlite3.Connection, seen: Stamp, now: datetime) -> None:
    """Move our clock past the received stamps."""
    at_ms, counter, machine = connection.execute(
        "SELECT at_ms, counter, machine FROM hub"
    ).fetchone()
    clock = observe(Stamp(at_ms, counter, machine), seen, round(now.timestamp() * 1000))
    connection.execute("UPDATE hub SET at_ms = ?, counter = ?", (clock.at_ms, clock.counter))


def _unshare(connection: sqlite3.Connection, session_id: str) -> bool:
    row = connection.execute("SELECT 1 FROM session WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        return False
    # The names of parameters keep the statements of the triggers usable outside of them.
    named = {"session": session_id}
    connection.execute(TICK)
    sql = stamp_fields(":session", f"SELECT '{UNSHARED}' AS name", "'true'")
    sqlite3.Connection.execute(connection, sql, named)
    for statement in pend("session", ":session", ":session").split(";\n"):
        sqlite3.Connection.execute(connection, statement, named)
    return True

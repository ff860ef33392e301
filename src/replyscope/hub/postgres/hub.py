"""A hub in a PostgreSQL database: the logs of machines, and the tables of the review.

A push writes the log and the review in one transaction. A role reads its own rows and the rows
that are shared with the team; logs are pulled from the own machines only.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise

from psycopg import sql

from replyscope.domain.errors import HubConflict, HubError
from replyscope.domain.hub import (
    START,
    EntryKind,
    HubEntry,
    HubFault,
    HubStatus,
    LogHead,
    Stamp,
    next_head,
)
from replyscope.domain.hub_bodies import is_valid_id
from replyscope.hub.postgres.address import Address
from replyscope.hub.postgres.bodies import pack, unpack
from replyscope.hub.postgres.connecting import Connection, Password, connect, named, pipelined
from replyscope.hub.postgres.faults import translated
from replyscope.hub.postgres.filling import Filling, forget_sessions, forget_withdrawn
from replyscope.hub.postgres.founding import (
    check_version,
    found_hub,
    grant,
    hub_version,
    members,
    revoke,
)
from replyscope.hub.postgres.replies import Describe
from replyscope.hub.postgres.sessions import storable

_AT_ONCE = 500
_AT_ONCE_BYTES = 16 * 1024 * 1024
_LOCK = """
INSERT INTO {schema}.change (number) VALUES (0) ON CONFLICT (owner) DO NOTHING
"""
_LOCKED = "SELECT number FROM {schema}.change WHERE owner = session_user FOR UPDATE"
_HEAD = "SELECT number, digest FROM {schema}.machine WHERE owner = session_user AND id = %s"
_PUT_HEAD = """
INSERT INTO {schema}.machine (id, name, number, digest) VALUES (%s, %s, %s, %s)
ON CONFLICT (owner, id) DO UPDATE SET
    name = excluded.name, number = excluded.number, digest = excluded.digest
"""
_CHANGED = "UPDATE {schema}.change SET number = number + 1 WHERE owner = session_user"
_PURGED = """
SELECT DISTINCT session_id FROM {schema}.entry
WHERE owner = session_user AND kind = 'purge' AND session_id = ANY (%s)
"""
_PUT = """
INSERT INTO {schema}.entry
    (machine, kind, id, session_id, number, at_ms, counter, stamped_by, is_shared, body)
SELECT %b::text, * FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::text[],
    %b::boolean[], %b::bytea[]
)
ON CONFLICT (owner, machine, kind, id) DO UPDATE SET
    session_id = excluded.session_id, number = excluded.number, at_ms = excluded.at_ms,
    counter = excluded.counter, stamped_by = excluded.stamped_by,
    is_shared = excluded.is_shared, body = excluded.body
"""
_PULL = """
SELECT number, kind, id, session_id, at_ms, counter, stamped_by, is_shared, body FROM (
    SELECT *, sum(octet_length(body)) OVER (ORDER BY number) - octet_length(body) AS bytes_before
    FROM (
        SELECT * FROM {schema}.entry
        WHERE owner = session_user AND machine = %s AND number > %s ORDER BY number LIMIT 2000
    ) AS page
) AS measured
WHERE bytes_before < %s OR bytes_before = 0 ORDER BY number
"""


class PostgresHub:
    """The hub of one role. Implements Hub; calls block, and raise HubError."""

    def __init__(self, address: Address, password: Password, describe: Describe) -> None:
        self._address = address
        self._password = password
        self._describe = describe
        self._connection: Connection | None = None

    @property
    def address(self) -> Address:
        """The place of the hub."""
        return self._address

    def initialise(self) -> None:
        """See Hub. Creates the tables, or migrates tables of an older version."""
        with translated(self._address.shown):
            found_hub(self._open(), self._address)

    def status(self) -> HubStatus:
        """See Hub."""
        with translated(self._address.shown):
            connection = self._checked()
            version = hub_version(connection, self._address)
            rows = connection.execute(
                self._sql("SELECT id, name, number, digest FROM {schema}.machine ORDER BY id")
            ).fetchall()
        names = {str(key): str(name) for key, name, _, _ in rows}
        heads = {str(key): _head(number, digest) for key, _, number, digest in rows}
        return HubStatus("postgresql", version or 0, names, heads)

    def push(
        self, machine: str, name: str, entries: Sequence[HubEntry], before: LogHead
    ) -> LogHead:
        """See Hub. A push that was committed, but whose answer was lost, may be repeated."""
        numbers = [before.number, *(entry.number for entry in entries)]
        if any(second <= first for first, second in pairwise(numbers)):
            raise HubError("The entries for the hub are not in the order of their numbers.", "")
        ids = {machine, *(key for one in entries for key in (one.id, one.session_id))}
        if not all(map(is_valid_id, ids)):
            raise HubError("An entry for the hub has an id that is not valid.", "")
        after = next_head(before, entries)
        with translated(self._address.shown):
            connection = self._checked()
            with connection.transaction():
                self._lock(connection)
                here = self._head(connection, machine)
                if here == after:
                    return after
                if here != before:
                    raise HubConflict(
                        f"The hub at {self._address.shown} has other entries of this machine.",
                        "The next sync gives this machine a new name.",
                    )
                gone = self._purged(connection, entries)
                # A statement in a pipeline keeps its values until the end.
                is_large = sum(len(entry.body) for entry in entries) > _AT_ONCE_BYTES
                with nullcontext() if is_large else pipelined(connection):
                    head = (machine, storable(name), after.number, after.digest)
                    connection.execute(self._sql(_PUT_HEAD), head)
                    self._put_all(connection, (machine, storable(name)), entries, gone)
        return after

    def _purged(self, connection: Connection, entries: Sequence[HubEntry]) -> set[str]:
        """The sessions of entries that were purged before."""
        named_sessions = sorted({entry.session_id for entry in entries})
        rows = connection.execute(self._sql(_PURGED), (named_sessions,)).fetchall()
        return {str(key) for (key,) in rows}

    def _lock(self, connection: Connection) -> None:
        """Let one machine of a role push at a time: sessions are merged from all machines."""
        connection.execute(self._sql(_LOCK))
        connection.execute(self._sql(_LOCKED))

    def _head(self, connection: Connection, machine: str) -> LogHead:
        row = connection.execute(self._sql(_HEAD), (machine,)).fetchone()
        return START if row is None else _head(*row)

    def _put_all(
        self,
        connection: Connection,
        machine: tuple[str, str],
        entries: Sequence[HubEntry],
        gone: set[str],
    ) -> None:
        """Write entries and the review. `machine` is an id and a name, `gone` are purged sessions.

        What the review has to look up comes first: after that nothing waits for the server.
        """
        key, name = machine
        schema = self._address.schema
        purges = {one.session_id for one in entries if one.kind is EntryKind.PURGE}
        if purges:
            forget_sessions(connection, schema, sorted(purges))
        gone = gone | purges
        kept = [one for one in entries if one.kind is EntryKind.PURGE or one.session_id not in gone]
        newest = list({(one.kind, one.id): one for one in kept}.values())
        filling = Filling(connection, schema, name, self._describe)
        content = filling.read(newest)
        filling.put_trees(content)
        for some in _batches(newest):
            connection.execute(self._sql(_PUT), (key, *_columns(some)))
        filling.put_replies(content)
        if purges or any(entry.is_shared for entry in newest):
            connection.execute(self._sql(_CHANGED))

    def pull(self, machine: str, after: int, limit_bytes: int, upto: int = 0) -> Sequence[HubEntry]:
        """See Hub. Only machines of the same role have logs to pull, and these are whole."""
        with translated(self._address.shown):
            rows = self._checked().execute(
                self._sql(_PULL), (machine, after, limit_bytes), binary=True
            )
            return tuple(_entry(row) for row in rows)

    def withdraw(self, machine: str, session_ids: Sequence[str]) -> None:
        """See Hub."""
        delete = "DELETE FROM {schema}.entry WHERE owner = session_user AND machine = %s "
        with translated(self._address.shown):
            connection = self._checked()
            with connection.transaction():
                self._lock(connection)
                connection.execute(
                    self._sql(f"{delete} AND session_id = ANY (%s) AND kind <> 'purge'"),
                    (machine, list(session_ids)),
                )
                forget_withdrawn(connection, self._address.schema, list(session_ids))
                connection.execute(self._sql(_CHANGED))

    def hide(self, session_ids: Sequence[str]) -> int:
        """See TeamHub.

        Only entries that a machine pushes as shared, and redacted for it, are shown again.
        """
        ids, changed = list(session_ids), 0
        hide = (
            "UPDATE {{schema}}.{table} SET is_shared = false "
            "WHERE owner = session_user AND {key} = ANY (%s) AND is_shared"
        )
        with translated(self._address.shown):
            connection = self._checked()
            with connection.transaction():
                self._lock(connection)
                for table in ("entry", "message", "reply", "session"):
                    key = "id" if table == "session" else "session_id"
                    statement = hide.format(table=table, key=key)
                    changed = connection.execute(self._sql(statement), (ids,)).rowcount
                connection.execute(self._sql("SELECT {schema}.hide_words(%s)"), (ids,))
                connection.execute(self._sql(_CHANGED))
        return changed

    def shared(self, machine: str | None) -> frozenset[str]:
        """See TeamHub."""
        found = (
            "SELECT DISTINCT session_id FROM {schema}.entry "
            "WHERE owner = session_user AND is_shared AND machine = coalesce(%s, machine)"
        )
        with translated(self._address.shown):
            rows = self._checked().execute(self._sql(found), (machine,))
            return frozenset(str(key) for (key,) in rows.fetchall())

    def grant(self, role: str) -> None:
        """Let a role of the database use the hub; only its owner can."""
        with translated(self._address.shown):
            grant(self._checked(), self._address, role)

    def revoke(self, role: str) -> None:
        """Shut a role out of the hub; only its owner can. The role's rows stay."""
        with translated(self._address.shown):
            revoke(self._checked(), self._address, role)

    def members(self) -> Sequence[str]:
        """The roles that may use the hub, without its owner."""
        with translated(self._address.shown):
            return members(self._checked(), self._address)

    def faults(self) -> Sequence[HubFault]:
        """See Hub. A database has no gaps."""
        return ()

    def close(self) -> None:
        """See Hub."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def connection(self) -> Connection:
        """A connection to the hub, which is of a known version. Raises HubError."""
        with translated(self._address.shown):
            return self._checked()

    def _open(self) -> Connection:
        if self._connection is None or self._connection.broken or self._connection.closed:
            self._connection = connect(self._address, self._password)
        return self._connection

    def _checked(self) -> Connection:
        before = self._connection
        connection = self._open()
        if connection is not before:
            check_version(connection, self._address)
        return connection

    def _sql(self, statement: str) -> sql.Composed:
        return named(self._address.schema, statement)


def _head(number: object, digest: object) -> LogHead:
    assert isinstance(number, int)
    return LogHead(number, str(digest))


def _batches(entries: Sequence[HubEntry]) -> Iterator[list[HubEntry]]:
    """The entries in batches with a bound: a statement and its rows are in memory."""
    some: list[HubEntry] = []
    size = 0
    for entry in entries:
        if some and (len(some) >= _AT_ONCE or size + len(entry.body) > _AT_ONCE_BYTES):
            yield some
            some, size = [], 0
        some.append(entry)
        size += len(entry.body)
    if some:
        yield some


def _columns(entries: Sequence[HubEntry]) -> tuple[list[object], ...]:
    return (
        [one.kind.value for one in entries],
        [one.id for one in entries],
        [one.session_id for one in entries],
        [one.number for one in entries],
        [one.stamp.at_ms for one in entries],
        [one.stamp.counter for one in entries],
        [one.stamp.machine for one in entries],
        [one.is_shared for one in entries],
        [pack(one.body) for one in entries],
    )


def _entry(row: Sequence[object]) -> HubEntry:
    number, kind, key, session_id, at_ms, counter, by, is_shared, data = row
    assert isinstance(number, int)
    assert isinstance(at_ms, int)
    assert isinstance(counter, int)
    assert isinstance(data, bytes)
    try:
        known = EntryKind(str(kind))
    except ValueError as error:
        raise HubError("The hub has an entry of an unknown kind.", "Update replyscope.") from error
    stamp = Stamp(at_ms, counter, str(by))
    return HubEntry(number, known, str(key), str(session_id), stamp, unpack(data), bool(is_shared))

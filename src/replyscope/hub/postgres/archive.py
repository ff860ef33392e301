"""The sessions of a PostgreSQL hub, to read, replay, compare and export.

Nothing on the hub is changed from here. A session that several roles have is read from the own
one, else from the first that shares it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn

from replyscope.domain.errors import SessionNotFound, StoreReadOnly
from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.hub import EntryKind, HubEntry, Stamp
from replyscope.domain.hub_bodies import read_settings
from replyscope.domain.hub_merge import (
    CREATED,
    HEAD,
    UPDATED,
    Fields,
    merge_fields,
    tags_of_fields,
)
from replyscope.domain.json_values import from_ms
from replyscope.domain.message import Message
from replyscope.domain.search import Labels
from replyscope.domain.session import (
    Session,
    SessionSummary,
    Shelf,
    Spent,
    StoredSession,
)
from replyscope.domain.shared import Shared
from replyscope.domain.stores import SessionStamp
from replyscope.hub.postgres.bodies import Body, PlacedExchange, read_body, unpack
from replyscope.hub.postgres.connecting import Connection, named
from replyscope.hub.postgres.reading import HubReader
from replyscope.hub.postgres.wires import load_wire

_VISIBLE = "(owner = session_user OR is_shared)"
_OWNER = f"""
SELECT owner FROM {{schema}}.session WHERE id = %s AND {_VISIBLE}
ORDER BY owner = session_user DESC, owner LIMIT 1
"""
_ENTRIES = f"""
SELECT kind, id, session_id, body FROM {{schema}}.entry
WHERE owner = %s AND session_id = %s AND {_VISIBLE} ORDER BY at_ms, counter, number
"""
_EXCHANGES = f"""
SELECT kind, id, session_id, body FROM {{schema}}.entry
WHERE owner = %s AND kind = 'exchange' AND id = ANY (%s) AND {_VISIBLE} ORDER BY number
"""
_SUMMARIES = """
SELECT s.id, s.title, r.model, s.created_at, s.updated_at, r.number, r.state, s.tags,
    s.pinned_at IS NOT NULL, s.archived_at IS NOT NULL, s.source, s.client
FROM {schema}.session s, LATERAL (
    SELECT count(*) AS number, (array_agg(model ORDER BY started_at DESC))[1] AS model,
        (array_agg(state ORDER BY started_at DESC))[1] AS state
    FROM {schema}.reply r WHERE r.session_id = s.id AND r.owner = s.owner
) AS r
WHERE (s.owner = session_user OR s.is_shared) AND s.updated_at IS NOT NULL AND {where}
ORDER BY s.pinned_at IS NOT NULL AND %s DESC, s.updated_at DESC NULLS LAST LIMIT %s
"""
"""An unshared session has no times: only its mark is on the hub."""
_SHELVES = {
    Shelf.LISTED: "s.deleted_at IS NULL AND s.archived_at IS NULL",
    Shelf.ARCHIVED: "s.deleted_at IS NULL AND s.archived_at IS NOT NULL",
    Shelf.DELETED: "s.deleted_at IS NOT NULL",
}
_LABELS = f"""
SELECT DISTINCT ON (id) id, pinned_at, archived_at, tags FROM {{schema}}.session
WHERE id = ANY (%s) AND {_VISIBLE} ORDER BY id, owner = session_user DESC
"""
READ_ONLY = "Sessions on the hub can't be changed from here."
NEXT_STEP = "Change the session on a machine that has it; its next sync sends the change."


class _ReadOnly:
    """A part of an archive whose missing methods, which would change it, raise StoreReadOnly."""

    def __init__(self, reader: HubReader) -> None:
        self._reader = reader
        self._schema = reader.address.schema

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return _refuse


async def _refuse(*_values: object, **_named: object) -> NoReturn:
    raise StoreReadOnly(READ_ONLY, NEXT_STEP)


class PostgresArchive(_ReadOnly):
    """The reading half of Store. Every other method of it raises StoreReadOnly."""

    is_saving = True
    is_private = False
    writer = ""

    async def close(self) -> None:
        """End the connections."""
        await self._reader.close()

    async def load_session(self, session_id: str) -> StoredSession:
        """See SessionStore."""
        stored, _ = await self._reader.read(lambda c: self._load(c, session_id))
        return stored

    async def load_shared(self, session_id: str, *, with_wire: bool) -> Shared:
        """See ExportSource."""

        def run(connection: Connection) -> Shared:
            stored, tags = self._load(connection, session_id)
            names = stored.exchanges if with_wire else ()
            records = {name: load_wire(connection, self._schema, name) for name in names}
            return Shared(stored.session, stored.messages, stored.exchanges, tags, records)

        return await self._reader.read(run)

    async def load_wire(self, exchange_id: str) -> WireRecord:
        """See WireStore."""
        return await self._reader.read(lambda c: load_wire(c, self._schema, exchange_id))

    async def session_stamp(self, session_id: str) -> SessionStamp:
        """See SessionStore."""
        stored = await self.load_session(session_id)
        session = stored.session
        is_deleted = session.deleted_at is not None
        return SessionStamp(session.head_id, session.title, len(stored.exchanges), 0, is_deleted)

    async def is_held_elsewhere(self, session_id: str) -> bool:
        """See SessionStore. The hub has ended replies only."""
        return False

    async def find_session_id(self, prefix: str) -> str:
        """See SessionStore."""
        statement = (
            f"SELECT DISTINCT id FROM {{schema}}.session "
            f"WHERE starts_with(id, %s) AND {_VISIBLE} ORDER BY id LIMIT 2"
        )
        rows = await self._reader.read(
            lambda c: c.execute(named(self._schema, statement), (prefix,)).fetchall()
        )
        ids = [str(key) for (key,) in rows]
        if prefix in ids or len(ids) == 1:
            return prefix if prefix in ids else ids[0]
        many = "Several sessions on the hub begin with" if ids else "The hub has no session"
        raise SessionNotFound(f"{many} {prefix}.", "See `replyscope sessions list --hub`.")

    async def summarise_session(self, session_id: str) -> SessionSummary:
        """See SessionSummaries."""
        found = await self._summaries("s.id = %s", (session_id, False, 1))
        if not found:
            raise _not_found(session_id)
        return found[0]

    async def list_sessions(
        self,
        *,
        limit: int | None = None,
        pinned_first: bool = False,
        shelf: Shelf = Shelf.LISTED,
    ) -> tuple[SessionSummary, ...]:
        """See SessionStore."""
        return await self._summaries(_SHELVES[shelf], (pinned_first, limit))

    async def _summaries(self, where: str, values: Sequence[object]) -> tuple[SessionSummary, ...]:
        statement = _SUMMARIES.replace("{where}", where)
        rows = await self._reader.read(
            lambda c: c.execute(named(self._schema, statement), values).fetchall()
        )
        return tuple(map(_summary, rows))

    def _load(
        self, connection: Connection, session_id: str
    ) -> tuple[StoredSession, tuple[str, ...]]:
        row = connection.execute(named(self._schema, _OWNER), (session_id,)).fetchone()
        if row is None:
            raise _not_found(session_id)
        owner = row[0]
        rows = connection.execute(named(self._schema, _ENTRIES), (owner, session_id)).fetchall()
        fields: Fields = {}
        messages: dict[str, Message] = {}
        exchanges: dict[str, Exchange] = {}
        for body in map(_body, rows):
            match body:
                case Message():
                    messages[body.id] = body
                case PlacedExchange():
                    exchanges[body.exchange.id] = body.exchange
                case None:
                    continue
                case _:
                    fields = merge_fields(fields, body)
        named_ids = {source.exchange_id for one in messages.values() for source in one.sources}
        missing = sorted(named_ids - set(exchanges))
        for body in map(
            _body, connection.execute(named(self._schema, _EXCHANGES), (owner, missing))
        ):
            if isinstance(body, PlacedExchange):
                exchanges[body.exchange.id] = body.exchange
        session, tags = _session(session_id, fields, messages)
        spent = Spent()
        for exchange in exchanges.values():
            spent = spent.plus(exchange)
        return StoredSession(session, tuple(messages.values()), exchanges, spent), tags


class PostgresLabels(_ReadOnly):
    """The labels of the sessions on a hub. Changes raise StoreReadOnly."""

    async def labels(self, session_ids: Collection[str]) -> tuple[Labels, ...]:
        """See SessionLabels."""
        rows: list[Any] = await self._reader.read(
            lambda c: c.execute(named(self._schema, _LABELS), (list(session_ids),)).fetchall()
        )
        return tuple(Labels(key, pinned, archived, tuple(t)) for key, pinned, archived, t in rows)

    async def tagged(self, name: str) -> tuple[str, ...]:
        """See SessionLabels."""
        statement = f"SELECT id FROM {{schema}}.session WHERE %s = ANY (tags) AND {_VISIBLE}"
        rows = await self._reader.read(
            lambda c: c.execute(named(self._schema, statement), (name,)).fetchall()
        )
        return tuple(str(key) for (key,) in rows)

    async def tags(self) -> tuple[tuple[str, int], ...]:
        """See SessionLabels."""
        statement = (
            "SELECT t, count(*) FROM {schema}.session, unnest(tags) AS t "
            f"WHERE {_VISIBLE} GROUP BY t ORDER BY t"
        )
        rows: list[Any] = await self._reader.read(
            lambda c: c.execute(named(self._schema, statement)).fetchall()
        )
        return tuple((name, number) for name, number in rows)

    async def deleted_before(self, at_ms: int) -> tuple[str, ...]:
        """See Library. None: the hub purges nothing by itself."""
        return ()

    async def has_pending_purge(self) -> bool:
        """See Library."""
        return False


def _not_found(session_id: str) -> SessionNotFound:
    return SessionNotFound(
        f"The hub has no session {session_id} that you may read.",
        "See `replyscope sessions list --hub`.",
    )


def _body(row: Sequence[Any]) -> Body:
    kind, key, session_id, data = row
    entry = HubEntry(0, EntryKind(kind), key, session_id, Stamp(0, 0, ""), unpack(data))
    return read_body(entry)


def _session(
    session_id: str, fields: Fields, messages: Mapping[str, Message]
) -> tuple[Session, tuple[str, ...]]:
    values = {name: one.value for name, one in fields.items()}
    head = values.get(HEAD)
    if head not in messages:
        head = next(reversed(tuple(messages)), None)
    deleted = values.get("deleted_at")
    session = Session(
        session_id,
        values.get("title", ""),
        from_ms(values.get(CREATED, 0)),
        from_ms(values.get(UPDATED, 0)),
        read_settings(fields),
        head,
        bool(values.get("is_title_given")),
        deleted_at=None if deleted is None else from_ms(deleted),
        source=values.get("source", ""),
        client=values.get("client", ""),
    )
    tags = tuple(sorted(name for name, is_on in tags_of_fields(values).items() if is_on))
    return session, tags


def _summary(row: Sequence[Any]) -> SessionSummary:
    key, title, model, created, updated, number, state, tags, pinned, archived, source, client = row
    return SessionSummary(
        key,
        title,
        model,
        from_ms(created or 0),
        from_ms(updated or 0),
        number,
        state or "",
        tuple(tags),
        pinned,
        archived,
        source=source,
        client=client,
    )

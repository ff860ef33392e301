"""Writes the sessions of the review from the stamped fields that machines have sent."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from replyscope.domain.hub_merge import CREATED, HEAD, UPDATED, StampedField
from replyscope.domain.hybrid_clock import MOST_AHEAD_MS
from replyscope.domain.unicode_text import sound
from replyscope.domain.words import words_of
from replyscope.hub.postgres.connecting import Connection, by_column, named

_TAG = "tag:"
_TIMES = ("pinned_at", "archived_at", "deleted_at")
_READ = ("title", "source", "client", HEAD, CREATED, UPDATED, *_TIMES)
Changes = Sequence[tuple[str, Mapping[str, StampedField]]]
"""The stamped fields of sessions, by the id of the session."""
_ENSURE = """
INSERT INTO {schema}.session (id, is_shared) SELECT id, false FROM unnest(%b::text[]) AS n (id)
ON CONFLICT (owner, id) DO NOTHING
"""
_MARK = """
UPDATE {schema}.session AS s SET is_shared = n.is_shared FROM (
    SELECT session_id, bool_and(is_shared) AS is_shared FROM {schema}.entry
    WHERE owner = session_user AND kind = 'session' AND session_id = ANY (%s) GROUP BY session_id
) AS n WHERE s.owner = session_user AND s.id = n.session_id AND s.is_shared <> n.is_shared
"""
"""The fields of a session are merged from all machines, so every machine must share it."""
_PUT_FIELDS = """
INSERT INTO {schema}.session_field AS old
    (session_id, name, value, at_ms, counter, stamped_by)
SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::text[])
ON CONFLICT (owner, session_id, name) DO UPDATE SET
    value = excluded.value, at_ms = excluded.at_ms, counter = excluded.counter,
    stamped_by = excluded.stamped_by
WHERE (excluded.at_ms, excluded.counter, excluded.stamped_by)
    > (old.at_ms, old.counter, old.stamped_by)
"""
_FIELDS = """
SELECT session_id, name, value FROM {schema}.session_field
WHERE owner = session_user AND session_id = ANY (%s)
"""
_UPDATE = f"""
UPDATE {{schema}}.session AS s SET
    title = n.title, title_words = n.title_words, source = n.source, client = n.client,
    head_id = n.head_id, pinned_at = n.pinned_at, archived_at = n.archived_at,
    deleted_at = n.deleted_at, tags = string_to_array(n.tags, chr(31)),
    created_at = coalesce(n.created_at, s.created_at),
    updated_at = CASE
        WHEN n.updated_at IS NULL OR n.updated_at <= now_ms + {MOST_AHEAD_MS} THEN n.updated_at
        ELSE coalesce(s.updated_at, least(n.updated_at, now_ms)) END
FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms) AS clock, unnest(
    %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[],
    %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::text[]
) AS n (id, title, title_words, source, client, head_id, pinned_at, archived_at, deleted_at,
        created_at, updated_at, tags)
WHERE s.owner = session_user AND s.id = n.id
"""
"""A last change that lies far ahead of the server's clock is left out, as in `credible`."""


def storable(text: str) -> str:
    """The text as PostgreSQL can store it: without lone surrogates and NUL."""
    if text.isascii() and "\0" not in text:
        return text
    return sound(text).replace("\0", "\ufffd")


def ensure_sessions(connection: Connection, schema: str, session_ids: Collection[str]) -> None:
    """Add rows for sessions that have none."""
    if session_ids:
        connection.execute(named(schema, _ENSURE), (sorted(session_ids),))


def mark_sessions(connection: Connection, schema: str, session_ids: Collection[str]) -> None:
    """Set whether the team reads sessions, by the entries that were pushed."""
    if session_ids:
        connection.execute(named(schema, _MARK), (sorted(session_ids),))


def put_changes(connection: Connection, schema: str, changes: Changes) -> None:
    """Merge the fields of sessions, the later stamp wins, and update their rows."""
    if not changes:
        return
    columns = by_column(_newest(changes))
    if columns:
        connection.execute(named(schema, _PUT_FIELDS), columns)
    rows = by_column(map(_row, _merged(connection, schema, changes)))
    if rows:
        connection.execute(named(schema, _UPDATE), rows)


def _newest(changes: Changes) -> Iterable[tuple[object, ...]]:
    """One row for each field: a statement cannot change a row twice."""
    found: dict[tuple[str, str], StampedField] = {}
    for session_id, fields in changes:
        for name, stamped in fields.items():
            if name in _READ or name.startswith(_TAG):
                key = (session_id, storable(name))
                old = found.get(key)
                if old is None or stamped.stamp > old.stamp:
                    found[key] = stamped
    for key, one in found.items():
        stamp = one.stamp
        yield (*key, json.dumps(one.value), stamp.at_ms, stamp.counter, stamp.machine)


def _merged(
    connection: Connection, schema: str, changes: Changes
) -> list[tuple[str, dict[str, Any]]]:
    """The fields of the changed sessions, after merging."""
    found: dict[str, dict[str, Any]] = {session_id: {} for session_id, _ in changes}
    rows = connection.execute(named(schema, _FIELDS), (sorted(found),))
    for key, name, value in rows:
        found[str(key)][str(name)] = json.loads(str(value))
    return list(found.items())


def _row(session: tuple[str, Mapping[str, Any]]) -> tuple[object, ...]:
    key, fields = session
    title = _text(fields.get("title"))
    tags = sorted(name.removeprefix(_TAG) for name, on in fields.items() if _is_tag(name, on))
    head = fields.get(HEAD)
    return (
        key,
        title,
        f" {' '.join(words_of(title))} ",
        _text(fields.get("source")),
        _text(fields.get("client")),
        head if isinstance(head, str) else None,
        *(_time(fields.get(name)) for name in (*_TIMES, CREATED, UPDATED)),
        "\x1f".join(tags),
    )


def _is_tag(name: str, value: object) -> bool:
    return name.startswith(_TAG) and value is True


def _text(value: object) -> str:
    return storable(value) if isinstance(value, str) else ""


def _time(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and abs(value) < 1e18 else None

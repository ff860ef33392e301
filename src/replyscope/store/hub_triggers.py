"""The triggers that note every change of a saved session for the hub.

SQLite runs them in the transaction of the change, so no code path of any process is missed. They
exist only while the archive takes part in a hub. Changes from the hub are not noted:
`hub.is_applying` is 1 within the transaction that applies them.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from replyscope.store.hub_tables import takes_part

_IS_OURS = "(SELECT is_applying FROM hub) = 0"
_IS_KEPT = "EXISTS (SELECT 1 FROM session WHERE id = {session})"
_IS_LIVE = "NOT EXISTS (SELECT 1 FROM hub_purged WHERE session_id = {session})"

TICK = """
UPDATE hub SET counter = CASE WHEN hub_now() > at_ms THEN 0 ELSE counter + 1 END,
    at_ms = max(at_ms, hub_now())
"""
"""Advances the clock: see `domain/hybrid_clock.py`."""

_UPSERT = """ON CONFLICT ({keys}) DO UPDATE SET
    at_ms = max(excluded.at_ms, at_ms),
    counter = CASE WHEN excluded.at_ms > at_ms THEN excluded.counter
        ELSE max(excluded.counter, counter) + 1 END,
    machine = excluded.machine{more}"""


def stamp_fields(session: str, names: str, value: str = "NULL") -> str:
    """The SQL that gives fields of a session the time of the clock, or a later time than their
    last change. `names` is a SELECT of one column `name`.
    """
    upsert = _UPSERT.format(keys="session_id, name", more=", value = excluded.value")
    return f"""
INSERT INTO hub_field
SELECT {session}, n.name, max(hub.at_ms, coalesce(b.at_ms, 0)),
    CASE WHEN b.at_ms IS NULL OR hub.at_ms > b.at_ms THEN hub.counter ELSE b.counter + 1 END,
    hub.machine, {value}
FROM hub JOIN ({names}) n
LEFT JOIN hub_field b ON b.session_id = {session} AND b.name = ''
WHERE true {upsert}
"""


def _stamp_item(key: str) -> str:
    upsert = _UPSERT.format(keys="id", more="")
    return (
        f"INSERT INTO hub_item SELECT {key}, at_ms, counter, machine FROM hub WHERE true {upsert}"
    )


def pend(kind: str, key: str, session: str) -> str:
    """The SQL that queues an entry. Not INSERT OR REPLACE: in a trigger the conflict clause of
    the outer statement would replace it.
    """
    return (
        f"DELETE FROM hub_pending WHERE kind = '{kind}' AND id = {key};\n"
        f"INSERT INTO hub_pending (kind, id, session_id) VALUES ('{kind}', {key}, {session})"
    )


def _trigger(name: str, event: str, when: str, *statements: str) -> str:
    body = "".join(f"{one.strip()};\n" for one in statements)
    return f"CREATE TRIGGER IF NOT EXISTS hub_{name} {event} WHEN {when} BEGIN\n{body}END"


def _field(name: str, columns: tuple[str, ...], names: str) -> str:
    """A trigger that stamps fields when one of their columns changes."""
    changed = " OR ".join(f"OLD.{one} IS NOT NEW.{one}" for one in columns)
    return _trigger(
        name,
        f"AFTER UPDATE OF {', '.join(columns)} ON session",
        f"{_IS_OURS} AND ({changed}) AND {_IS_LIVE.format(session='NEW.id')}",
        TICK,
        stamp_fields("NEW.id", names),
        pend("session", "NEW.id", "NEW.id"),
    )


def _tag(name: str, event: str, *rows: str) -> str:
    session = f"{rows[0]}.session_id"
    names = " UNION ALL ".join(f"SELECT 'tag:' || {row}.name AS name" for row in rows)
    return _trigger(
        name,
        f"AFTER {event} ON tag",
        f"{_IS_OURS} AND {_IS_KEPT.format(session=session)} AND {_IS_LIVE.format(session=session)}",
        TICK,
        stamp_fields(session, names),
        pend("session", session, session),
    )


_NEW_LIVE = f"{_IS_OURS} AND {_IS_LIVE.format(session='NEW.session_id')}"
_ENDED = "NEW.writer IS NULL"
_SHARED_WITH_OTHERS = """
SELECT e.id FROM exchange e JOIN source s ON s.exchange_id = e.id
JOIN message m ON m.id = s.message_id WHERE m.session_id = OLD.id AND e.session_id <> OLD.id
"""

_TRIGGERS: dict[str, str] = {
    "session_new": _trigger(
        "session_new",
        "AFTER INSERT ON session",
        f"{_IS_OURS} AND {_IS_LIVE.format(session='NEW.id')}",
        TICK,
        "DELETE FROM hub_field WHERE session_id = NEW.id",
        "INSERT INTO hub_field SELECT NEW.id, '', at_ms, counter, machine, NULL FROM hub",
        pend("session", "NEW.id", "NEW.id"),
    ),
    "session_title": _field(
        "session_title",
        ("title", "is_title_given"),
        "SELECT 'title' AS name UNION ALL SELECT 'is_title_given'",
    ),
    **{
        f"session_{column}": _field(f"session_{column}", (column,), f"SELECT '{column}' AS name")
        for column in ("head_id", "deleted_at", "pinned_at", "archived_at", "source", "client")
    },
    "session_updated": _trigger(
        "session_updated",
        "AFTER UPDATE OF updated_at ON session",
        f"{_IS_OURS} AND OLD.updated_at IS NOT NEW.updated_at"
        f" AND {_IS_LIVE.format(session='NEW.id')}",
        pend("session", "NEW.id", "NEW.id"),
    ),
    "session_settings": _field(
        "session_settings",
        ("settings",),
        "SELECT value AS name FROM json_each(hub_changed_settings(OLD.settings, NEW.settings))",
    ),
    "tag_new": _tag("tag_new", "INSERT", "NEW"),
    "tag_gone": _tag("tag_gone", "DELETE", "OLD"),
    "tag_renamed": _tag("tag_renamed", "UPDATE OF name", "NEW", "OLD"),
    "message_new": _trigger(
        "message_new",
        "AFTER INSERT ON message",
        _NEW_LIVE,
        pend("message", "NEW.id", "NEW.session_id"),
    ),
    "message_changed": _trigger(
        "message_changed",
        "AFTER UPDATE OF parts ON message",
        f"{_NEW_LIVE} AND OLD.parts IS NOT NEW.parts",
        TICK,
        _stamp_item("NEW.id"),
        pend("message", "NEW.id", "NEW.session_id"),
    ),
    "message_gone": _trigger(
        "message_gone",
        "AFTER DELETE ON message",
        "true",
        "DELETE FROM hub_item WHERE id = OLD.id",
    ),
    "source_new": _trigger(
        "source_new",
        "AFTER INSERT ON source",
        _IS_OURS,
        "DELETE FROM hub_pending WHERE kind = 'message' AND id = NEW.message_id",
        "INSERT INTO hub_pending (kind, id, session_id) "
        "SELECT 'message', id, session_id FROM message WHERE id = NEW.message_id",
    ),
    "exchange_new": _trigger(
        "exchange_new",
        "AFTER INSERT ON exchange",
        f"{_NEW_LIVE} AND {_ENDED}",
        pend("exchange", "NEW.id", "NEW.session_id"),
    ),
    "exchange_ended": _trigger(
        "exchange_ended",
        "AFTER UPDATE OF writer, folded, session_id ON exchange",
        f"{_NEW_LIVE} AND {_ENDED} AND (OLD.writer IS NOT NULL "
        "OR OLD.folded IS NOT NEW.folded OR OLD.session_id IS NOT NEW.session_id)",
        pend("exchange", "NEW.id", "NEW.session_id"),
    ),
    "exchange_changed": _trigger(
        "exchange_changed",
        "AFTER UPDATE OF folded ON exchange",
        f"{_NEW_LIVE} AND {_ENDED} AND OLD.writer IS NULL AND OLD.folded IS NOT NEW.folded",
        TICK,
        _stamp_item("NEW.id"),
    ),
    "exchange_gone": _trigger(
        "exchange_gone",
        "AFTER DELETE ON exchange",
        "true",
        "DELETE FROM hub_item WHERE id = OLD.id",
    ),
    "session_going": _trigger(
        "session_going",
        "BEFORE DELETE ON session",
        _IS_OURS,
        f"DELETE FROM hub_pending WHERE kind = 'exchange' AND id IN ({_SHARED_WITH_OTHERS})",
        "INSERT INTO hub_pending (kind, id, session_id) SELECT 'exchange', id, session_id "
        f"FROM exchange WHERE id IN ({_SHARED_WITH_OTHERS})",
    ),
    "session_gone": _trigger(
        "session_gone",
        "AFTER DELETE ON session",
        "true",
        "INSERT OR IGNORE INTO hub_purged VALUES (OLD.id)",
        "DELETE FROM hub_field WHERE session_id = OLD.id",
        "DELETE FROM hub_waiting WHERE session_id = OLD.id",
        "DELETE FROM hub_pending WHERE session_id = OLD.id",
        "INSERT INTO hub_pending (kind, id, session_id) SELECT 'purge', session_id, session_id "
        "FROM hub_left WHERE session_id = OLD.id",
    ),
}


def create_triggers(connection: sqlite3.Connection) -> None:
    """Note every change from now on."""
    for statement in _TRIGGERS.values():
        connection.execute(statement)


def drop_triggers(connection: sqlite3.Connection) -> None:
    """Note nothing any more. Triggers of other versions are dropped too."""
    for name in _present(connection):
        quoted = name.replace('"', '""')
        connection.execute(f'DROP TRIGGER "{quoted}"')


def renew_triggers(connection: sqlite3.Connection) -> None:
    """Replace the triggers of another version, in a transaction of its own.

    Their text may change without a migration only if what they write stays the same: an older
    program that opens the file replaces them by its own.
    """
    if _present(connection) == _wanted(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        drop_triggers(connection)
        if takes_part(connection):
            create_triggers(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _wanted(connection: sqlite3.Connection) -> dict[str, str]:
    if not takes_part(connection):
        return {}
    return {f"hub_{name}": _saved(text) for name, text in _TRIGGERS.items()}


def _saved(statement: str) -> str:
    """The text of a trigger as SQLite saves it."""
    return statement.replace(" IF NOT EXISTS", "", 1)


def _present(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'hub_*'"
        ).fetchall()
    )


@contextmanager
def unnoted(connection: sqlite3.Connection) -> Iterator[None]:
    """Changes within are not noted. After an error the transaction is rolled back."""
    connection.execute("UPDATE hub SET is_applying = 1")
    yield
    connection.execute("UPDATE hub SET is_applying = 0")

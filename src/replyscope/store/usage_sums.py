"""Sums of the figures of all replies by day and by set of names, kept as replies are indexed.

`usage_sum` has a row for each day, in local time, and for each set of names (`cells`). `time_sum`
counts its replies by their times, which have two significant digits there: a percentile of rounded
times is the percentile, rounded. `origin_sum` counts replies and sessions by where they come from.
Triggers keep them, so that no way to move, delete, restore or purge can miss one. Only new replies
are added by the one writer of the index, many at once: a trigger for each took a sixth of the time
of indexing. Replies of deleted sessions are not part, nor are replies that an older version indexed
and that have no set of names yet.
"""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any

from replyscope.domain.fact_columns import ASKED
from replyscope.domain.query_fields import PART
from replyscope.domain.search import TimeCount, UsageSum, names_of_figures
from replyscope.store.cells import names_in
from replyscope.store.local_days import DAY
from replyscope.store.shards import has_earlier

CLIENT = f"substr(client, 1, instr(client || '{PART}', '{PART}') - 1)"
"""The name of a watched program, without its command."""
_MOST_TOKENS = 10**12
"""The most tokens of a reply that count: sums of any numbers would overflow."""
_SUMS = {
    "replies": "1",
    "errors": "{0}.marks LIKE '% error %'",
    "input": f"min(coalesce({{0}}.input, 0), {_MOST_TOKENS})",
    "output": f"min(coalesce({{0}}.output, 0), {_MOST_TOKENS})",
    "unmetered": "{0}.output IS NULL",
    "reported_usd": "iif({0}.is_reported, coalesce({0}.cost, 0), 0)",
    "estimated_usd": "iif({0}.is_reported, 0, coalesce({0}.cost, 0))",
    "reported": "{0}.cost IS NOT NULL AND {0}.is_reported",
    "estimated": "{0}.cost IS NOT NULL AND NOT {0}.is_reported",
    "unpriced": "{0}.cost IS NULL",
}
_KINDS = {"day": DAY.format("{0}.started_at"), "cell": "{0}.cell"}
_TIMES = ("ttft", "duration")
_COLUMNS = ", ".join(_SUMS)
_ZONE = "zone"
_INDEXED = "f.cell IS NOT NULL AND"


def _rounded(value: str) -> str:
    """SQL of a time with two significant digits: replies of about the same time share a row."""
    return f"CAST(printf('%.1e', {value}) AS REAL)"


def _usage_of_one(row: str, sign: str) -> str:
    """SQL that adds a row of `fact` to the sums, or subtracts it."""
    values = ", ".join(f"{sign}({sql.format(row)})" for sql in _SUMS.values())
    return _usage([f"SELECT '{kind}', {key.format(row)}, {values}" for kind, key in _KINDS.items()])


def _usage_of_many(source: str, sign: str = "+") -> str:
    """SQL that adds all rows `f` of a source, or subtracts them."""
    values = ", ".join(f"{sign}sum({sql.format('f')})" for sql in _SUMS.values())
    return _usage(
        [
            f"SELECT '{kind}', {key.format('f')}, {values} {source} GROUP BY 2"
            for kind, key in _KINDS.items()
        ]
    )


def _usage(selects: Sequence[str]) -> str:
    sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
    return _upserts("usage_sum", [_filtered(one) for one in selects], "kind, name", sums)


def _times_of_one(row: str, sign: str) -> str:
    return _times(
        [
            f"SELECT '{kind}', {key.format(row)}, '{time}', {_rounded(f'{row}.{time}')}, {sign}1 "
            f"WHERE {row}.{time} IS NOT NULL"
            for kind, key in _KINDS.items()
            for time in _TIMES
        ]
    )


def _times_of_many(source: str, sign: str = "+") -> str:
    return _times(
        [
            f"SELECT '{kind}', {key.format('f')}, '{time}', {_rounded(f'f.{time}')}, "
            f"{sign}count(*) {source} AND f.{time} IS NOT NULL GROUP BY 2, 4"
            for kind, key in _KINDS.items()
            for time in _TIMES
        ]
    )


def _times(selects: Sequence[str]) -> str:
    return _upserts(
        "time_sum", selects, "kind, name, measure, value", "replies = replies + excluded.replies"
    )


def _origin_of_one(session_id: str, fact_id: str, sign: str) -> str:
    """SQL that counts a reply of a session, and the session if it has no other one."""
    others = (
        f"SELECT 1 FROM fact f WHERE {_INDEXED} f.session_id = session.id AND f.id <> {fact_id}"
    )
    return _origins(
        f"SELECT source, {CLIENT}, {sign}1, {sign}(NOT EXISTS ({others})) "
        f"FROM session WHERE id = {session_id}"
    )


def _origin_of_many(source: str, sign: str = "+", counted: str = "f.session_id") -> str:
    """SQL that counts all rows `f` of a source, and their sessions as far as they are `counted`."""
    return _origins(
        f"SELECT source, {CLIENT}, {sign}count(*), {sign}count(DISTINCT {counted}) "
        f"{source} GROUP BY 1, 2"
    )


def _origins(select: str) -> str:
    return _upserts(
        "origin_sum",
        [select],
        "source, client",
        "replies = replies + excluded.replies, sessions = sessions + excluded.sessions",
    )


def _filtered(select: str) -> str:
    """SQLite needs a WHERE to tell ON CONFLICT from the condition of a join."""
    return select if " WHERE " in select else f"{select} WHERE true"


def _upserts(table: str, selects: Sequence[str], key: str, sums: str) -> str:
    return "\n".join(
        f"INSERT INTO {table} {select} ON CONFLICT ({key}) DO UPDATE SET {sums};"
        for select in selects
    )


def _one(row: str, sign: str, fact_id: str) -> str:
    """SQL that adds or subtracts a row of `fact`; other rows than `fact_id` are still there."""
    return "\n".join(
        (
            _usage_of_one(row, sign),
            _times_of_one(row, sign),
            _origin_of_one(f"{row}.session_id", fact_id, sign),
        )
    )


def _many(condition: str, sign: str = "+", counted: str = "f.session_id") -> str:
    """SQL that adds or subtracts all replies of sessions."""
    source = f"FROM fact f JOIN session ON session.id = f.session_id WHERE {_INDEXED} {condition}"
    return "\n".join(
        (
            _usage_of_many(source, sign),
            _times_of_many(source, sign),
            _origin_of_many(source, sign, counted),
        )
    )


def _is_counted(session_id: str) -> str:
    return f"EXISTS (SELECT 1 FROM session WHERE id = {session_id} AND deleted_at IS NULL)"


_GIVEN = "(SELECT value FROM json_each(?))"
_NEW_SESSION = (
    f"iif(EXISTS (SELECT 1 FROM fact o WHERE o.session_id = f.session_id AND o.cell IS NOT NULL "
    f"AND o.id NOT IN {_GIVEN}), NULL, f.session_id)"
)
"""The session of a new reply, unless it has replies that are not new."""
_NEW = _many(f"session.deleted_at IS NULL AND f.id IN {_GIVEN}", "+", _NEW_SESSION).splitlines()
_MOVED = "NEW.source IS NOT OLD.source OR NEW.client IS NOT OLD.client"
USAGE_TABLES = f"""
CREATE TABLE usage_sum (
    kind TEXT NOT NULL,
    name ANY NOT NULL,
    {", ".join(f"{name} ANY NOT NULL" for name in _SUMS)},
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
"""
_EARLIER_TRIGGERS = ("new", "removed", "moved_from", "moved_to", "hidden", "restored", "session")
"""They kept fewer sums."""
KEPT_SUMS = f"""
{chr(10).join(f"DROP TRIGGER IF EXISTS usage_of_{name};" for name in _EARLIER_TRIGGERS)}
DELETE FROM usage_sum;
DELETE FROM note WHERE name = '{_ZONE}';
CREATE TABLE time_sum (
    kind TEXT NOT NULL,
    name ANY NOT NULL,
    measure TEXT NOT NULL,
    value REAL NOT NULL,
    replies INTEGER NOT NULL,
    PRIMARY KEY (kind, name, measure, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE origin_sum (
    source TEXT NOT NULL,
    client TEXT NOT NULL,
    replies INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    PRIMARY KEY (source, client)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER usage_of_removed AFTER DELETE ON fact
WHEN OLD.cell IS NOT NULL AND {_is_counted("OLD.session_id")}
BEGIN
{_one("OLD", "-", "OLD.id")}
END;
CREATE TRIGGER usage_of_moved_from AFTER UPDATE OF session_id ON fact
WHEN OLD.cell IS NOT NULL AND {_is_counted("OLD.session_id")}
BEGIN
{_one("OLD", "-", "OLD.id")}
END;
CREATE TRIGGER usage_of_moved_to AFTER UPDATE OF session_id ON fact
WHEN NEW.cell IS NOT NULL AND {_is_counted("NEW.session_id")}
BEGIN
{_one("NEW", "+", "NEW.id")}
END;
CREATE TRIGGER usage_before_change BEFORE UPDATE OF deleted_at, source, client ON session
WHEN OLD.deleted_at IS NULL AND (NEW.deleted_at IS NOT NULL OR {_MOVED})
BEGIN
{_many("session.id = OLD.id", "-")}
END;
CREATE TRIGGER usage_after_change AFTER UPDATE OF deleted_at, source, client ON session
WHEN NEW.deleted_at IS NULL AND (OLD.deleted_at IS NOT NULL OR {_MOVED})
BEGIN
{_many("session.id = NEW.id")}
END;
CREATE TRIGGER usage_of_session BEFORE DELETE ON session
WHEN OLD.deleted_at IS NULL
BEGIN
{_many("session.id = OLD.id", "-")}
END;
"""


SUMS_OF_NEW = "DROP TRIGGER IF EXISTS usage_of_new;"
"""New replies are many after an import; `add_to_sums` adds them together."""


def add_to_sums(connection: sqlite3.Connection, fact_ids: Sequence[int]) -> None:
    """Add replies that were just indexed to the sums. All other changes are the triggers' work."""
    given = json.dumps(fact_ids)
    for statement in _NEW:
        connection.execute(statement, (given,) * statement.count("?"))


def local_zone() -> str:
    """A text that changes with the time zone, by which the days are counted."""
    return f"{time.timezone} {time.altzone} {' '.join(time.tzname)}"


def keep_zone(connection: sqlite3.Connection) -> None:
    """Compute the sums again if the time zone of this machine changed, which moves days."""
    row = connection.execute("SELECT value FROM note WHERE name = ?", (_ZONE,)).fetchone()
    if row is not None and row[0] == local_zone():
        return
    connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (_ZONE, local_zone()))
    for table in ("usage_sum", "time_sum", "origin_sum"):
        connection.execute(f"DELETE FROM {table}")
    for statement in _many("session.deleted_at IS NULL").splitlines():
        connection.execute(statement)


def are_complete(connection: sqlite3.Connection) -> bool:
    """Whether the sums are those of all replies, by the days of this time zone."""
    row = connection.execute("SELECT value FROM note WHERE name = ?", (_ZONE,)).fetchone()
    return row is not None and row[0] == local_zone() and not has_earlier(connection)


def read_usage(connection: sqlite3.Connection) -> tuple[UsageSum, ...] | None:
    """The sums of all replies by day and by set of names; None if they are not complete."""
    if not are_complete(connection):
        return None
    times = _read_times(connection)
    rows = connection.execute(
        f"SELECT kind, name, {_COLUMNS} FROM usage_sum WHERE replies > 0 ORDER BY kind, name"
    ).fetchall()
    return tuple(_usage_of(connection, row, times) for row in rows)


def _read_times(connection: sqlite3.Connection) -> dict[tuple[str, Any, str], list[TimeCount]]:
    """The times and their numbers of replies, by kind, name and measure."""
    found: dict[tuple[str, Any, str], list[TimeCount]] = {}
    for kind, name, measure, value, replies in connection.execute(
        "SELECT kind, name, measure, value, replies FROM time_sum WHERE replies > 0"
    ):
        found.setdefault((kind, name, measure), []).append((value, replies))
    return found


def _usage_of(
    connection: sqlite3.Connection,
    row: Sequence[Any],
    times: Mapping[tuple[str, Any, str], Sequence[TimeCount]],
) -> UsageSum:
    kind, name, *sums = row
    sums += [tuple(times.get((kind, name, measure), ())) for measure in _TIMES]
    if kind == "day":
        return UsageSum(name, None, (), (), (), *sums)
    sql = "SELECT value FROM cell_name WHERE cell = ? AND field = ?"
    (model,) = connection.execute(sql, (name, ASKED)).fetchone() or ("",)
    return UsageSum(None, model, *names_of_figures(names_in(connection, name)), *sums)


def drop_empty_sums(connection: sqlite3.Connection) -> None:
    """Delete the rows that no reply is part of any more."""
    for table in ("usage_sum", "time_sum", "origin_sum"):
        connection.execute(f"DELETE FROM {table} WHERE replies = 0")

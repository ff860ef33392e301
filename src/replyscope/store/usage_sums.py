"""Sums of the figures of all replies by day and by set of names, kept as replies are indexed.

`usage_sum` has a row for each day, in local time, and for each set of names (`cells`). Triggers
keep it, so that no way to index, delete, restore or purge can miss it. Replies of deleted sessions
are not part of it, nor are replies that an older version indexed and that have no set of names yet.
"""

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from replyscope.domain.fact_columns import ASKED
from replyscope.domain.search import UsageSum, names_of_figures
from replyscope.store.cells import names_in
from replyscope.store.local_days import DAY
from replyscope.store.shards import has_earlier

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
_COLUMNS = ", ".join(_SUMS)
_ZONE = "zone"


def _added(row: str, sign: str = "+", source: str = "") -> str:
    """SQL that adds a row of `fact`, or subtracts it, or all rows of a source."""
    values = ", ".join(f"{sign}({sql.format(row)})" for sql in _SUMS.values())
    sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
    source = source or "WHERE true"  # SQLite needs it to tell ON CONFLICT from a join
    return "\n".join(
        f"INSERT INTO usage_sum SELECT '{kind}', {key.format(row)}, {values} {source} "
        f"ON CONFLICT (kind, name) DO UPDATE SET {sums};"
        for kind, key in _KINDS.items()
    )


def _is_counted(session_id: str) -> str:
    return f"EXISTS (SELECT 1 FROM session WHERE id = {session_id} AND deleted_at IS NULL)"


_OF_SESSION = "FROM fact f WHERE f.session_id = OLD.id AND f.cell IS NOT NULL"
USAGE_TABLES = f"""
CREATE TABLE usage_sum (
    kind TEXT NOT NULL,
    name ANY NOT NULL,
    {", ".join(f"{name} ANY NOT NULL" for name in _SUMS)},
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER usage_of_new AFTER INSERT ON fact
WHEN NEW.cell IS NOT NULL AND {_is_counted("NEW.session_id")}
BEGIN
{_added("NEW")}
END;
CREATE TRIGGER usage_of_removed AFTER DELETE ON fact
WHEN OLD.cell IS NOT NULL AND {_is_counted("OLD.session_id")}
BEGIN
{_added("OLD", "-")}
END;
CREATE TRIGGER usage_of_moved_from AFTER UPDATE OF session_id ON fact
WHEN OLD.cell IS NOT NULL AND {_is_counted("OLD.session_id")}
BEGIN
{_added("OLD", "-")}
END;
CREATE TRIGGER usage_of_moved_to AFTER UPDATE OF session_id ON fact
WHEN NEW.cell IS NOT NULL AND {_is_counted("NEW.session_id")}
BEGIN
{_added("NEW")}
END;
CREATE TRIGGER usage_of_hidden AFTER UPDATE OF deleted_at ON session
WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL
BEGIN
{_added("f", "-", _OF_SESSION)}
END;
CREATE TRIGGER usage_of_restored AFTER UPDATE OF deleted_at ON session
WHEN OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL
BEGIN
{_added("f", "+", _OF_SESSION)}
END;
CREATE TRIGGER usage_of_session BEFORE DELETE ON session
WHEN OLD.deleted_at IS NULL
BEGIN
{_added("f", "-", _OF_SESSION)}
END;
"""


def local_zone() -> str:
    """A text that changes with the time zone, by which the days are counted."""
    return f"{time.timezone} {time.altzone} {' '.join(time.tzname)}"


def keep_zone(connection: sqlite3.Connection) -> None:
    """Compute the sums again if the time zone of this machine changed, which moves days."""
    row = connection.execute("SELECT value FROM note WHERE name = ?", (_ZONE,)).fetchone()
    if row is not None and row[0] == local_zone():
        return
    connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (_ZONE, local_zone()))
    connection.execute("DELETE FROM usage_sum")
    sums = ", ".join(f"sum({sql.format('f')})" for sql in _SUMS.values())
    for kind, key in _KINDS.items():
        connection.execute(
            f"INSERT INTO usage_sum SELECT '{kind}', {key.format('f')}, {sums} FROM fact f "
            f"WHERE f.cell IS NOT NULL AND {_is_counted('f.session_id')} GROUP BY 2"
        )


def read_usage(connection: sqlite3.Connection) -> tuple[UsageSum, ...] | None:
    """The sums of all replies by day and by set of names; None if they are not complete."""
    row = connection.execute("SELECT value FROM note WHERE name = ?", (_ZONE,)).fetchone()
    if row is None or row[0] != local_zone() or has_earlier(connection):
        return None
    rows = connection.execute(
        f"SELECT kind, name, {_COLUMNS} FROM usage_sum WHERE replies > 0 ORDER BY kind, name"
    ).fetchall()
    return tuple(_usage(connection, row) for row in rows)


def _usage(connection: sqlite3.Connection, row: Sequence[Any]) -> UsageSum:
    kind, name, *sums = row
    if kind == "day":
        return UsageSum(name, None, (), (), (), *sums)
    sql = "SELECT value FROM cell_name WHERE cell = ? AND field = ?"
    (model,) = connection.execute(sql, (name, ASKED)).fetchone() or ("",)
    return UsageSum(None, model, *names_of_figures(names_in(connection, name)), *sums)

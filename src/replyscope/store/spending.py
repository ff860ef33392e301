"""The costs of a day, the requests that still run, and the costs of purged sessions.

Processes share a day's limit, so a request is reserved and the others are counted in one
transaction. A reservation ends with the request; one of a process that died is deleted.
"""

import sqlite3
from collections.abc import Callable
from datetime import date, datetime, timedelta

from replyscope.domain.json_values import to_ms
from replyscope.domain.spending import Committed, Reservation
from replyscope.store.database import Database
from replyscope.store.hold import Hold
from replyscope.store.sql_functions import LISTED

_LONGEST = timedelta(days=1)
"""The age of a reservation that is deleted although its process lives."""
_KEPT = timedelta(days=2)
"""The time to keep the costs of purged sessions: a limit is for one day, in any time zone."""
_DAY = "date(started_at / 1000, 'unixepoch', 'localtime')"


class SqliteLedger:
    """The costs and reservations in one file. Implements Ledger. `parts` returns the database and
    the lock of this process, which a store that stops saving replaces.
    """

    def __init__(self, parts: Callable[[], tuple[Database, Hold]]) -> None:
        self._parts = parts

    async def reserve(self, wanted: Reservation, since: datetime) -> Committed:
        """See Ledger."""
        database, hold = self._parts()

        def insert(connection: sqlite3.Connection) -> Committed:
            hold.acquire()  # the lock shows that this process is alive
            _drop_dead(connection, hold, to_ms(wanted.made_at - _LONGEST))
            found = _committed(connection, wanted.session_id, since)
            connection.execute(
                "INSERT INTO reservation VALUES (?, ?, ?, ?, ?)",
                (wanted.id, wanted.session_id, wanted.usd, hold.writer, to_ms(wanted.made_at)),
            )
            return found

        return await database.write(insert)

    async def committed(self, session_id: str, since: datetime) -> Committed:
        """See Ledger."""
        return await self._parts()[0].read(lambda c: _committed(c, session_id, since))

    async def release(self, reservation_id: str) -> None:
        """See Ledger."""

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM reservation WHERE id = ?", (reservation_id,))

        await self._parts()[0].write(delete)


def _drop_dead(connection: sqlite3.Connection, hold: Hold, until_ms: int) -> None:
    found = connection.execute("SELECT DISTINCT writer FROM reservation").fetchall()
    dead = [(writer,) for (writer,) in found if not hold.is_alive(writer)]
    connection.executemany("DELETE FROM reservation WHERE writer = ?", dead)
    connection.execute("DELETE FROM reservation WHERE made_at < ?", (until_ms,))


def _committed(connection: sqlite3.Connection, session_id: str, since: datetime) -> Committed:
    here, all_running = connection.execute(
        "SELECT coalesce(sum(usd) FILTER (WHERE session_id = ?), 0.0), coalesce(sum(usd), 0.0) "
        "FROM reservation",
        (session_id,),
    ).fetchone()
    spent = sum(daily_costs(connection, since).values())
    return Committed(day_usd=spent + all_running, session_usd=here)


def daily_costs(connection: sqlite3.Connection, since: datetime) -> dict[date, float]:
    """The cost in US dollars by local day, with that of sessions that were purged lately; days
    without a known cost are left out.
    """
    found = connection.execute(
        f"SELECT day, sum(usd) FROM (SELECT {_DAY} AS day, cost_usd AS usd FROM exchange "
        "WHERE cost_usd IS NOT NULL AND started_at >= ? "
        "UNION ALL SELECT day, usd FROM purged_cost WHERE day >= ?) GROUP BY day",
        (to_ms(since), since.astimezone().date().isoformat()),
    )
    return {date.fromisoformat(day): usd for day, usd in found if day is not None}


def keep_costs(connection: sqlite3.Connection, removed: str, now: datetime) -> None:
    """Keep the costs of the last days of sessions that are removed, by day and nothing else. Their
    ids are a JSON array.
    """
    connection.execute(
        f"INSERT INTO purged_cost SELECT {_DAY} AS day, sum(cost_usd) FROM exchange "
        f"WHERE session_id IN {LISTED} AND cost_usd IS NOT NULL AND started_at >= ? GROUP BY day "
        "HAVING day IS NOT NULL "
        "ON CONFLICT (day) DO UPDATE SET usd = usd + excluded.usd",
        (removed, to_ms(now - _KEPT)),
    )
    oldest = (now - _KEPT).astimezone().date().isoformat()
    connection.execute("DELETE FROM purged_cost WHERE day < ?", (oldest,))
    connection.execute(f"DELETE FROM reservation WHERE session_id IN {LISTED}", (removed,))

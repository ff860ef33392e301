"""Counts the matching replies of a hub by model, ending, tool, source, client, role and day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from replyscope.domain.json_values import from_ms
from replyscope.domain.query_fields import OWN, PART
from replyscope.domain.search import Facets
from replyscope.hub.postgres.connecting import Connection, named
from replyscope.hub.postgres.query_sql import OWNER

MOST_COUNTED, MOST_COUNTED_WITH_WORDS = 100_000, 20_000
"""The most replies that are counted, the newest: all of a large hub take seconds, and words are
compared with each reply.
"""
_MOST = 12
_MOST_DAYS = 31
_NEWEST = "f.started_at DESC, f.exchange_id DESC"
_QUARTER_MS = 900_000
"""Every time zone is a number of quarters of an hour away from UTC."""
_LATEST_MS = 253_370_764_800_000
_COLUMNS = {
    "named": "f.named",
    "model": "f.model",
    "source": f"coalesce(nullif(s.source, ''), '{OWN}')",
    "client": f"split_part(s.client, '{PART}', 1)",
    "by": f"split_part({OWNER}, '{PART}', 1)",
    "machine": "f.machine",
    "quarter": f"greatest(0, least(f.started_at, {_LATEST_MS})) / {_QUARTER_MS}",
    "owner": "f.owner",
    "session_id": "f.session_id",
}
"""What replies are counted by, as expressions over a reply and its session."""
_SETS = (*(column for column in _COLUMNS if column not in ("owner", "session_id")),
         "owner, session_id")  # fmt: skip
_FIELDS = ("finish", "model", "tool", "source", "client", "by", "machine")


def _counted(field: str, value: str, number: str, column: str, more: str = "") -> str:
    """The counts of one column, of the groups in which no other column is set."""
    unset = "".join("0" if name in column.split(", ") else "1" for name in _COLUMNS)
    return (
        f"SELECT '{field}' AS field, {value} AS value, {number} AS number FROM groups{more} "
        f"{'AND' if 'WHERE' in more else 'WHERE'} unset = {int(unset, 2)}"
    )


def _named(field: str) -> str:
    """The counts of the names of one field: a reply may have several."""
    start = len(field) + 2
    names = f", unnest(named) AS n WHERE starts_with(n, '{field}' || chr(31))"
    counted = _counted(field, f"substr(n, {start})", "sum(number)::bigint", "named", names)
    return f"{counted} GROUP BY 2"


_GROUPS = " UNION ALL ".join(
    (
        _counted("total", "''", "number", ""),
        _counted("sessions", "''", "count(*)", "owner, session_id"),
        *map(_named, ("finish", "tool")),
        *(_counted(f, f, "number", f) for f in ("model", "source", "by", "machine")),
        f"{_counted('client', 'client', 'number', 'client')} AND client <> ''",
        _counted("on", "quarter::text", "number", "quarter"),
    )
)


def count_facets(
    connection: Connection,
    schema: str,
    found: tuple[str, str, Sequence[object]],
    most: int,
) -> tuple[Facets, int]:
    """The facets of replies, and the number of matches of words.

    `found` is the query `m` of these matches, of which there are at most `most`, or an empty text
    without words; a FROM clause; and their values.

    One pass over the replies counts them by every column.
    """
    prefix, source, values = found
    selected = ", ".join(f"{expression} AS {name}" for name, expression in _COLUMNS.items())
    sets = ", ".join(f"({one})" for one in _SETS)
    bound = "" if prefix else f" ORDER BY {_NEWEST} LIMIT {int(most)}"
    groups = (
        f"hits AS (SELECT {selected} {source}{bound}), groups AS MATERIALIZED ("
        f"SELECT {', '.join(_COLUMNS)}, GROUPING({', '.join(_COLUMNS)}) AS unset, "
        f"count(*) AS number FROM hits GROUP BY GROUPING SETS ((), {sets}))"
    )
    more = " UNION ALL SELECT 'matches', '', count(*) FROM m" if prefix else ""
    before = f"{prefix}, " if prefix else ""
    rows: list[Any] = connection.execute(
        named(schema, f"WITH {before}{groups} {_GROUPS}{more}"), values
    ).fetchall()
    counts: dict[str, list[tuple[str, int]]] = {}
    for field, value, number in rows:
        counts.setdefault(field, []).append((value, number))
    by_field = [(field, _largest(counts.get(field, []))) for field in _FIELDS]
    days = ("on", _days(counts.get("on", [])))
    total = counts["total"][0][1]
    matches = counts["matches"][0][1] if prefix else 0
    is_bounded = (matches if prefix else total) >= most
    facets = Facets(
        total,
        counts["sessions"][0][1],
        tuple(one for one in (*by_field, days) if _is_shown(*one)),
        bound=most if is_bounded else None,
    )
    return facets, matches


def _largest(found: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(found, key=lambda one: (-one[1], one[0]))[:_MOST])


def _days(quarters: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """The newest local days with their counts."""
    days: dict[str, int] = {}
    for quarter, number in quarters:
        day = _local(int(quarter) * _QUARTER_MS).strftime("%Y-%m-%d")
        days[day] = days.get(day, 0) + number
    return tuple(sorted(days.items(), reverse=True)[:_MOST_DAYS])


def _local(at_ms: int) -> datetime:
    return from_ms(at_ms).astimezone()


def _is_shown(field: str, found: Sequence[tuple[str, int]]) -> bool:
    if field == "source":
        return [name for name, _ in found] != [OWN] and bool(found)
    return bool(found)

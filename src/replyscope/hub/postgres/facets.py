"""Counts the matching replies of a hub by model, ending, tool, source, client, role and day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from replyscope.domain.json_values import from_ms
from replyscope.domain.query_fields import OWN, PART
from replyscope.domain.search import Facets
from replyscope.hub.postgres.connecting import Connection, named
from replyscope.hub.postgres.query_sql import OWNER

_MOST = 12
_MOST_DAYS = 31
_QUARTER_MS = 900_000
"""Every time zone is a number of quarters of an hour away from UTC."""
_LATEST_MS = 253_370_764_800_000
_NAMED = (
    "SELECT '{field}', substr(n, {start}), count(*) FROM hits, unnest(named) AS n "
    "WHERE starts_with(n, '{field}' || chr(31)) GROUP BY 2"
)
_GROUPS = " UNION ALL ".join(
    (
        "SELECT 'total' AS field, '' AS value, count(*) AS number FROM hits",
        "SELECT 'sessions', '', count(*) FROM (SELECT DISTINCT owner, session_id FROM hits) AS d",
        *(_NAMED.format(field=name, start=len(name) + 2) for name in ("finish", "tool")),
        "SELECT 'model', model, count(*) FROM hits GROUP BY model",
        f"SELECT 'source', coalesce(nullif(source, ''), '{OWN}'), count(*) FROM hits GROUP BY 2",
        f"SELECT 'client', split_part(client, '{PART}', 1), count(*) FROM hits "
        "WHERE client <> '' GROUP BY 2",
        "SELECT 'by', by_role, count(*) FROM hits GROUP BY by_role",
        "SELECT 'machine', machine, count(*) FROM hits GROUP BY machine",
        f"SELECT 'on', (greatest(0, least(started_at, {_LATEST_MS})) / {_QUARTER_MS})::text, "
        "count(*) FROM hits GROUP BY 2",
    )
)
_FIELDS = ("finish", "model", "tool", "source", "client", "by", "machine")


def count_facets(
    connection: Connection, schema: str, prefix: str, source: str, values: Sequence[object]
) -> Facets:
    """The facets of the replies of a FROM clause; `prefix` are the queries that it needs."""
    hits = (
        "hits AS MATERIALIZED (SELECT f.owner, f.session_id, f.model, f.machine, f.started_at, "
        f"f.named, s.source, s.client, split_part({OWNER}, '{PART}', 1) AS by_role {source})"
    )
    rows: list[Any] = connection.execute(
        named(schema, f"WITH {prefix} {hits} {_GROUPS}"), values
    ).fetchall()
    counts: dict[str, list[tuple[str, int]]] = {}
    for field, value, number in rows:
        counts.setdefault(field, []).append((value, number))
    by_field = [(field, _largest(counts.get(field, []))) for field in _FIELDS]
    days = ("on", _days(counts.get("on", [])))
    return Facets(
        counts["total"][0][1],
        counts["sessions"][0][1],
        tuple((field, found) for field, found in (*by_field, days) if _is_shown(field, found)),
    )


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

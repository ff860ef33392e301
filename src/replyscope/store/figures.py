"""Reads the figures of the replies that a search found."""

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any

from replyscope.domain.search import ReplyFigures, Search, names_of_figures
from replyscope.store.cells import names_in
from replyscope.store.hits import planned
from replyscope.store.local_days import DAY
from replyscope.store.matches import sources

_COLUMNS = (
    f"f.started_at, f.id, f.cell, {DAY.format('f.started_at')}, f.model, f.marks LIKE '% error %', "
    "f.input, f.output, f.cost, f.is_reported, f.ttft, f.duration"
)
_OWN_NAMES = "SELECT field, value FROM fact_name WHERE fact_id = ?"


def find_figures(connection: sqlite3.Connection, search: Search) -> tuple[ReplyFigures, ...]:
    """The figures of every matching reply, oldest first."""
    plan = planned(connection, search)

    @cache
    def named(cell: int) -> tuple[tuple[str, ...], ...]:
        return names_of_figures(names_in(connection, cell))

    def figures(row: Sequence[Any]) -> ReplyFigures:
        _, number, cell, day, model, is_error, tokens_in, out, cost, is_reported, ttft, took = row
        names = (
            named(cell)
            if cell is not None
            else names_of_figures(connection.execute(_OWN_NAMES, (number,)))
        )
        return ReplyFigures(
            day, model, bool(is_error), tokens_in, out, cost, bool(is_reported), ttft, took, *names
        )

    found: list[tuple[Any, ...]] = []
    for source, values in sources(connection, plan):
        found += connection.execute(f"SELECT {_COLUMNS} {source}", values)
    found.sort(key=lambda row: row[:2])
    return tuple(map(figures, found))

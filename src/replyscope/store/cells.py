"""Sets of names that replies have in common: `cell` has each set once, and `fact` its number.

Many replies have the same model, finish reason, tools and prompts. So names are counted and
compared once for each set, not for each reply.
"""

import json
import sqlite3

from replyscope.domain.fact_columns import ANSWERED, ASKED

Pairs = frozenset[tuple[str, str]]
"""Names as (field, value)."""


def cell_for(connection: sqlite3.Connection, names: Pairs, models: tuple[str, str]) -> int:
    """The number of a set, which is added if it is new. The requested and the answering model are
    part of it.
    """
    pairs = sorted({*names, *zip((ASKED, ANSWERED), models, strict=True)})
    key = json.dumps(pairs)
    sql = "SELECT id FROM cell WHERE names = ?"
    row = connection.execute(sql, (key,)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO cell (names) VALUES (?) RETURNING id", (key,)
        ).fetchone()
        connection.executemany(
            "INSERT INTO cell_name VALUES (?, ?, ?)", [(*pair, row[0]) for pair in pairs]
        )
    return int(row[0])


def names_in(connection: sqlite3.Connection, cell: int | None) -> list[tuple[str, str]]:
    """The names of a set as (field, value), without the models."""
    return connection.execute(
        "SELECT field, value FROM cell_name WHERE cell = ? AND field NOT IN (?, ?)",
        (cell, ASKED, ANSWERED),
    ).fetchall()


def known_names(connection: sqlite3.Connection, field: str) -> set[str]:
    """The names that a field has in some reply; empty ones are left out."""
    columns = {ASKED: "model", ANSWERED: "answered"}
    earlier = (
        f"SELECT {columns[field]} FROM fact WHERE cell IS NULL AND ? <> ''"
        if field in columns
        else "SELECT value FROM fact_name WHERE field = ?"
    )
    rows = connection.execute(
        "SELECT value FROM cell_name WHERE field = ? "
        "AND EXISTS (SELECT 1 FROM fact WHERE fact.cell = cell_name.cell) "
        f"UNION {earlier}",
        (field, field),
    )
    return {name for (name,) in rows if name}


def drop_unused_cells(connection: sqlite3.Connection) -> None:
    """Delete the sets that no reply has."""
    connection.execute(
        "DELETE FROM cell WHERE NOT EXISTS (SELECT 1 FROM fact WHERE fact.cell = cell.id)"
    )


def drop_cells(connection: sqlite3.Connection) -> None:
    """Delete all sets."""
    connection.execute("DELETE FROM cell_name")
    connection.execute("DELETE FROM cell")


def in_cells(fits: str) -> str:
    """SQL: whether a reply `f` has a name that fits a condition, whose values are given twice. An
    older version indexed names as rows of the reply.
    """
    return (
        f"(CASE WHEN f.cell IS NULL THEN f.id IN (SELECT fact_id FROM fact_name WHERE {fits}) "
        f"ELSE f.cell IN (SELECT cell FROM cell_name WHERE {fits}) END)"
    )

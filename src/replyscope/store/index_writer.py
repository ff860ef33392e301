"""Writes entries to the tables of the search index, many at once.

Sets of names, shards and free ids are read once for all entries, and rows are inserted together:
with a statement for each row, half of the time of indexing was between Python and SQLite.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from replyscope.store.cells import Pairs, cell_for
from replyscope.store.fact_ids import IdsInUse
from replyscope.store.index_entry import IndexEntry, indexed_words, pack_texts
from replyscope.store.shards import ShardWriter
from replyscope.store.usage_sums import add_to_sums

_MOST_AT_ONCE = 4_000_000
"""The characters of the texts that are inserted together; a reply may have 64 MB."""


class IndexWriter:
    """Writes entries in one transaction, in which nothing else changes the index."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cells: dict[tuple[Pairs, str, str], int] = {}
        self._ids = IdsInUse(connection)
        self._shards = ShardWriter(connection)

    def write(self, entries: Iterable[IndexEntry]) -> None:
        """Insert entries of exchanges that the index does not have."""
        group: list[IndexEntry] = []
        size = 0
        for entry in entries:
            group.append(entry)
            size += sum(map(len, entry.texts))
            if size > _MOST_AT_ONCE:
                self._insert(group)
                group, size = [], 0
        self._insert(group)

    def _insert(self, entries: Sequence[IndexEntry]) -> None:
        """Insert the rows and the words of some entries, table by table."""
        if not entries:
            return
        fact_ids = self._ids.take_all(map(_started_ms, entries))
        facts = f"INSERT INTO fact (id, cell, {', '.join(entries[0].columns)})"
        rows: dict[str, list[tuple[object, ...]]] = {}
        for fact_id, entry in zip(fact_ids, entries, strict=True):
            self._shards.add(fact_id, indexed_words(entry.texts))
            fact = (fact_id, self._cell_of(entry), *entry.columns.values())
            rows.setdefault(facts, []).append(fact)
            rows.setdefault("INSERT INTO body", []).append((fact_id, pack_texts(entry)))
            for insert, found in (
                ("INSERT OR IGNORE INTO fact_name (fact_id, field, value)", sorted(entry.numbers)),
                ("INSERT INTO choice_text", entry.choices),
                ("INSERT INTO tool_call", entry.calls),
            ):
                if found:
                    rows.setdefault(insert, []).extend((fact_id, *row) for row in found)
        for insert, values in rows.items():
            marks = ", ".join("?" * len(values[0]))
            self._connection.executemany(f"{insert} VALUES ({marks})", values)
        add_to_sums(self._connection, fact_ids)
        self._shards.write()

    def _cell_of(self, entry: IndexEntry) -> int:
        models = (str(entry.columns["model"]), str(entry.columns["answered"]))
        key = (entry.names, *models)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = cell_for(self._connection, entry.names, models)
        return cell


def _started_ms(entry: IndexEntry) -> int:
    started_ms = entry.columns["started_at"]
    assert isinstance(started_ms, int)
    return started_ms

"""Writes entries to the tables of the search index, many at once.

Sets of names, shards and free ids are read once for all entries, and rows are inserted together:
with a statement for each row, half of the time of indexing was between Python and SQLite.
"""

import sqlite3
from collections.abc import Iterable

from replyscope.store.cells import Pairs, cell_for
from replyscope.store.fact_ids import IdsInUse
from replyscope.store.index_entry import IndexEntry, indexed_words, pack_texts
from replyscope.store.shards import ShardWriter

_MOST_AT_ONCE = 4_000_000
"""The characters of the texts that are inserted together; a reply may have 64 MB."""
_BODY = "INSERT INTO body VALUES (?, ?)"
_NAME = "INSERT OR IGNORE INTO fact_name (fact_id, field, value) VALUES (?, ?, ?)"
_CHOICE = "INSERT INTO choice_text VALUES (?, ?, ?)"
_CALL = f"INSERT INTO tool_call VALUES (?{', ?' * 8})"


class IndexWriter:
    """Writes entries in one transaction, in which nothing else changes the index."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cells: dict[tuple[Pairs, str, str], int] = {}
        self._ids = IdsInUse(connection)
        self._shards = ShardWriter(connection)
        self._rows: dict[str, list[tuple[object, ...]]] = {}
        """The rows to insert, by statement."""

    def write(self, entries: Iterable[IndexEntry]) -> None:
        """Insert entries of exchanges that the index does not have."""
        size = 0
        for entry in entries:
            self._add(entry)
            size += sum(map(len, entry.texts))
            if size > _MOST_AT_ONCE:
                size = self._insert_rows()
        self._insert_rows()

    def _add(self, entry: IndexEntry) -> None:
        fact_id = self._insert_fact(entry)
        self._rows.setdefault(_BODY, []).append((fact_id, pack_texts(entry)))
        for sql, rows in (
            (_NAME, sorted(entry.numbers)),
            (_CHOICE, entry.choices),
            (_CALL, entry.calls),
        ):
            if rows:
                self._rows.setdefault(sql, []).extend((fact_id, *row) for row in rows)
        self._shards.add(fact_id, indexed_words(entry.texts))

    def _insert_rows(self) -> int:
        """Insert the rows and the words. Returns the size of what is left: 0."""
        for sql, rows in self._rows.items():
            self._connection.executemany(sql, rows)
        self._rows = {}
        self._shards.write()
        return 0

    def _insert_fact(self, entry: IndexEntry) -> int:
        started_ms = entry.columns["started_at"]
        assert isinstance(started_ms, int)
        fact_id = self._ids.take(started_ms)
        columns = {"id": fact_id, "cell": self._cell_of(entry), **entry.columns}
        self._connection.execute(
            f"INSERT INTO fact ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            tuple(columns.values()),
        )
        return fact_id

    def _cell_of(self, entry: IndexEntry) -> int:
        models = (str(entry.columns["model"]), str(entry.columns["answered"]))
        key = (entry.names, *models)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = cell_for(self._connection, entry.names, models)
        return cell

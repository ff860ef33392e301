"""The full-text tables of the search index. Each has the replies of one range of ids, so of one
span of time: a search for the newest replies reads one or two of them, however many there are.

The ranges are disjoint and cover all ids. A table that is full is not divided; replies before or
after all of its own begin another one.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from operator import itemgetter

from replyscope.domain.values import dataclass
from replyscope.store.fact_ids import FIRST_ID
from replyscope.store.index_tables import create_full_text
from replyscope.store.sqlite_errors import result_code

FULL = 20_000
"""The replies after which a shard is full."""
_END = 1 << 62
_PAGES_AT_ONCE = 500
_COLUMNS = "prompt, text, reasoning, calls"


@dataclass(frozen=True, slots=True)
class Shard:
    """A full-text table and the range of its ids: from `first_id` up to `end_id`, exclusive."""

    number: int
    first_id: int
    end_id: int
    replies: int

    @property
    def table(self) -> str:
        """The name of the table."""
        return f"search_{self.number}"

    @property
    def is_ordered(self) -> bool:
        """Whether ids are in order of time; they are not in the table of older versions."""
        return self.number > 0


def list_shards(connection: sqlite3.Connection) -> tuple[Shard, ...]:
    """The shards, the newest first."""
    found: list[Shard] = []
    end = _END
    for number, first, replies in connection.execute(
        "SELECT number, first_id, replies FROM shard ORDER BY first_id DESC"
    ):
        found.append(Shard(number, first, end, replies))
        end = first
    return tuple(found)


class ShardWriter:
    """Adds the words of new replies to their shards, in one transaction in which nobody else
    changes a shard.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._shards: list[Shard] | None = None
        self._words: dict[int, list[tuple[object, ...]]] = {}
        self._spans: dict[int, tuple[int, int]] = {}
        """The least and the greatest id in a shard that is full."""

    def add(self, fact_id: int, words: Sequence[str]) -> None:
        """Choose the shard of a reply, whose id is not in `fact` yet. A shard is created if needed.
        `write` inserts the words.
        """
        self._words.setdefault(self._shard_for(fact_id).number, []).append((fact_id, *words))

    def write(self) -> None:
        """Insert the words of all replies that were added, whose ids are in `fact` now.

        In the order of their ids: FTS5 writes all that it has collected when an id is smaller than
        the one before.
        """
        for number, rows in self._words.items():
            rows.sort(key=itemgetter(0))
            self._connection.executemany(
                f"INSERT INTO search_{number} (rowid, {_COLUMNS}) VALUES (?, ?, ?, ?, ?)", rows
            )
            _count(self._connection, number, len(rows))
        self._words = {}
        self._shards = None
        self._spans = {}

    def _shard_for(self, fact_id: int) -> Shard:
        if self._shards is None:
            self._shards = list(list_shards(self._connection))
        place, shard = next(
            (found for found in enumerate(self._shards) if found[1].first_id <= fact_id), (0, None)
        )
        if shard is None or not shard.is_ordered:
            return self._create(FIRST_ID)
        if self._has_room(shard):
            return shard
        least, most = self._span(shard)
        if fact_id > most:
            later = self._shards[place - 1] if place else None
            if later is None or not self._has_room(later):
                return self._create(fact_id)
            self._begin_at(later, fact_id)  # replies are often indexed newest first
            return later
        if fact_id < least:
            self._begin_at(shard, least)
            return self._create(shard.first_id)
        return shard

    def _has_room(self, shard: Shard) -> bool:
        return shard.replies + len(self._words.get(shard.number, ())) < FULL

    def _span(self, shard: Shard) -> tuple[int, int]:
        """The least and the greatest id of a full shard; it may get more between them."""
        if shard.number not in self._spans:
            ids = [int(str(row[0])) for row in self._words.get(shard.number, ())]
            sql = "SELECT min(id), max(id) FROM fact WHERE id >= ? AND id < ?"
            row = self._connection.execute(sql, (shard.first_id, shard.end_id)).fetchone()
            ids += [one for one in row if one is not None]
            self._spans[shard.number] = (min(ids), max(ids))
        return self._spans[shard.number]

    def _begin_at(self, shard: Shard, first_id: int) -> None:
        """Move the beginning of a shard over ids that no reply has."""
        self._connection.execute(
            "UPDATE shard SET first_id = ? WHERE number = ?", (first_id, shard.number)
        )
        self._shards = list(list_shards(self._connection))

    def _create(self, first_id: int) -> Shard:
        row = self._connection.execute("SELECT coalesce(max(number), 0) + 1 FROM shard").fetchone()
        number = int(row[0])
        create_full_text(self._connection, f"search_{number}")
        self._connection.execute(
            "INSERT INTO shard (number, first_id) VALUES (?, ?)", (number, first_id)
        )
        self._shards = list(list_shards(self._connection))
        return next(one for one in self._shards if one.number == number)


def remove_words(
    connection: sqlite3.Connection, removed: Sequence[tuple[int, Sequence[str]]]
) -> set[int]:
    """Remove replies; a table without content needs the very words that were added. Returns the
    numbers of the shards.

    The table of older versions keeps the words until it is dropped: they lead to no reply any more.
    """
    shards = list_shards(connection)
    by_shard: dict[int, list[tuple[object, ...]]] = {}
    for fact_id, words in removed:
        number = next(one.number for one in shards if one.first_id <= fact_id)
        by_shard.setdefault(number, []).append((fact_id, *words))
    for number, rows in by_shard.items():
        if number:
            table = f"search_{number}"
            connection.executemany(
                f"INSERT INTO {table} ({table}, rowid, {_COLUMNS}) "
                "VALUES ('delete', ?, ?, ?, ?, ?)",
                rows,
            )
        _count(connection, number, -len(rows))
    return set(by_shard)


def has_earlier(connection: sqlite3.Connection) -> bool:
    """Whether the table of older versions, which may have words of removed replies, is left."""
    return connection.execute("SELECT 1 FROM shard WHERE number = 0").fetchone() is not None


def merge_words(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Rewrite the tables of ordered shards, which deletes the words of removed replies."""
    for number in filter(None, numbers):
        connection.execute(f"INSERT INTO search_{number} (search_{number}) VALUES ('optimize')")


def drop_shards(connection: sqlite3.Connection) -> None:
    """Drop all shards, also damaged ones."""
    for shard in list_shards(connection):
        _drop_table(connection, shard.table)
    connection.execute("DELETE FROM shard")


def has_shards(connection: sqlite3.Connection) -> bool:
    """Whether the tables of this database are of a version that has shards."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'shard'")
    return found.fetchone() is not None


def put_shards(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Replace all shards by empty ones with these numbers."""
    drop_shards(connection)
    for number in numbers:
        create_full_text(connection, f"search_{number}")


def shrink_earlier(connection: sqlite3.Connection) -> bool:
    """Delete a part of the table of older versions, from which all replies were removed, and drop
    it in the end. Returns whether more is left. Dropping a large table at once takes seconds.
    """
    row = connection.execute("SELECT replies FROM shard WHERE number = 0").fetchone()
    if row is None or row[0] > 0:
        return False
    deleted = connection.execute(
        "DELETE FROM search_0_data WHERE id IN "
        "(SELECT id FROM search_0_data ORDER BY id DESC LIMIT ?)",
        (_PAGES_AT_ONCE,),
    )
    if deleted.rowcount == _PAGES_AT_ONCE:
        return True
    _drop_table(connection, "search_0")
    connection.execute("DELETE FROM shard WHERE number = 0")
    return False


def _count(connection: sqlite3.Connection, number: int, change: int) -> None:
    connection.execute("UPDATE shard SET replies = replies + ? WHERE number = ?", (change, number))


def _drop_table(connection: sqlite3.Connection, table: str) -> None:
    try:
        connection.execute(f"DROP TABLE {table}")
    except sqlite3.DatabaseError as error:
        if result_code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR):
            raise
        # A virtual table that is too damaged to be opened can't be dropped.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = ?", (table,))
        connection.execute("PRAGMA writable_schema = RESET")
        for name in ("data", "idx", "docsize", "config"):
            connection.execute(f"DROP TABLE IF EXISTS {table}_{name}")

"""Updates the search index from the exchanges.

A new or changed exchange is queued in `unindexed`. The queue is indexed in small steps, so
that it delays no commit of a reply. The index can be rebuilt from the exchanges.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from replyscope.domain.fact_columns import index_version
from replyscope.domain.facts import Facts
from replyscope.store.cells import drop_cells
from replyscope.store.codec import DAMAGE, decode_exchange
from replyscope.store.fact_ids import FIRST_ID
from replyscope.store.folded import damaged_exchange
from replyscope.store.index_entry import (
    Describe,
    Surroundings,
    entry_of,
    indexed_words,
    read_texts,
    surroundings_of,
)
from replyscope.store.index_writer import IndexWriter
from replyscope.store.shards import drop_shards, remove_words
from replyscope.store.sql_functions import LISTED
from replyscope.store.usage_sums import keep_zone

_DENSITY = 3
"""A saved reply is compressed to about a third."""
_LONG_PROMPT = 8_000_000
"""The characters of a prompt that SQLite does not parse for its pictures: it takes six times the
memory.
"""
_QUEUE = (
    "SELECT u.exchange_id, coalesce(length(e.folded), 0) FROM unindexed u "
    "LEFT JOIN exchange e ON e.id = u.exchange_id ORDER BY e.started_at DESC, u.exchange_id DESC"
)
_SIZES = f"""
SELECT q.exchange_id, coalesce({_DENSITY} * length(e.folded), 0)
+ iif(length(prompt.parts) > {_LONG_PROMPT}, length(prompt.parts), coalesce((
    SELECT sum(length(part.value) - coalesce(length(json_extract(part.value, '$.data')), 0))
    FROM json_each(CASE WHEN json_valid(prompt.parts) THEN prompt.parts ELSE '[]' END) part
), 0))
FROM ({_QUEUE}) q LEFT JOIN exchange e ON e.id = q.exchange_id
LEFT JOIN message m ON m.id = e.message_id LEFT JOIN message prompt ON prompt.id = m.parent_id
WHERE q.exchange_id NOT IN (SELECT value FROM json_each(?)) LIMIT ?
"""
STEP = 200
_STEP_BYTES = 500_000
"""The most replies of a step, and the most bytes of their stored form unless one has more: a reply
that ends meanwhile is saved after the step.
"""
_MOST_WORDS = 4_000_000
"""The characters whose words are removed together."""
_AT_ONCE = 500
"""The ids of one SELECT; SQLite allows 999 parameters in old versions."""


def note_unindexed(connection: sqlite3.Connection, exchange_id: str) -> None:
    """Queue an exchange for indexing."""
    note_all_unindexed(connection, (exchange_id,))


def note_all_unindexed(connection: sqlite3.Connection, exchange_ids: Iterable[str]) -> None:
    """Queue exchanges for indexing."""
    connection.executemany(
        "INSERT OR IGNORE INTO unindexed VALUES (?)", [(one,) for one in exchange_ids]
    )


def note_unindexed_under(connection: sqlite3.Connection, message_id: str | None) -> None:
    """Queue the exchanges of a message: the results of their tool calls have changed."""
    connection.execute(
        "INSERT OR IGNORE INTO unindexed SELECT exchange_id FROM source WHERE message_id = ?",
        (message_id,),
    )


def list_unindexed(connection: sqlite3.Connection) -> list[list[str]]:
    """The queued exchanges, newest first, because a person searches for recent replies. They are
    divided into steps of one transaction each.
    """
    _start_anew_if_old(connection)
    keep_zone(connection)
    steps: list[list[str]] = []
    room = 0
    for exchange_id, size in connection.execute(_QUEUE):
        if not steps or len(steps[-1]) == STEP or size > room:
            steps.append([])
            room = _STEP_BYTES
        steps[-1].append(exchange_id)
        room -= size
    return steps


def newest_unindexed(
    connection: sqlite3.Connection, most: int, without: Collection[str]
) -> list[tuple[str, int]]:
    """The newest queued exchanges with the size of what is indexed, roughly in bytes; none while
    the index is of an older version. Only reads.
    """
    row = connection.execute("SELECT value FROM note WHERE name = 'index'").fetchone()
    if row is not None and row[0] != index_version():
        return []
    return connection.execute(_SIZES, (json.dumps(list(without)), most)).fetchall()


def index_these(
    connection: sqlite3.Connection, describe: Describe, exchange_ids: Sequence[str]
) -> None:
    """Index queued exchanges; skip the ones that another process has indexed meanwhile.

    A damaged exchange is indexed from its row's columns and noted as unreadable.
    """
    marks = ", ".join("?" * len(exchange_ids))
    queued = connection.execute(
        "SELECT u.exchange_id, e.session_id, e.message_id, e.state, e.folded, e.model, "
        "e.started_at FROM unindexed u "
        f"LEFT JOIN exchange e ON e.id = u.exchange_id WHERE u.exchange_id IN ({marks}) "
        "ORDER BY e.started_at DESC",
        tuple(exchange_ids),
    ).fetchall()
    found = [row for row in queued if row[4] is not None]
    forget(connection, [row[0] for row in found])
    around = surroundings_of(connection, [row[0] for row in found])
    IndexWriter(connection).write(
        entry_of(row[:4], _facts_of(connection, describe, row, around[row[0]])) for row in found
    )
    connection.executemany(
        "DELETE FROM unindexed WHERE exchange_id = ?", [(row[0],) for row in queued]
    )
    note_change(connection)


def _facts_of(
    connection: sqlite3.Connection, describe: Describe, row: Sequence[Any], around: Surroundings
) -> Facts:
    exchange_id, _, _, _, folded, model, started_ms = row
    try:
        return describe(decode_exchange(folded), around.prompt, around.results)
    except DAMAGE as error:
        note_unreadable(connection, "reply", exchange_id, type(error).__name__)
        return describe(damaged_exchange(exchange_id, model, started_ms), (), {})


def note_change(connection: sqlite3.Connection) -> None:
    """Count a change of the index, for `stamp`."""
    connection.execute(
        "INSERT INTO note VALUES ('changes', '1') "
        "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
    )


def _start_anew_if_old(connection: sqlite3.Connection) -> None:
    """Clear an index that an older version built, and queue every exchange again."""
    row = connection.execute("SELECT value FROM note WHERE name = 'index'").fetchone()
    version = index_version()
    if row is not None and row[0] == version:
        return
    if row is not None:
        start_anew(connection)
    connection.execute("INSERT OR REPLACE INTO note VALUES ('index', ?)", (version,))


def start_anew(connection: sqlite3.Connection) -> None:
    """Clear the index and queue every exchange that has ended."""
    drop_shards(connection)
    drop_cells(connection)
    for table in (
        "fact",
        "fact_name",
        "body",
        "choice_text",
        "tool_call",
    ):  # a damaged file may have rows without a fact
        connection.execute(f"DELETE FROM {table}")
    connection.execute("DELETE FROM note WHERE name GLOB 'unreadable *'")
    connection.execute(
        "INSERT OR IGNORE INTO unindexed SELECT id FROM exchange WHERE writer IS NULL"
    )


def note_earlier(connection: sqlite3.Connection, most: int) -> int:
    """Queue the newest replies that an older version indexed, whose ids are not in order of time.
    Returns the number of replies that are left after them.
    """
    queued = connection.execute(
        "INSERT OR IGNORE INTO unindexed SELECT exchange_id FROM fact WHERE id < ? "
        "ORDER BY started_at DESC LIMIT ?",
        (FIRST_ID, most),
    ).rowcount
    row = connection.execute("SELECT count(*) FROM fact WHERE id < ?", (FIRST_ID,)).fetchone()
    return max(0, int(row[0]) - queued)


def note_unreadable(connection: sqlite3.Connection, kind: str, name: str, why: str) -> None:
    """Record a row that can't be read, for `doctor`. `why` is the kind of the error: its text may
    quote the row.
    """
    connection.execute(
        "INSERT OR REPLACE INTO note VALUES (?, ?)", (f"unreadable {kind} {name}", why)
    )


def forget(connection: sqlite3.Connection, exchange_ids: Sequence[str]) -> set[int]:
    """Delete exchanges from the index. Returns the numbers of the shards that had their words."""
    shards: set[int] = set()
    for first in range(0, len(exchange_ids), _AT_ONCE):
        some = exchange_ids[first : first + _AT_ONCE]
        rows = connection.execute(
            "SELECT fact.id, texts FROM fact JOIN body ON body.id = fact.id "
            f"WHERE exchange_id IN ({', '.join('?' * len(some))})",
            tuple(some),
        ).fetchall()
        for found in _words_of(connection, rows):
            shards |= remove_words(connection, [one for one in found.items() if one[1]])
            # One statement for all: its triggers and cascades are prepared once.
            connection.execute(f"DELETE FROM fact WHERE id IN {LISTED}", (json.dumps([*found]),))
    return shards


def _words_of(
    connection: sqlite3.Connection, rows: Iterable[tuple[int, bytes]]
) -> Iterator[dict[int, list[str]]]:
    """The words of replies by their ids in the index, in groups that may be in memory together.
    None of a damaged one: they stay in the index, whose number may be used again, until it is
    rebuilt.
    """
    group: dict[int, list[str]] = {}
    size = 0
    for fact_id, packed in rows:
        group[fact_id] = []
        try:
            group[fact_id] = indexed_words(read_texts(connection, fact_id, packed))
        except DAMAGE:
            connection.execute("INSERT OR REPLACE INTO note VALUES ('index', 'damaged')")
        size += sum(map(len, group[fact_id]))
        if size > _MOST_WORDS:
            yield group
            group, size = {}, 0
    yield group

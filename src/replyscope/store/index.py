"""Updates the search index from the exchanges.

A new or changed exchange is queued in `unindexed`. The queue is indexed in small steps, so
that it delays no commit of a reply. The index can be rebuilt from the exchanges.
"""

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import astuple

from replyscope.domain.exchange import Exchange
from replyscope.domain.fact_columns import columns_of, index_version, names_of, rows_of
from replyscope.domain.facts import Facts
from replyscope.domain.json_values import to_ms
from replyscope.domain.message import Part, ToolResultPart
from replyscope.domain.unicode_text import sound
from replyscope.domain.values import dataclass
from replyscope.domain.words import words_of
from replyscope.store.cells import cell_for, drop_cells, names_in
from replyscope.store.codec import DAMAGE, decode_exchange, read_parts
from replyscope.store.connection import stored
from replyscope.store.fact_ids import FIRST_ID, free_id
from replyscope.store.folded import damaged_exchange
from replyscope.store.shards import add_words, drop_shards, remove_words
from replyscope.store.usage_sums import keep_zone

_DENSITY = 3
"""A saved reply is compressed to about a third."""
_LONG_PROMPT = 8_000_000
"""The characters of a prompt that SQLite does not parse for its pictures: it takes six times the
memory.
"""
_QUEUE = (
    "SELECT u.exchange_id FROM unindexed u LEFT JOIN exchange e ON e.id = u.exchange_id "
    "ORDER BY e.started_at DESC, u.exchange_id DESC"
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
Describe = Callable[[Exchange, Iterable[Part], Mapping[str, ToolResultPart]], Facts]
"""Returns the texts and facts by which an exchange can be found."""


def note_unindexed(connection: sqlite3.Connection, exchange_id: str) -> None:
    """Queue an exchange for indexing."""
    connection.execute("INSERT OR IGNORE INTO unindexed VALUES (?)", (exchange_id,))


def note_unindexed_under(connection: sqlite3.Connection, message_id: str | None) -> None:
    """Queue the exchanges of a message: the results of their tool calls have changed."""
    connection.execute(
        "INSERT OR IGNORE INTO unindexed SELECT exchange_id FROM source WHERE message_id = ?",
        (message_id,),
    )


def list_unindexed(connection: sqlite3.Connection) -> list[str]:
    """The queued exchanges, newest first: a person searches for recent replies."""
    _start_anew_if_old(connection)
    keep_zone(connection)
    return [exchange_id for (exchange_id,) in connection.execute(_QUEUE)]


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
    found = connection.execute(
        "SELECT u.exchange_id, e.session_id, e.message_id, e.state, e.folded, e.model, "
        "e.started_at FROM unindexed u "
        f"LEFT JOIN exchange e ON e.id = u.exchange_id WHERE u.exchange_id IN ({marks})",
        tuple(exchange_ids),
    ).fetchall()
    for exchange_id, session_id, message_id, state, folded, model, started_ms in found:
        if folded is not None:
            prompt, results = _around(connection, message_id, exchange_id)
            try:
                facts = describe(decode_exchange(folded), prompt, results)
            except DAMAGE as error:
                note_unreadable(connection, "reply", exchange_id, type(error).__name__)
                facts = describe(damaged_exchange(exchange_id, model, started_ms), (), {})
            forget(connection, [exchange_id])
            keys = (exchange_id, session_id, message_id, state)
            _insert(connection, _entry_of(keys, facts))
        connection.execute("DELETE FROM unindexed WHERE exchange_id = ?", (exchange_id,))
    note_change(connection)


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


def _around(
    connection: sqlite3.Connection, message_id: str, exchange_id: str
) -> tuple[list[Part], dict[str, ToolResultPart]]:
    """The messages since the previous reply, and the results of the tool calls."""
    prompt: list[Part] = []
    parent = message_id
    for _ in range(8):
        row = connection.execute(
            "SELECT m.id, m.role, m.parts FROM message m "
            "JOIN message child ON child.parent_id = m.id WHERE child.id = ?",
            (parent,),
        ).fetchone()
        if row is None or row[1] not in ("user", "aside"):
            break
        parent = row[0]
        prompt = [*read_parts(row[2]), *prompt]
    rows = connection.execute(
        "SELECT parts FROM message WHERE role = 'tool' AND parent_id IN "
        "(SELECT message_id FROM source WHERE exchange_id = ?)",
        (exchange_id,),
    )
    parts = (part for (text,) in rows for part in read_parts(text))
    return prompt, {part.call_id: part for part in parts if isinstance(part, ToolResultPart)}


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """The entry of an exchange in the index: columns of `fact`, names, rows of `fact_name`, texts,
    and the rows of the tables for the SQL views.
    """

    columns: Mapping[str, object]
    names: frozenset[tuple[str, str]]
    numbers: frozenset[tuple[str, str]]
    texts: tuple[str, ...]
    choices: tuple[tuple[object, ...], ...]
    calls: tuple[tuple[object, ...], ...]


def _entry_of(keys: Sequence[str], facts: Facts) -> IndexEntry:
    exchange_id, session_id, message_id, state = keys
    columns = {
        "exchange_id": exchange_id,
        "session_id": session_id,
        "message_id": message_id,
        "started_at": to_ms(facts.started_at),
        "state": state,
        "marks": f" {' '.join(sorted(facts.marks))} ",
        "is_reported": int(facts.is_cost_reported),
        **columns_of(facts),
    }
    texts = (facts.prompt, facts.text, facts.reasoning, facts.calls)
    names = frozenset((sound(field), sound(value)) for field, value in names_of(facts))
    calls = ((place, *map(stored, astuple(call))) for place, call in enumerate(facts.tool_calls))
    return IndexEntry(
        {name: stored(one) for name, one in columns.items()},
        names,
        frozenset(rows_of(facts)),
        texts,
        tuple((index, sound(text)) for index, text in sorted(dict(facts.choices).items())),
        tuple(calls),
    )


def _insert(connection: sqlite3.Connection, entry: IndexEntry) -> None:
    started_ms = entry.columns["started_at"]
    assert isinstance(started_ms, int)
    fact_id = free_id(connection, started_ms)
    models = (str(entry.columns["model"]), str(entry.columns["answered"]))
    columns = {"id": fact_id, "cell": cell_for(connection, entry.names, models), **entry.columns}
    connection.execute(
        f"INSERT INTO fact ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        tuple(columns.values()),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO fact_name VALUES (?, ?, ?)",
        [(field, value, fact_id) for field, value in sorted(entry.numbers)],
    )
    packed = zlib.compress(json.dumps(entry.texts).encode("ascii"), 1)
    connection.execute("INSERT INTO body VALUES (?, ?)", (fact_id, packed))
    add_words(connection, fact_id, _indexed(entry.texts))
    connection.executemany(
        "INSERT INTO choice_text VALUES (?, ?, ?)", [(fact_id, *row) for row in entry.choices]
    )
    connection.executemany(
        f"INSERT INTO tool_call VALUES (?{', ?' * 8})", [(fact_id, *row) for row in entry.calls]
    )


def written_entry(
    connection: sqlite3.Connection, exchange_id: str, describe: Describe
) -> IndexEntry | None:
    """The entry that indexing would write now; None for an exchange that is damaged or gone."""
    row = connection.execute(
        "SELECT session_id, message_id, state, folded FROM exchange WHERE id = ?", (exchange_id,)
    ).fetchone()
    if row is None:
        return None
    session_id, message_id, state, folded = row
    prompt, results = _around(connection, message_id, exchange_id)
    try:
        facts = describe(decode_exchange(folded), prompt, results)
    except DAMAGE:
        return None
    return _entry_of((exchange_id, session_id, message_id, state), facts)


def read_entry(connection: sqlite3.Connection, exchange_id: str) -> IndexEntry | None:
    """The entry that the index has; None without one. Raises one of DAMAGE."""
    cursor = connection.execute("SELECT * FROM fact WHERE exchange_id = ?", (exchange_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    columns = dict(zip((one[0] for one in cursor.description), row, strict=True))
    fact_id, cell = columns.pop("id"), columns.pop("cell")
    rows = connection.execute("SELECT field, value FROM fact_name WHERE fact_id = ?", (fact_id,))
    own = frozenset(map(tuple, rows))
    names = own if cell is None else frozenset(names_in(connection, cell))
    packed = connection.execute("SELECT texts FROM body WHERE id = ?", (fact_id,)).fetchone()
    texts = read_texts(packed[0]) if packed is not None else ()
    choices, calls = (
        tuple(row[1:] for row in connection.execute(sql, (fact_id,)))
        for sql in (
            "SELECT * FROM choice_text WHERE fact_id = ? ORDER BY choice",
            "SELECT * FROM tool_call WHERE fact_id = ? ORDER BY position",
        )
    )
    numbers = own - names
    return IndexEntry(columns, names, numbers, texts, choices, calls)


def _indexed(texts: Sequence[str]) -> list[str]:
    """The texts as SQLite gets them, which divides them at spaces and punctuation. It finds the
    same words in ASCII as `words_of`, so only other texts are divided here.
    """
    return [text if text.isascii() else sound(" ".join(words_of(text))) for text in texts]


def forget(connection: sqlite3.Connection, exchange_ids: Iterable[str]) -> set[int]:
    """Delete exchanges from the index. Returns the numbers of the shards that had their words."""
    shards: set[int] = set()
    for exchange_id in exchange_ids:
        row = connection.execute(
            "SELECT fact.id, texts FROM fact JOIN body ON body.id = fact.id WHERE exchange_id = ?",
            (exchange_id,),
        ).fetchone()
        if row is None:
            continue
        try:
            texts = read_texts(row[1])
        except DAMAGE:
            # The words stay in the index, and the row's number may be used again.
            connection.execute("INSERT OR REPLACE INTO note VALUES ('index', 'damaged')")
        else:
            shards.add(remove_words(connection, row[0], _indexed(texts)))
        connection.execute("DELETE FROM fact WHERE id = ?", (row[0],))
    return shards


def read_texts(packed: bytes) -> tuple[str, ...]:
    """The texts of a body: prompt, text, reasoning and calls."""
    prompt, text, reasoning, calls = json.loads(zlib.decompress(packed))
    return prompt, text, reasoning, calls


def texts_of(packed: bytes) -> tuple[str, ...]:
    """The texts of a body to show; empty when the body is damaged."""
    try:
        return read_texts(packed)
    except DAMAGE:
        return "", "", "", ""

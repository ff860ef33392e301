"""The entry of an exchange in the search index: made from the exchange, or read from the index."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from replyscope.domain.exchange import Exchange
from replyscope.domain.fact_columns import columns_of, names_of, rows_of
from replyscope.domain.facts import CallFacts, Facts
from replyscope.domain.json_values import to_ms
from replyscope.domain.message import Part, ToolResultPart
from replyscope.domain.unicode_text import sound
from replyscope.domain.values import dataclass
from replyscope.domain.words import words_of
from replyscope.store.cells import names_in
from replyscope.store.codec import DAMAGE, decode_exchange, read_parts
from replyscope.store.connection import stored
from replyscope.store.packing import pack, texts_of_list

Describe = Callable[[Exchange, Iterable[Part], Mapping[str, ToolResultPart]], Facts]
"""Returns the texts and facts by which an exchange can be found."""
_PROMPTS = """
WITH RECURSIVE above (exchange_id, depth, id) AS (
    SELECT e.id, 0, m.parent_id FROM exchange e JOIN message m ON m.id = e.message_id
    WHERE e.id IN ({0})
    UNION ALL
    SELECT above.exchange_id, depth + 1, m.parent_id FROM above JOIN message m ON m.id = above.id
    WHERE m.role IN ('user', 'aside') AND depth < 7
)
SELECT exchange_id, m.parts FROM above JOIN message m ON m.id = above.id
WHERE m.role IN ('user', 'aside') ORDER BY depth DESC
"""
_RESULTS = """
SELECT source.exchange_id, m.parts FROM source
JOIN message m ON m.parent_id = source.message_id AND m.role = 'tool'
WHERE source.exchange_id IN ({0}) ORDER BY m.rowid
"""
_NO_TEXTS = ("", "", "", "")
_columns_of_call = attrgetter(*CallFacts.__match_args__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts of the messages since the previous reply, and the results of the tool calls."""

    prompt: Sequence[Part]
    results: Mapping[str, ToolResultPart]


def surroundings_of(
    connection: sqlite3.Connection, exchange_ids: Sequence[str]
) -> dict[str, Surroundings]:
    """What is indexed with each of some exchanges."""
    marks = ", ".join("?" * len(exchange_ids))
    prompts: dict[str, list[Part]] = {}
    results: dict[str, dict[str, ToolResultPart]] = {}
    for exchange_id, text in connection.execute(_PROMPTS.format(marks), tuple(exchange_ids)):
        prompts.setdefault(exchange_id, []).extend(read_parts(text))
    for exchange_id, text in connection.execute(_RESULTS.format(marks), tuple(exchange_ids)):
        parts = (part for part in read_parts(text) if isinstance(part, ToolResultPart))
        results.setdefault(exchange_id, {}).update({part.call_id: part for part in parts})
    return {one: Surroundings(prompts.get(one, ()), results.get(one, {})) for one in exchange_ids}


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


def entry_of(keys: Sequence[str], facts: Facts) -> IndexEntry:
    """The entry for the ids of an exchange, its session and its message, and its state."""
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
    calls = (
        (place, *map(stored, _columns_of_call(call))) for place, call in enumerate(facts.tool_calls)
    )
    return IndexEntry(
        {name: stored(one) for name, one in columns.items()},
        names,
        frozenset(rows_of(facts)),
        texts,
        tuple((index, sound(text)) for index, text in sorted(dict(facts.choices).items())),
        tuple(calls),
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
    around = surroundings_of(connection, [exchange_id])[exchange_id]
    try:
        facts = describe(decode_exchange(folded), around.prompt, around.results)
    except DAMAGE:
        return None
    return entry_of((exchange_id, session_id, message_id, state), facts)


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
    texts = read_texts(connection, fact_id, packed[0]) if packed is not None else ()
    choices, calls = (
        tuple(row[1:] for row in connection.execute(sql, (fact_id,)))
        for sql in (
            "SELECT * FROM choice_text WHERE fact_id = ? ORDER BY choice",
            "SELECT * FROM tool_call WHERE fact_id = ? ORDER BY position",
        )
    )
    numbers = own - names
    return IndexEntry(columns, names, numbers, texts, choices, calls)


def indexed_words(texts: Sequence[str]) -> list[str]:
    """The texts as SQLite gets them, which divides them at spaces and punctuation. It finds the
    same words in ASCII as `words_of`, so only other texts are divided here.
    """
    return [text if text.isascii() else sound(" ".join(words_of(text))) for text in texts]


def pack_texts(entry: IndexEntry) -> bytes:
    """The texts of an entry as a row of `body`. A text that consists of the texts of the choices,
    as nearly every one does, is left out: `choice_text` has it.
    """
    prompt, text, reasoning, calls = entry.texts
    said = None if text == "\n".join(str(row[1]) for row in entry.choices) else text
    return pack(texts_of_list((prompt, said, reasoning, calls)))


def read_texts(connection: sqlite3.Connection, fact_id: int, packed: bytes) -> tuple[str, ...]:
    """The texts of a body: prompt, text, reasoning and calls. Raises one of DAMAGE."""
    prompt, text, reasoning, calls = json.loads(zlib.decompress(packed))
    if text is None:
        rows = connection.execute(
            "SELECT text FROM choice_text WHERE fact_id = ? ORDER BY choice", (fact_id,)
        )
        text = "\n".join(said for (said,) in rows)
    return prompt, text, reasoning, calls


def texts_of(connection: sqlite3.Connection, fact_id: int) -> tuple[str, ...]:
    """The texts of an entry to show; empty when there are none or they are damaged."""
    row = connection.execute("SELECT texts FROM body WHERE id = ?", (fact_id,)).fetchone()
    if row is None:
        return _NO_TEXTS
    try:
        return read_texts(connection, fact_id, row[0])
    except DAMAGE:
        return _NO_TEXTS

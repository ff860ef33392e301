"""Writes the replies and words of the review from the exchanges that machines have sent."""

import json
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from replyscope.domain.exchange import Exchange
from replyscope.domain.fact_columns import columns_of, names_of, rows_of
from replyscope.domain.facts import Facts
from replyscope.domain.hub import EntryKind, HubEntry, Stamp
from replyscope.domain.import_faults import DATA_FAULTS
from replyscope.domain.json_values import to_ms
from replyscope.domain.message import Message, Part, Role, ToolResultPart
from replyscope.hub.postgres.bodies import PlacedExchange, read_body, unpack
from replyscope.hub.postgres.connecting import Connection, by_column, named
from replyscope.hub.postgres.lexemes import Indexed, index_texts
from replyscope.hub.postgres.schema import FIRST_MS, LAST_MS
from replyscope.hub.postgres.sessions import storable
from replyscope.hub.postgres.views import calls_json, choices_json, written_text

Describe = Callable[[Exchange, Iterable[Part], Mapping[str, ToolResultPart]], Facts]
"""Returns the facts of an exchange, of its prompt, and of the results of its tool calls."""
SEPARATOR = "\x1f"
_SLICE = 1_000_000
_ASKING = (Role.USER, Role.ASIDE)
_MOST_ABOVE = 8
"""The most messages of a prompt that are searched, as in the local index."""
_PUT_MESSAGES = """
INSERT INTO {schema}.message
    (id, session_id, parent_id, role, exchange_ids, choices, created_at, said, is_shared)
SELECT n.id, n.session_id, n.parent_id, n.role, string_to_array(n.exchange_ids, chr(31)),
    string_to_array(n.choices, chr(31))::integer[], n.created_at, n.said, n.is_shared
FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[],
    %b::text[], %b::boolean[]
) AS n (id, session_id, parent_id, role, exchange_ids, choices, created_at, said, is_shared)
ON CONFLICT (owner, id) DO UPDATE SET
    session_id = excluded.session_id, parent_id = excluded.parent_id, role = excluded.role,
    exchange_ids = excluded.exchange_ids, choices = excluded.choices,
    created_at = excluded.created_at, said = excluded.said, is_shared = excluded.is_shared
"""
_ABOVE = f"""
WITH RECURSIVE above AS (
    SELECT n.exchange_id, m.parent_id AS id, 0 AS depth
    FROM unnest(%b::text[], %b::text[]) AS n (exchange_id, message_id)
    JOIN {{schema}}.message m ON m.owner = session_user AND m.id = n.message_id
    UNION ALL
    SELECT above.exchange_id, m.parent_id, above.depth + 1
    FROM above JOIN {{schema}}.message m ON m.owner = session_user AND m.id = above.id
    WHERE above.depth < {_MOST_ABOVE} AND m.role IN ('user', 'aside')
)
SELECT above.exchange_id, above.id
FROM above JOIN {{schema}}.message m ON m.owner = session_user AND m.id = above.id
WHERE m.role IN ('user', 'aside') AND above.depth < {_MOST_ABOVE}
ORDER BY above.exchange_id, above.depth DESC
"""
_BELOW = """
SELECT id, parent_id FROM {schema}.message
WHERE owner = session_user AND parent_id = ANY (%s) AND role = 'tool'
"""
_AFFECTED = """
SELECT unnest(exchange_ids) FROM {schema}.message
WHERE owner = session_user AND id = ANY (%s)
UNION
SELECT unnest(exchange_ids) FROM {schema}.message
WHERE owner = session_user AND parent_id = ANY (%s)
"""
_BODIES = """
SELECT DISTINCT ON (e.id) e.id, e.session_id, m.name, e.is_shared, e.body
FROM {schema}.entry e JOIN {schema}.machine m ON m.owner = e.owner AND m.id = e.machine
WHERE e.owner = session_user AND e.kind = %s AND e.id = ANY (%s) ORDER BY e.id, e.number DESC
"""
_COLUMNS = (
    "exchange_id", "started_at", "session_id", "message_id", "machine", "state", "model",
    "answered", "api", "finish", "tokens", "input", "output", "cost", "ttft", "duration", "tps",
    "marks", "is_reported", "named", "texts", "is_shared", "said", "tool_calls",
)  # fmt: skip
_TYPES = (
    "text", "bigint", "text", "text", "text", "text", "text", "text", "text", "text",
    *(["double precision"] * 7), "text", "boolean", "text", "bytea", "boolean", "jsonb", "jsonb",
)  # fmt: skip
_NAMED_AT = _COLUMNS.index("named")
_PUT_REPLIES = (
    f"INSERT INTO {{schema}}.reply ({', '.join(_COLUMNS)}) SELECT "
    + ", ".join("string_to_array(named, chr(30))" if c == "named" else c for c in _COLUMNS)
    + f" FROM unnest({', '.join(f'%b::{kind}[]' for kind in _TYPES)}) AS n ({', '.join(_COLUMNS)})"
    + " ON CONFLICT (owner, exchange_id, started_at) DO UPDATE SET "
    + ", ".join(f"{c} = excluded.{c}" for c in _COLUMNS if c not in ("exchange_id", "started_at"))
)
_PUT_WORDS = (
    "SELECT {schema}.put_words(%b::text[], %b::bigint[], %b::text[], %b::boolean[], "
    "%b::boolean[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[])"
)


@dataclass(frozen=True, slots=True)
class Sent:
    """An exchange that a machine has sent, with the keys of its entry. `machine` is its name."""

    id: str
    session_id: str
    machine: str
    is_shared: bool
    body: PlacedExchange


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that a machine has sent, with the keys of its entry."""

    id: str
    session_id: str
    is_shared: bool
    body: Message


@dataclass(slots=True)
class Around:
    """The prompt of a reply, the results of its tool calls, and whether the team may read both."""

    prompt: list[Part] = field(default_factory=list)
    results: dict[str, ToolResultPart] = field(default_factory=dict)
    is_shared: bool = True


def put_messages(connection: Connection, schema: str, messages: Sequence[SentMessage]) -> None:
    """Write messages into the trees."""
    newest = {message.id: message for message in messages}
    rows = [
        (
            one.id,
            one.session_id,
            one.body.parent_id,
            one.body.role.value,
            SEPARATOR.join(source.exchange_id for source in one.body.sources),
            SEPARATOR.join(str(source.choice_index) for source in one.body.sources),
            to_ms(one.body.created_at),
            written_text(one.body.parts),
            one.is_shared,
        )
        for one in newest.values()
    ]
    if rows:
        connection.execute(named(schema, _PUT_MESSAGES), by_column(rows))


def affected_by(
    connection: Connection, schema: str, messages: Sequence[SentMessage], known: Collection[str]
) -> dict[str, Sent]:
    """The exchanges that were sent earlier, and whose prompt or results are among messages.

    Exchanges with a `known` id are left out.
    """
    asked = [one.id for one in messages if one.body.role in _ASKING]
    told = [one.body.parent_id for one in messages if one.body.role is Role.TOOL]
    if not asked and not told:
        return {}
    rows = connection.execute(named(schema, _AFFECTED), (told, asked)).fetchall()
    found = {}
    ids = sorted({str(name) for (name,) in rows} - set(known))
    for entry, machine in _stored(connection, schema, EntryKind.EXCHANGE, ids):
        body = read_body(entry)
        if isinstance(body, PlacedExchange):
            found[entry.id] = Sent(entry.id, entry.session_id, machine, entry.is_shared, body)
    return found


def put_replies(
    connection: Connection,
    schema: str,
    sent: Iterable[Sent],
    around: Mapping[str, Around],
    describe: Describe,
) -> None:
    """Write the rows and words of exchanges.

    The team reads a reply only if it may read every message whose texts are in its row.
    """
    rows, words = _rows(sent, around, describe)
    if not rows:
        return
    months = sorted({month for row in rows if (month := _month(row[1]))})
    connection.execute(named(schema, "SELECT {schema}.make_months(%s)"), (months,))
    connection.execute(named(schema, _PUT_REPLIES), by_column(rows))
    del rows  # the words of a large reply need the memory
    connection.execute(named(schema, _PUT_WORDS), by_column(words))


Rows = list[tuple[object, ...]]


def _rows(
    sent: Iterable[Sent], around: Mapping[str, Around], describe: Describe
) -> tuple[Rows, Rows]:
    """The rows of replies and of words. Nothing here keeps an exchange after its rows."""
    rows: Rows = []
    words: Rows = []
    for one in sent:
        near = around[one.id]
        try:
            facts = describe(one.body.exchange, near.prompt, near.results)
        except DATA_FAULTS:
            continue  # a damaged reply is stored, and not found: no push may fail for it
        texts = (facts.prompt, facts.text, facts.reasoning, facts.calls)
        shown = replace(one, is_shared=one.is_shared and near.is_shared)
        words.append(_words_row(shown, to_ms(facts.started_at), index_texts(*texts)))
        rows.append(_reply_row(shown, facts, texts, near.results))
    return rows, words


def _month(at_ms: object) -> str | None:
    if not isinstance(at_ms, int) or not FIRST_MS <= at_ms < LAST_MS:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y%m")


def look_around(
    connection: Connection,
    schema: str,
    sent: Mapping[str, Sent],
    messages: Mapping[str, SentMessage],
) -> dict[str, Around]:
    """The messages around each reply. `messages` are those at hand, by id."""
    if not sent:
        return {}
    above = _above(connection, schema, sent, messages)
    homes = {home: one.id for one in sent.values() for home in one.body.message_ids}
    rows = connection.execute(named(schema, _BELOW), (list(homes),)).fetchall()
    below = [(homes[str(parent)], str(key)) for key, parent in rows]
    known = _known(connection, schema, {key for _, key in (*above, *below)}, messages)
    found = {name: Around() for name in sent}
    for exchange_id, key in (*above, *below):
        near, message = found[exchange_id], known.get(key)
        if message is None:
            continue
        near.is_shared = near.is_shared and message.is_shared
        if message.body.role in _ASKING:
            near.prompt += message.body.parts
            continue
        results = (part for part in message.body.parts if isinstance(part, ToolResultPart))
        near.results |= {part.call_id: part for part in results}
    return found


def _above(
    connection: Connection,
    schema: str,
    sent: Mapping[str, Sent],
    messages: Mapping[str, SentMessage],
) -> list[tuple[str, str]]:
    """The person's messages before each reply, oldest first, as (exchange id, message id)."""
    found: list[tuple[str, str]] = []
    unknown: list[Sent] = []
    for one in sent.values():
        path = _path_at_hand(one.body.message_id, messages)
        if path is None:
            unknown.append(one)
        else:
            found += ((one.id, key) for key in path)
    if unknown:
        keys = ([one.id for one in unknown], [one.body.message_id for one in unknown])
        for exchange_id, message_id in connection.execute(named(schema, _ABOVE), keys):
            found.append((str(exchange_id), str(message_id)))
    return found


def _path_at_hand(message_id: str, messages: Mapping[str, SentMessage]) -> list[str] | None:
    """The person's messages before a reply, when all of them are at hand."""
    path: list[str] = []
    step = messages.get(message_id)
    while step is not None and len(path) < _MOST_ABOVE:
        if step.body.parent_id is None:
            return path[::-1]
        step = messages.get(step.body.parent_id)
        if step is not None and step.body.role not in _ASKING:
            return path[::-1]
        if step is not None:
            path.append(step.id)
    return path[::-1] if len(path) == _MOST_ABOVE else None


def _known(
    connection: Connection, schema: str, wanted: set[str], messages: Mapping[str, SentMessage]
) -> dict[str, SentMessage]:
    """Messages by id: the given messages, and messages that were sent earlier."""
    found = {name: messages[name] for name in wanted if name in messages}
    missing = sorted(wanted - set(found))
    for entry, _ in _stored(connection, schema, EntryKind.MESSAGE, missing):
        body = read_body(entry)
        if isinstance(body, Message):
            found[entry.id] = SentMessage(entry.id, entry.session_id, entry.is_shared, body)
    return found


def _stored(
    connection: Connection, schema: str, kind: EntryKind, ids: Sequence[str]
) -> Iterable[tuple[HubEntry, str]]:
    """The newest entries of messages or exchanges, each with the name of its machine."""
    if not ids:
        return
    rows = connection.execute(named(schema, _BODIES), (kind.value, list(ids)))
    for key, session_id, machine, is_shared, data in rows:
        assert isinstance(data, bytes)
        entry = HubEntry(
            0, kind, str(key), str(session_id), Stamp(0, 0, ""), unpack(data), bool(is_shared)
        )
        yield entry, str(machine)


def _reply_row(
    one: Sent, facts: Facts, texts: tuple[str, ...], results: Mapping[str, ToolResultPart]
) -> tuple[object, ...]:
    values: dict[str, object] = {
        "exchange_id": one.id,
        "started_at": to_ms(facts.started_at),
        "session_id": one.session_id,
        "message_id": one.body.message_id,
        "machine": one.machine,
        "state": one.body.exchange.state.value,
        "marks": f" {' '.join(sorted(facts.marks))} ",
        "is_reported": facts.is_cost_reported,
        "named": "\x1e".join(f"{name}{SEPARATOR}{value}" for name, value in _names(facts)),
        "texts": _packed(texts),
        "is_shared": one.is_shared,
        "said": choices_json(facts),
        "tool_calls": calls_json(facts, results),
        **columns_of(facts),
    }
    return tuple(_column(values[name]) for name in _COLUMNS)


def _packed(texts: Iterable[str]) -> bytes:
    """The texts as a JSON list, compressed. Long ones are encoded in slices."""
    packer = zlib.compressobj(1)
    found: list[bytes] = []
    for number, text in enumerate(texts):
        found.append(packer.compress(b',"' if number else b'["'))
        for at in range(0, len(text), _SLICE):
            written = json.dumps(text[at : at + _SLICE])[1:-1]
            found.append(packer.compress(written.encode("ascii")))
        found.append(packer.compress(b'"'))
    return b"".join((*found, packer.compress(b"]"), packer.flush()))


def _names(facts: Facts) -> Iterable[tuple[str, str]]:
    for name, value in (*names_of(facts), *rows_of(facts)):
        yield name, value.replace("\x1e", " ").replace(SEPARATOR, " ")


def _column(value: object) -> object:
    if isinstance(value, str):
        return storable(value)
    return value


def _words_row(one: Sent, at_ms: int, indexed: Indexed) -> tuple[object, ...]:
    return (
        one.id,
        at_ms,
        one.session_id,
        one.is_shared,
        indexed.is_cut,
        indexed.lexemes,
        *indexed.texts,
    )

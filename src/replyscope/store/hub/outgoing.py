"""Reads the entries that leave: what changed here, in the form of hub entries."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from replyscope.domain.exchange import ExchangeState
from replyscope.domain.hub import EntryKind, HubEntry, Stamp
from replyscope.domain.hub_bodies import UNSHARED, is_valid_id, joined_json, session_body
from replyscope.domain.hub_log import PushBatch
from replyscope.domain.json_values import from_ms
from replyscope.domain.message import Message, Role, ToolResultPart
from replyscope.domain.tool import ToolCallState
from replyscope.store.codec import DAMAGE, decode_parts, encode_parts
from replyscope.store.frame_codec import frames_as_json
from replyscope.store.hub.fields import is_unshared, item_stamp, read_fields
from replyscope.store.requests import unpack_ids

MOST_ENTRIES = 2_000
MOST_BYTES = 4_000_000
"""The bound of one batch: entries, and bytes of their bodies. One entry may be larger."""
LARGEST_ENTRY = 64_000_000
_ORDER = {EntryKind.PURGE: 0, EntryKind.SESSION: 1, EntryKind.MESSAGE: 2, EntryKind.EXCHANGE: 3}
_STAMP = "h.at_ms, h.counter, h.machine"
_MESSAGE = f"""
SELECT m.role, m.parent_id, m.parts, m.created_at, m.session_id, (
    SELECT json_group_array(json_array(exchange_id, choice_index, home, state)) FROM (
        SELECT s.exchange_id, s.choice_index, e.session_id AS home, e.state
        FROM source s JOIN exchange e ON e.id = s.exchange_id
        WHERE s.message_id = m.id ORDER BY s.position
    )
), {_STAMP} FROM message m LEFT JOIN hub_item h ON h.id = m.id WHERE m.id = ?
"""
_EXCHANGE = f"""
SELECT e.message_id, e.position, e.choice_index, e.state, e.writer, e.started_at, e.folded,
    e.session_id, (
    SELECT json_group_array(json_array(message_id, position, choice_index))
    FROM source WHERE exchange_id = e.id
), {_STAMP} FROM exchange e LEFT JOIN hub_item h ON h.id = e.id WHERE e.id = ?
"""
Settle = Callable[[Message], Message]
"""Marks the running tools of dead processes as interrupted."""
Row = tuple[int, str, str, str]


@dataclass(frozen=True, slots=True)
class BatchChoice:
    """The changes that the next batch is read from: those of the sessions that leave, after
    `cursor`, and without those that were `sent`.
    """

    leaving: Collection[str] | None
    cursor: int
    sent: frozenset[int] = frozenset()

    def leaves(self, row: Row) -> bool:
        """Whether the change of a row is one of these."""
        seq, kind, _, session_id = row
        is_chosen = self.leaving is None or kind == EntryKind.PURGE or session_id in self.leaving
        return is_chosen and seq not in self.sent


def read_batch(
    connection: sqlite3.Connection, settle: Settle, choice: BatchChoice, machine: str, first: int
) -> PushBatch:
    """The next entries of a choice, numbered from `first`. Sessions come before their messages,
    and messages before their exchanges.
    """
    chosen = _choose(connection, choice)
    end = chosen[-1][0] if chosen else choice.cursor
    chosen.sort(key=lambda row: (_ORDER[EntryKind(row[1])], row[0]))
    entries: list[HubEntry] = []
    seqs: list[int] = []
    size = 0
    reader = _Reader(connection, settle, machine)
    for seq, kind, key, session_id in chosen:
        if size >= MOST_BYTES:
            break
        made = reader.read(EntryKind(kind), key, session_id)
        if made is None:
            continue
        stamp, body = made
        entry = HubEntry(first + len(entries), EntryKind(kind), key, session_id, stamp, body)
        entries.append(entry)
        seqs.append(seq)
        size += len(body)
    unsent = tuple(dict.fromkeys(reader.unsent))
    if size >= MOST_BYTES:  # the next batch begins here again, and counts what is skipped
        return PushBatch(tuple(entries), tuple(seqs), choice.cursor)
    return PushBatch(tuple(entries), tuple(seqs), end, reader.running, unsent)


def _choose(connection: sqlite3.Connection, choice: BatchChoice) -> list[Row]:
    """The next queued changes. The session of a message is included when it is sent for the
    first time.
    """
    rows = connection.execute(
        "SELECT seq, kind, id, session_id FROM hub_pending WHERE seq > ? ORDER BY seq",
        (choice.cursor,),
    )
    chosen: list[Row] = []
    for row in rows:
        if choice.leaves(row):
            chosen.append(row)
            if len(chosen) >= MOST_ENTRIES:
                break
    named = {row[3] for row in chosen} - {r[2] for r in chosen if r[1] == EntryKind.SESSION}
    for session_id in sorted(named):
        found = connection.execute(
            "SELECT p.seq, p.kind, p.id, p.session_id FROM hub_pending p "
            "LEFT JOIN hub_left l ON l.session_id = p.session_id "
            "WHERE p.kind = 'session' AND p.id = ? AND l.session_id IS NULL",
            (session_id,),
        ).fetchone()
        if found is not None and found[0] not in choice.sent:
            chosen.insert(0, found)
    return chosen


class _Reader:
    """Reads entries of one batch.

    An entry is None when there is nothing to send; `running` counts those that wait for the end
    of a reply or tool, `unsent` are sentences about those that never can be sent as they are.
    """

    def __init__(self, connection: sqlite3.Connection, settle: Settle, machine: str) -> None:
        self._connection = connection
        self._settle = settle
        self._machine = machine
        self.running = 0
        self.unsent: list[str] = []
        self._unshared: dict[str, bool] = {}

    def read(self, kind: EntryKind, key: str, session_id: str) -> tuple[Stamp, bytes] | None:
        """The stamp and body of one entry. One with an id that others would reject stays here."""
        if not (is_valid_id(key) and is_valid_id(session_id)):
            return None
        if kind is EntryKind.PURGE:
            row = self._connection.execute("SELECT at_ms, counter FROM hub").fetchone()
            return Stamp(row[0], row[1], self._machine), b"{}"
        if kind is EntryKind.SESSION:
            return self._session(session_id)
        if self._is_unshared(session_id):
            return None
        try:
            made = self._message(key) if kind is EntryKind.MESSAGE else self._exchange(key)
        except DAMAGE:
            self._note_unsent(kind, session_id, "damaged: see `replyscope verify`")
            return None
        if made is not None and len(made[1]) > LARGEST_ENTRY:
            self._note_unsent(kind, session_id, f"larger than {LARGEST_ENTRY // 1_000_000} MB")
            return None
        return made

    def _note_unsent(self, kind: EntryKind, session_id: str, why: str) -> None:
        noun = "message" if kind is EntryKind.MESSAGE else "reply"
        self.unsent.append(f"A {noun} of the session {session_id} can't be sent: it is {why}.")

    def _is_unshared(self, session_id: str) -> bool:
        if session_id not in self._unshared:
            self._unshared[session_id] = is_unshared(self._connection, session_id)
        return self._unshared[session_id]

    def _session(self, session_id: str) -> tuple[Stamp, bytes] | None:
        fields = read_fields(self._connection, session_id)
        if self._is_unshared(session_id):
            fields = {UNSHARED: fields[UNSHARED]}
        else:
            row = self._connection.execute(
                "SELECT 1 FROM message WHERE session_id = ? LIMIT 1", (session_id,)
            ).fetchone()
            if row is None:
                return None  # an empty session is nothing to keep yet
        return max(one.stamp for one in fields.values()), session_body(fields)

    def _message(self, key: str) -> tuple[Stamp, bytes] | None:
        row = self._connection.execute(_MESSAGE, (key,)).fetchone()
        if row is None:
            return None
        role, parent_id, parts, created_ms, session_id, sources_json, *stamp = row
        sources = json.loads(sources_json)
        if any(not ExchangeState(state).is_terminal for *_, state in sources):
            self.running += 1
            return None
        if role == Role.TOOL.value:
            settled = self._settled(key, role, parts, created_ms)
            if settled is None:
                self.running += 1
                return None
            parts = settled
        head = {
            "role": role,
            "parent_id": parent_id,
            "created_at": max(0, created_ms),
            "sources": [
                [exchange_id, index, 1] if home != session_id else [exchange_id, index]
                for exchange_id, index, home, _ in sources
            ],
        }
        return item_stamp(stamp, created_ms), _with(head, parts=parts.encode("ascii"))

    def _settled(self, key: str, role: str, parts: str, created_ms: int) -> str | None:
        """The parts of a tool message; None while one of its tools runs."""
        message = Message(key, Role(role), decode_parts(parts), from_ms(created_ms))
        message = self._settle(message)
        if any(
            isinstance(part, ToolResultPart) and part.state is ToolCallState.RUNNING
            for part in message.parts
        ):
            return None
        return encode_parts(message.parts)

    def _exchange(self, key: str) -> tuple[Stamp, bytes] | None:
        row = self._connection.execute(_EXCHANGE, (key,)).fetchone()
        if row is None:
            return None
        *place, state, writer, started_ms, folded, session_id, sources, at_ms, counter, by = row
        if writer is not None or not ExchangeState(state).is_terminal:
            self.running += 1
            return None
        request = None
        with suppress(*DAMAGE):  # without its request the reply can still be read
            request = self._request(key, session_id, started_ms)
        head = {
            **dict(zip(("message_id", "position", "choice_index"), place, strict=True)),
            "sources": json.loads(sources),
            "request": request,
        }
        body = _with(
            head,
            exchange=_ascii(zlib.decompress(folded)),
            frames=joined_json(list(self._segments(key))),
        )
        return item_stamp((at_ms, counter, by), started_ms), body

    def _segments(self, key: str) -> Iterator[bytes]:
        for (data,) in self._connection.execute(
            "SELECT frames FROM segment WHERE exchange_id = ? ORDER BY number", (key,)
        ):
            with suppress(*DAMAGE):
                yield _ascii(frames_as_json(data))

    def _request(self, key: str, session_id: str, started_ms: int) -> Mapping[str, Any] | None:
        """The request, whose history refers to the pieces of the request before it."""
        row = self._connection.execute(
            "SELECT method, url, headers, separator, pieces FROM request WHERE exchange_id = ?",
            (key,),
        ).fetchone()
        if row is None:
            return None
        before = self._connection.execute(
            "SELECT e.id, r.pieces FROM exchange e JOIN request r ON r.exchange_id = e.id "
            "WHERE e.session_id = ? AND e.writer IS NULL AND e.state = 'completed' "
            "AND (e.started_at, e.id) < (?, ?) ORDER BY e.started_at DESC, e.id DESC LIMIT 1",
            (session_id, started_ms, key),
        ).fetchone()
        known = unpack_ids(before[1]) if before is not None else []
        runs = _runs(unpack_ids(row[4]), known)
        pieces = [self._piece(one) if isinstance(one, int) else list(one) for one in runs]
        request: dict[str, Any] = {
            "method": row[0],
            "url": row[1],
            "headers": json.loads(row[2]),
            "separator": row[3],
            "pieces": pieces,
        }
        if before is not None and any(isinstance(one, list) for one in pieces):
            request |= {"previous": before[0], "of": len(known)}
        return request

    def _piece(self, piece_id: int) -> str:
        """The text of a piece. Raises one of DAMAGE, also for a body that is not UTF-8."""
        data = self._connection.execute(
            "SELECT data FROM piece WHERE id = ?", (piece_id,)
        ).fetchone()[0]
        return zlib.decompress(data).decode("utf-8")


def _runs(ids: list[int], known: list[int]) -> list[int | tuple[int, int]]:
    """The ids, with runs (start, count) of known ones."""
    places = {one: place for place, one in reversed(list(enumerate(known)))}
    found: list[int | tuple[int, int]] = []
    for one in ids:
        place = places.get(one)
        if place is None:
            found.append(one)
            continue
        last = found[-1] if found else None
        if isinstance(last, tuple) and place == last[0] + last[1]:
            found[-1] = (last[0], last[1] + 1)
        else:
            found.append((place, 1))
    return found


def _ascii(text: bytes) -> bytes:
    """The text, which is ASCII. Raises one of DAMAGE."""
    if not text.isascii():
        raise ValueError("a stored text is not ASCII")
    return text


def _with(head: Mapping[str, Any], **texts: bytes) -> bytes:
    """A JSON object of values, and of fields whose JSON is ready. Each large text is copied once:
    a reply may have 60 MB.
    """
    pieces = [json.dumps(head, separators=(",", ":"))[:-1].encode("ascii")]
    for name, text in texts.items():
        pieces += (f',"{name}":'.encode("ascii"), text)
    return b"".join((*pieces, b"}"))

"""Merges the entries of another machine into the saved sessions, within one transaction.

An entry whose session, parent or home is not here yet waits in `hub_waiting` until it comes.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime

from replyscope.domain.event import RequestSent
from replyscope.domain.hub import EntryKind, HubEntry, Stamp
from replyscope.domain.hub_bodies import (
    ExchangeBody,
    SentPieces,
    SourceRow,
    is_valid_id,
    read_exchange,
    read_message,
    read_request,
    read_session,
    read_stamp,
    stamp_to_json,
)
from replyscope.domain.hub_log import Applied
from replyscope.domain.hub_merge import credible, merge_fields, wins
from replyscope.domain.hybrid_clock import MOST_AHEAD_MS
from replyscope.domain.import_faults import DATA_FAULTS
from replyscope.domain.json_values import to_ms
from replyscope.domain.message import Message
from replyscope.domain.sound_numbers import with_sound_numbers
from replyscope.store import rows
from replyscope.store.codec import encode_exchange, encode_parts
from replyscope.store.growing import replace_exchange, replace_message
from replyscope.store.hub.fields import place_head, read_fields, read_item_stamp, write_fields
from replyscope.store.importing import insert_ended_at, insert_frames
from replyscope.store.index import note_unindexed, note_unindexed_under
from replyscope.store.journal import ended_ms
from replyscope.store.library import remove_sessions
from replyscope.store.requests import insert_request, piece_ids, unpack_ids

MOST_WAITING = 200_000
MOST_PIECES = 1_000_000
_REQUEST, _SOURCE = "request", "source"
_MOST_FAULTS = 20


class Incoming:
    """Applies entries in one transaction. `drops_pending` removes queued changes that the entries
    already contain: other machines have them then.
    """

    def __init__(
        self, connection: sqlite3.Connection, now: datetime, *, drops_pending: bool
    ) -> None:
        self._connection = connection
        self._now = now
        self._drops_pending = drops_pending
        self._touched: set[str] = set()
        self._faults: list[str] = []
        self._files: list[str] = []
        self._arrived: list[str] = []
        self._purges: list[str] = []
        self._waiting: int | None = None
        self._counts = dict.fromkeys(EntryKind, 0)
        self.newest = Stamp(0, 0, "")

    def apply(self, entries: Sequence[HubEntry]) -> Applied:
        """Merge entries, and waiting entries that depend on them."""
        for entry in entries:
            self._apply(entry)
            while self._arrived:
                self._resolve(self._arrived.pop())
        self._remove()
        for session_id in self._touched:
            place_head(self._connection, session_id)
        return Applied(
            self._counts[EntryKind.SESSION],
            self._counts[EntryKind.MESSAGE],
            self._counts[EntryKind.EXCHANGE],
            self._counts[EntryKind.PURGE],
            tuple(self._faults[:_MOST_FAULTS]),
            tuple(self._files),
        )

    def _apply(self, entry: HubEntry) -> None:
        if not (is_valid_id(entry.id) and is_valid_id(entry.session_id)):
            self._faults.append(f"Entry {entry.number} has an id that is not valid.")
            return
        if self._is_purged(entry.session_id):
            if entry.kind is not EntryKind.PURGE:
                self._tell_purge(entry.session_id)
            return
        self.newest = max(self.newest, entry.stamp)
        by_kind: dict[EntryKind, Callable[[HubEntry], None]] = {
            EntryKind.SESSION: self._session,
            EntryKind.MESSAGE: self._message,
            EntryKind.EXCHANGE: self._exchange,
            EntryKind.PURGE: self._purge,
        }
        try:
            by_kind[entry.kind](entry)
        except DATA_FAULTS as error:
            self._faults.append(f"Entry {entry.number} was skipped: {error}.")

    def _tell_purge(self, session_id: str) -> None:
        """Queue a purge that did not leave: the session was purged before it was sent, and a
        copy of this archive sent it to the hub.
        """
        if self._note_left(session_id):
            self._connection.execute(
                "INSERT OR IGNORE INTO hub_pending (kind, id, session_id) VALUES ('purge', ?, ?)",
                (session_id, session_id),
            )

    def _is_purged(self, session_id: str) -> bool:
        return self._has("SELECT 1 FROM hub_purged WHERE session_id = ?", session_id)

    def _has(self, sql: str, *values: object) -> bool:
        return self._connection.execute(sql, values).fetchone() is not None

    def _session(self, entry: HubEntry) -> None:
        theirs = read_session(entry.body)
        ours = read_fields(self._connection, entry.session_id)
        merged = merge_fields(ours, credible(theirs, ours, to_ms(self._now)))
        self.newest = max([self.newest, *(one.stamp for one in theirs.values())])
        if merged != ours and write_fields(self._connection, entry.session_id, ours, merged):
            self._counts[EntryKind.SESSION] += 1
            self._arrived.append(entry.session_id)
        self._note_left(entry.session_id)
        if merged == theirs:
            self._drop(entry)

    def _note_left(self, session_id: str) -> bool:
        """Note that the hub has a session. Returns whether that was not known."""
        done = self._connection.execute(
            "INSERT OR IGNORE INTO hub_left (session_id) VALUES (?)", (session_id,)
        )
        return done.rowcount > 0

    def _drop(self, entry: HubEntry) -> None:
        if self._drops_pending:
            self._connection.execute(
                "DELETE FROM hub_pending WHERE kind = ? AND id = ?", (entry.kind.value, entry.id)
            )

    def _keep_stamp(self, entry: HubEntry, own_ms: int) -> None:
        if entry.stamp != Stamp(max(0, own_ms), 0, ""):
            stamp = entry.stamp
            self._connection.execute(
                "INSERT OR REPLACE INTO hub_item VALUES (?, ?, ?, ?)",
                (entry.id, stamp.at_ms, stamp.counter, stamp.machine),
            )

    def _message(self, entry: HubEntry) -> None:
        message, sources = read_message(entry)
        known = self._connection.execute(
            "SELECT session_id, parts FROM message WHERE id = ?", (entry.id,)
        ).fetchone()
        if known is not None:
            self._known_message(entry, message, sources, known)
            return
        if not self._has("SELECT 1 FROM session WHERE id = ?", entry.session_id):
            self._wait(entry.session_id, entry)
        elif message.parent_id is not None and not self._has(
            "SELECT 1 FROM message WHERE id = ? AND session_id = ?",
            message.parent_id,
            entry.session_id,
        ):
            self._wait(message.parent_id, entry)
        else:
            rows.insert_message(self._connection, entry.session_id, message)
            note_unindexed_under(self._connection, message.parent_id)
            self._keep_stamp(entry, to_ms(message.created_at))
            self._add_sources(entry, sources)
            self._touched.add(entry.session_id)
            self._counts[EntryKind.MESSAGE] += 1
            self._arrived.append(entry.id)
            self._drop(entry)

    def _known_message(
        self,
        entry: HubEntry,
        message: Message,
        sources: Sequence[SourceRow],
        known: tuple[str, str],
    ) -> None:
        if known[0] != entry.session_id:
            raise ValueError(f"message {entry.id} belongs to another session")
        own_ms = to_ms(message.created_at)
        ours = read_item_stamp(self._connection, entry.id, own_ms)
        if wins(entry.stamp, ours):
            if encode_parts(message.parts) != known[1]:
                replace_message(self._connection, message)
            self._keep_stamp(entry, own_ms)
        self._add_sources(entry, sources)
        if not wins(ours, entry.stamp):
            self._drop(entry)

    def _add_sources(self, entry: HubEntry, sources: Sequence[SourceRow]) -> None:
        """Add the exchanges of a message that are here. Its own exchanges name it when they come;
        one of another session has to be waited for.
        """
        for row in sources:
            if self._has("SELECT 1 FROM exchange WHERE id = ?", row.exchange_id):
                self._insert_source(row)
            elif row.is_foreign:
                body = json.dumps([row.message_id, row.position, row.choice_index])
                key = f"{row.message_id} {row.position}"
                self._put(row.exchange_id, _SOURCE, key, entry, body.encode())

    def _insert_source(self, row: SourceRow) -> None:
        self._connection.execute(
            "INSERT OR IGNORE INTO source SELECT id, ?, ?, ? FROM message WHERE id = ?",
            (row.position, row.exchange_id, row.choice_index, row.message_id),
        )

    def _exchange(self, entry: HubEntry) -> None:
        body = read_exchange(entry)
        known = self._connection.execute(
            "SELECT writer, folded FROM exchange WHERE id = ?", (entry.id,)
        ).fetchone()
        own_ms = to_ms(body.exchange.started_at)
        ours = read_item_stamp(self._connection, entry.id, own_ms)
        if known is None:
            home = self._home(body)
            if home is None:
                self._wait(body.message_id, entry)
                return
            self._insert(entry, body, home)
            self._keep_stamp(entry, own_ms)
        elif known[0] is None and wins(entry.stamp, ours):
            exchange = with_sound_numbers(body.exchange)
            folded = encode_exchange(exchange)
            if folded != known[1]:
                replace_exchange(self._connection, exchange, folded)
            self._keep_stamp(entry, own_ms)
        for row in body.sources:
            self._insert_source(row)
        if known is None or not wins(ours, entry.stamp):
            self._drop(entry)

    def _home(self, body: ExchangeBody) -> tuple[str, SourceRow] | None:
        """The session and place of an exchange: its own message, or one of a fork."""
        own = SourceRow(body.message_id, body.position, body.exchange.id, body.choice_index)
        for row in (own, *body.sources):
            found = self._connection.execute(
                "SELECT session_id FROM message WHERE id = ?", (row.message_id,)
            ).fetchone()
            if found is not None:
                return found[0], row
        return None

    def _insert(self, entry: HubEntry, body: ExchangeBody, home: tuple[str, SourceRow]) -> None:
        session_id, row = home
        place = (row.message_id, row.position, row.choice_index)
        insert_ended_at(self._connection, session_id, body.exchange, place)
        insert_frames(self._connection, entry.id, body.frames)
        if body.request is not None:
            self._request(entry, body.request)
        note_unindexed(self._connection, entry.id)
        ended = ended_ms(body.exchange)
        if ended <= to_ms(self._now) + MOST_AHEAD_MS:
            self._connection.execute(
                "UPDATE session SET updated_at = max(updated_at, ?) WHERE id = ?",
                (ended, session_id),
            )
        self._touched.add(session_id)
        self._counts[EntryKind.EXCHANGE] += 1
        self._arrived.append(entry.id)

    def _request(self, entry: HubEntry, request: SentPieces) -> None:
        """Save a request, or let it wait for the request to whose pieces it refers."""
        before: list[int] = []
        if request.previous is not None:
            row = self._connection.execute(
                "SELECT pieces FROM request WHERE exchange_id = ?", (request.previous,)
            ).fetchone()
            if row is None:
                value = json.loads(entry.body)["request"]
                body = json.dumps(value, separators=(",", ":")).encode()
                self._put(f"{_REQUEST}:{request.previous}", _REQUEST, entry.id, entry, body)
                return
            before = unpack_ids(row[0])
            if len(before) != request.of:
                return  # that request is another one here; the reply stays readable without
        texts = [one for one in request.pieces if isinstance(one, str)]
        new = iter(piece_ids(self._connection, [one.encode("utf-8", "replace") for one in texts]))
        ids: list[int] = []
        for one in request.pieces:
            ids += [next(new)] if isinstance(one, str) else before[one[0] : one[0] + one[1]]
            if len(ids) > MOST_PIECES:
                return
        sent = RequestSent(request.method, request.url, request.headers, b"")
        insert_request(self._connection, entry.id, sent, request.separator, ids)
        self._arrived.append(f"{_REQUEST}:{entry.id}")

    def _purge(self, entry: HubEntry) -> None:
        """Remove a session permanently. If a reply streams, the purge waits until its end."""
        session_id = entry.session_id
        if self._has(
            "SELECT 1 FROM exchange WHERE session_id = ? AND writer IS NOT NULL", session_id
        ):
            self._wait(f"end:{session_id}", entry)
            return
        self._purges.append(session_id)
        self._connection.execute("INSERT OR IGNORE INTO hub_purged VALUES (?)", (session_id,))
        self._connection.execute("DELETE FROM hub_waiting WHERE session_id = ?", (session_id,))
        self._touched.discard(session_id)
        self._drop(entry)

    def _remove(self) -> None:
        """Remove the purged sessions that are here. The change log then queues a purge of our
        own, so that our log on the hub loses their entries too.
        """
        here = [one for one in self._purges if self._has("SELECT 1 FROM session WHERE id = ?", one)]
        if here:
            _, paths = remove_sessions(self._connection, here, self._now)
            self._files += paths
            self._counts[EntryKind.PURGE] += len(here)

    def _wait(self, needs: str, entry: HubEntry) -> None:
        self._put(needs, entry.kind.value, entry.id, entry, entry.body)

    def _put(self, needs: str, kind: str, key: str, entry: HubEntry, body: bytes) -> None:
        if self._waiting is None:
            row = self._connection.execute("SELECT count(*) FROM hub_waiting").fetchone()
            self._waiting = int(row[0])
        self._waiting += 1
        if self._waiting > MOST_WAITING:
            self._faults.append(f"Entry {entry.number} was skipped: too many entries wait.")
            return
        self._connection.execute(
            "INSERT OR REPLACE INTO hub_waiting VALUES (?, ?, ?, ?, ?, ?)",
            (needs, kind, key, entry.session_id, json.dumps(stamp_to_json(entry.stamp)), body),
        )

    def _resolve(self, needs: str) -> None:
        """Apply what waited for an id."""
        found = self._connection.execute(
            "SELECT kind, id, session_id, stamp, body FROM hub_waiting WHERE needs = ?", (needs,)
        ).fetchall()
        if not found:
            return
        self._connection.execute("DELETE FROM hub_waiting WHERE needs = ?", (needs,))
        for kind, key, session_id, stamp, body in found:
            if kind == _SOURCE:
                message_id, position, choice_index = json.loads(body)
                self._insert_source(SourceRow(message_id, position, needs, choice_index))
                continue
            at = read_stamp(json.loads(stamp))
            if kind == _REQUEST:
                entry = HubEntry(0, EntryKind.EXCHANGE, key, session_id, at, b"{}")
                request = read_request(json.loads(body))
                if request is not None:
                    self._request(entry, request)
                continue
            self._apply(HubEntry(0, EntryKind(kind), key, session_id, at, body))

    def retry_purges(self) -> None:
        """Apply the purges that waited for the end of a reply."""
        found = self._connection.execute(
            "SELECT needs FROM hub_waiting WHERE kind = ?", (EntryKind.PURGE.value,)
        ).fetchall()
        for (needs,) in found:
            self._resolve(needs)
        self._remove()

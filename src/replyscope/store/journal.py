"""Saves one live exchange: its request, its frames in segments, and its ending."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress

from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.store.codec import DAMAGE, encode_exchange
from replyscope.store.database import Database
from replyscope.store.frame_codec import decode_frames, encode_frames
from replyscope.store.index import note_unindexed
from replyscope.store.remote import note_remote
from replyscope.store.requests import save_request
from replyscope.store.rows import storable


class SqliteJournal:
    """The journal of one exchange; see the Journal protocol."""

    def __init__(self, database: Database, exchange_id: str, segments: int = 0) -> None:
        self._database = database
        self._exchange_id = exchange_id
        self._segments = segments

    async def record_request(self, request: RequestSent) -> None:
        """Save the request, byte for byte."""
        await self._database.write(lambda c: save_request(c, self._exchange_id, request))

    async def append(self, frames: Sequence[WireFrame]) -> None:
        """Commit frames as one segment."""
        given = tuple(frames)
        await self._database.write(lambda c: self._insert(c, given))
        self._segments += 1

    def _insert(self, connection: sqlite3.Connection, frames: Sequence[WireFrame]) -> None:
        row = (self._exchange_id, self._segments, encode_frames(frames))
        connection.execute("INSERT INTO segment VALUES (?, ?, ?)", row)

    async def finish(
        self,
        exchange: Exchange,
        frames: Sequence[WireFrame] = (),
        request: RequestSent | None = None,
    ) -> None:
        """Commit the last frames, the request and the folded exchange; release the hold on it."""
        given = tuple(frames)

        def end(connection: sqlite3.Connection) -> None:
            if request is not None:
                save_request(connection, self._exchange_id, request)
            if given:
                self._insert(connection, given)
            save_ended(connection, exchange)

        await self._database.write(end)
        self._segments += bool(given)


def save_ended(connection: sqlite3.Connection, exchange: Exchange) -> None:
    """Save the folded form of an exchange that has ended."""
    first = exchange.choices[0] if exchange.choices else None
    reason = first.finish_reason if first is not None else None
    connection.execute(
        "UPDATE exchange SET state = ?, writer = NULL, finish_reason = ?, folded = ?, model = ?, "
        "cost_usd = ? WHERE id = ?",
        (
            exchange.state.value,
            reason.value if reason else None,
            encode_exchange(exchange),
            storable(exchange.model),
            exchange.cost_usd,
            exchange.id,
        ),
    )
    connection.execute(
        "UPDATE session SET updated_at = max(updated_at, ?) "
        "WHERE id = (SELECT session_id FROM exchange WHERE id = ?)",
        (ended_ms(exchange), exchange.id),
    )
    note_remote(connection, exchange)
    note_unindexed(connection, exchange.id)


def ended_ms(exchange: Exchange) -> int:
    """The end of an exchange in milliseconds since 1970."""
    return round(exchange.started_at.timestamp() * 1000 + exchange.timing.duration_ms)


def load_frames(connection: sqlite3.Connection, exchange_id: str) -> tuple[WireFrame, ...]:
    """Every frame of an exchange, in order; damaged segments are skipped."""
    rows = connection.execute(
        "SELECT frames FROM segment WHERE exchange_id = ? ORDER BY number", (exchange_id,)
    )
    frames: list[WireFrame] = []
    for (data,) in rows:
        with suppress(*DAMAGE):
            frames += decode_frames(data)
    return tuple(frames)


_MOST_MERGED_BYTES = 200_000
"""The stored size of a journal that is merged at once, in about 0.1 s."""


def merge_segments(connection: sqlite3.Connection, exchange_ids: Sequence[str]) -> None:
    """Join the segments of ended exchanges into one each, a quarter of their size: a segment of
    150 ms has a few frames, and each segment writes out what all frames have in common.

    Journals with damaged segments and long ones stay as they are.
    """
    marks = ", ".join("?" * len(exchange_ids))
    found = connection.execute(
        "SELECT s.exchange_id FROM segment s JOIN exchange e ON e.id = s.exchange_id "
        f"WHERE s.exchange_id IN ({marks}) AND e.writer IS NULL GROUP BY 1 "
        "HAVING count(*) > 1 AND sum(length(s.frames)) <= ?",
        (*exchange_ids, _MOST_MERGED_BYTES),
    ).fetchall()
    for (exchange_id,) in found:
        rows = connection.execute(
            "SELECT frames FROM segment WHERE exchange_id = ? ORDER BY number", (exchange_id,)
        ).fetchall()
        with suppress(*DAMAGE):
            merged = encode_frames([frame for (data,) in rows for frame in decode_frames(data)])
            connection.execute("DELETE FROM segment WHERE exchange_id = ?", (exchange_id,))
            connection.execute("INSERT INTO segment VALUES (?, 0, ?)", (exchange_id, merged))

"""The exchanges of a session, each loaded on first access.

A session may have thousands of replies of which a screen shows three.
"""

import sqlite3
from collections.abc import Iterator, Mapping

from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.failure import Failure
from replyscope.domain.json_values import from_ms
from replyscope.domain.session import Spent
from replyscope.store.codec import DAMAGE, decode_exchange


class FoldedExchanges(Mapping[str, Exchange]):
    """A lazy mapping of ids to exchanges, oldest first.

    A damaged exchange is replaced by a failed one.
    """

    def __init__(self, rows: Mapping[str, tuple[str, int, bytes]]) -> None:
        self._rows = rows
        """Model, start in milliseconds since 1970, and the encoded exchange."""
        self._read: dict[str, Exchange] = {}

    def __getitem__(self, exchange_id: str) -> Exchange:
        exchange = self._read.get(exchange_id)
        if exchange is None:
            exchange = self._read[exchange_id] = read_exchange(
                exchange_id, *self._rows[exchange_id]
            )
        return exchange

    def __contains__(self, exchange_id: object) -> bool:
        return exchange_id in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __eq__(self, other: object) -> bool:
        """Compare the stored values, without decoding them."""
        if isinstance(other, FoldedExchanges):
            return self._rows == other._rows
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


def read_exchange(exchange_id: str, model: str, started_ms: int, folded: bytes) -> Exchange:
    """A saved exchange; `damaged_exchange` when it can't be decoded."""
    try:
        return decode_exchange(folded)
    except DAMAGE:
        return damaged_exchange(exchange_id, model, started_ms)


def damaged_exchange(exchange_id: str, model: str, started_ms: int) -> Exchange:
    """A failed exchange that replaces one that can't be decoded."""
    failure = Failure(
        "damaged",
        "The saved reply is damaged and can't be read.",
        "See `replyscope doctor`; its request and frames may still be readable (wire).",
    )
    at, state = from_ms(started_ms), ExchangeState.FAILED
    return Exchange(exchange_id, Api.CHAT, "", "", model, at, state, failure=failure)


def load_exchanges(
    connection: sqlite3.Connection, session_id: str
) -> tuple[FoldedExchanges, Spent, bool]:
    """The exchanges of a session's messages, their tokens and cost, and whether one of them
    is being written.
    """
    rows: dict[str, tuple[str, int, bytes]] = {}
    unknown: list[str] = []
    tokens: list[int] = []
    costs: list[float] = []
    is_held = False
    for exchange_id, model, started_ms, folded, writer, is_known, used, cost_usd in _select(
        connection, session_id
    ):
        rows[exchange_id] = (model, started_ms, folded)
        is_held |= writer is not None
        if not is_known:
            unknown.append(exchange_id)
            continue
        if used is not None:
            tokens.append(used)
        if cost_usd is not None:
            costs.append(cost_usd)
    exchanges = FoldedExchanges(rows)
    spent = Spent(sum(tokens) if tokens else None, sum(costs) if costs else None)
    for exchange_id in unknown:
        spent = spent.plus(exchanges[exchange_id])
    return exchanges, spent, is_held


def _select(connection: sqlite3.Connection, session_id: str) -> sqlite3.Cursor:
    """Select the exchanges. Tokens and cost are NULL until an exchange is indexed."""
    return connection.execute(
        "SELECT e.id, e.model, e.started_at, e.folded, e.writer, "
        "f.id IS NOT NULL AND u.exchange_id IS NULL, f.tokens, f.cost "
        "FROM exchange e LEFT JOIN fact f ON f.exchange_id = e.id "
        "LEFT JOIN unindexed u ON u.exchange_id = e.id WHERE e.id IN ("
        "SELECT exchange_id FROM source JOIN message ON message.id = message_id "
        "WHERE message.session_id = ?) ORDER BY e.started_at, e.rowid",
        (session_id,),
    )

"""Reads the requests and frames of exchanges from a hub.

A request refers to the pieces of the request before it in its session, so that a growing history
is stored once.
"""

from typing import Any

from replyscope.domain.event import RequestSent, WireRecord
from replyscope.domain.hub import EntryKind, HubEntry, Stamp
from replyscope.domain.hub_bodies import ExchangeBody, SentPieces, read_exchange
from replyscope.hub.postgres.bodies import unpack
from replyscope.hub.postgres.connecting import Connection, named

_LONGEST_CHAIN = 2_000
_EXCHANGE = """
SELECT owner, session_id, body FROM {schema}.entry
WHERE (owner = session_user OR is_shared) AND kind = 'exchange' AND id = %s
AND (%s::text IS NULL OR owner = %s)
ORDER BY owner = session_user DESC, number DESC LIMIT 1
"""


def load_wire(connection: Connection, schema: str, exchange_id: str) -> WireRecord:
    """The request and the frames of an exchange; no request when a part of it is missing."""
    owner, body = _exchange(connection, schema, exchange_id, None)
    if body is None:
        return WireRecord(None, ())
    pieces: list[str] | None = None
    if body.request is not None:
        pieces = _pieces(connection, schema, body.request, owner)
    request = None if pieces is None else _request(body.request, pieces)
    return WireRecord(request, body.frames)


def _exchange(
    connection: Connection, schema: str, exchange_id: str, owner: str | None
) -> tuple[str | None, ExchangeBody | None]:
    row: Any = connection.execute(named(schema, _EXCHANGE), (exchange_id, owner, owner)).fetchone()
    if row is None:
        return None, None
    kind, stamp = EntryKind.EXCHANGE, Stamp(0, 0, "")
    try:
        body = read_exchange(HubEntry(0, kind, exchange_id, row[1], stamp, unpack(row[2])))
    except ValueError:
        return row[0], None
    return row[0], body


def _pieces(
    connection: Connection, schema: str, request: SentPieces, owner: str | None
) -> list[str] | None:
    """The pieces of a request's body; None when one of the requests before it is missing."""
    chain = [request]
    while chain[-1].previous is not None and len(chain) < _LONGEST_CHAIN:
        _, body = _exchange(connection, schema, chain[-1].previous, owner)
        if body is None or body.request is None:
            return None
        chain.append(body.request)
    pieces: list[str] = []
    for one in reversed(chain):
        if one.previous is not None and one.of != len(pieces):
            return None
        pieces = _resolved(one, pieces)
    return pieces


def _resolved(request: SentPieces, before: list[str]) -> list[str]:
    found: list[str] = []
    for piece in request.pieces:
        if isinstance(piece, str):
            found.append(piece)
        else:
            start, count = piece
            found += before[start : start + count]
    return found


def _request(request: SentPieces | None, pieces: list[str]) -> RequestSent | None:
    if request is None:
        return None
    body = "".join(pieces)
    if len(pieces) > 1:
        body = pieces[0] + request.separator.join(pieces[1:-1]) + pieces[-1]
    return RequestSent(
        request.method, request.url, request.headers, body.encode("utf-8", "surrogatepass")
    )

"""Request bodies, stored as references to pieces that they share with earlier bodies.

Each turn of a session sends the whole history again; a message's bytes are stored once.
A body is rebuilt byte for byte.
"""

import hashlib
import json
import sqlite3
import zlib
from array import array
from contextlib import suppress
from json.decoder import JSONDecoder

from replyscope.domain.event import RequestSent
from replyscope.store.codec import DAMAGE

_LISTS = ('"messages":', '"input":')


def split_body(body: bytes) -> tuple[str, list[bytes]]:
    """Split a body into (separator, pieces): the head, each message, and the tail.

    The body is `pieces[0] + separator.join(pieces[1:-1]) + pieces[-1]`. A body without
    that form is one piece.
    """
    try:
        text = body.decode("utf-8")
        spans = _element_spans(text)
    except ValueError:
        return "", [body]
    if len(spans) < 2:
        return "", [body]
    separator = text[spans[0][1] : spans[1][0]]
    elements = [text[start:end].encode() for start, end in spans]
    pieces = [text[: spans[0][0]].encode(), *elements, text[spans[-1][1] :].encode()]
    return (separator, pieces) if join_body(separator, pieces) == body else ("", [body])


def join_body(separator: str, pieces: list[bytes]) -> bytes:
    """The body from the pieces of `split_body`."""
    if len(pieces) == 1:
        return pieces[0]
    return pieces[0] + separator.encode().join(pieces[1:-1]) + pieces[-1]


def _element_spans(text: str) -> list[tuple[int, int]]:
    starts = [text.find(name) for name in _LISTS if name in text]
    if not starts:
        return []
    position = text.find("[", min(starts)) + 1
    decoder = JSONDecoder()
    spans: list[tuple[int, int]] = []
    while 0 < position < len(text):
        while text[position] in " \n\r\t,":
            position += 1
        if text[position] == "]":
            break
        _, end = decoder.raw_decode(text, position)
        spans.append((position, end))
        position = end
    return spans


def save_request(connection: sqlite3.Connection, exchange_id: str, sent: RequestSent) -> None:
    """Save a request; it replaces an earlier try of the same exchange."""
    separator, pieces = split_body(sent.body)
    ids = array("q", [_piece_id(connection, piece) for piece in pieces])
    connection.execute(
        "INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?, ?)",
        (exchange_id, sent.method, sent.url, json.dumps(sent.headers), separator, ids.tobytes()),
    )


def load_request(connection: sqlite3.Connection, exchange_id: str) -> RequestSent | None:
    """The request of an exchange, rebuilt; None when none was recorded, or it is damaged."""
    row = connection.execute(
        "SELECT method, url, headers, separator, pieces FROM request WHERE exchange_id = ?",
        (exchange_id,),
    ).fetchone()
    if row is None:
        return None
    with suppress(*DAMAGE):
        return rebuild_request(connection, *row)
    return None


def rebuild_request(
    connection: sqlite3.Connection,
    method: str,
    url: str,
    headers: str,
    separator: str,
    packed: bytes,
) -> RequestSent:
    """The request from a row's columns. Raises one of `codec.DAMAGE` for a damaged row."""
    ids = array("q")
    ids.frombytes(packed)
    pieces = [
        zlib.decompress(
            connection.execute("SELECT data FROM piece WHERE id = ?", (piece_id,)).fetchone()[0]
        )
        for piece_id in ids
    ]
    pairs = tuple((name, value) for name, value in json.loads(headers))
    return RequestSent(method, url, pairs, join_body(separator, pieces))


def _piece_id(connection: sqlite3.Connection, piece: bytes) -> int:
    digest = hashlib.sha256(piece).digest()
    row = connection.execute("SELECT id FROM piece WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO piece (digest, data) VALUES (?, ?) RETURNING id",
            (digest, zlib.compress(piece, 6)),
        ).fetchone()
    return int(row[0])

"""Request bodies, stored as references to pieces that they share with earlier bodies.

Each turn of a session sends the whole history again; a message's bytes are stored once.
A body is rebuilt byte for byte.
"""

import hashlib
import json
import sqlite3
import zlib
from array import array
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from json.decoder import JSONDecoder

from replyscope.domain.event import RequestSent
from replyscope.store.codec import DAMAGE

_LISTS = ("messages", "input")
_BLANKS = " \n\r\t"
_AT_ONCE = 500
"""The digests of one SELECT; SQLite allows 999 parameters in old versions."""
_WIDTH = 8


def split_body(body: bytes) -> tuple[str, list[bytes]]:
    """Split a body into (separator, pieces): the head, each message, and the tail.

    The body is `pieces[0] + separator.join(pieces[1:-1]) + pieces[-1]`. A body without
    that form is one piece.
    """
    try:
        text = body.decode("utf-8")
        spans = _element_spans(text)
    except (ValueError, IndexError, RecursionError):
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
    """The places of the messages in a body. Raises ValueError or IndexError for other texts."""
    decoder = JSONDecoder()
    position = _list_start(text, decoder)
    spans: list[tuple[int, int]] = []
    while position:
        position = _skip(text, position, _BLANKS + ",")
        if text[position] == "]":
            break
        _, end = decoder.raw_decode(text, position)
        spans.append((position, end))
        position = end
    return spans


def _list_start(text: str, decoder: JSONDecoder) -> int:
    """The place after the bracket of the list of messages, which is a field of the outer object;
    0 without one.
    """
    position = _skip(text, 0, _BLANKS)
    while text[position] in "{,":
        position = _skip(text, position + 1, _BLANKS)
        if text[position] == "}":
            break
        name, position = decoder.raw_decode(text, position)
        position = _skip(text, position, _BLANKS)
        if text[position] != ":":
            break
        position = _skip(text, position + 1, _BLANKS)
        if name in _LISTS and text[position] == "[":
            return position + 1
        _, position = decoder.raw_decode(text, position)
        position = _skip(text, position, _BLANKS)
    return 0


def _skip(text: str, position: int, characters: str) -> int:
    while text[position] in characters:
        position += 1
    return position


def pack_ids(ids: Sequence[int]) -> bytes:
    """The ids of pieces as bytes. Each request of a growing history has all earlier ids again, so
    their differences are compressed. The length is never a multiple of _WIDTH.
    """
    steps = array("q", (one - before for before, one in pairwise((0, *ids))))
    packed = zlib.compress(steps.tobytes(), 6)
    return packed if len(packed) % _WIDTH else packed + b"\0"


def unpack_ids(packed: bytes) -> list[int]:
    """The ids of `pack_ids`; older files have them uncompressed, with _WIDTH bytes each."""
    ids = array("q")
    if len(packed) % _WIDTH == 0:
        ids.frombytes(packed)
        return list(ids)
    ids.frombytes(zlib.decompressobj().decompress(packed))
    return list(accumulate(ids))


def save_request(connection: sqlite3.Connection, exchange_id: str, sent: RequestSent) -> None:
    """Save a request; it replaces an earlier try of the same exchange."""
    separator, pieces = split_body(sent.body)
    insert_request(connection, exchange_id, sent, separator, piece_ids(connection, pieces))


def insert_request(
    connection: sqlite3.Connection,
    exchange_id: str,
    sent: RequestSent,
    separator: str,
    ids: Sequence[int],
) -> None:
    """Save the row of a request, with the ids of the pieces of its body."""
    connection.execute(
        "INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?, ?)",
        (exchange_id, sent.method, sent.url, json.dumps(sent.headers), separator, pack_ids(ids)),
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
    pieces = [
        zlib.decompress(
            connection.execute("SELECT data FROM piece WHERE id = ?", (piece_id,)).fetchone()[0]
        )
        for piece_id in unpack_ids(packed)
    ]
    pairs = tuple((name, value) for name, value in json.loads(headers))
    return RequestSent(method, url, pairs, join_body(separator, pieces))


def piece_ids(connection: sqlite3.Connection, pieces: Sequence[bytes]) -> list[int]:
    """The ids of pieces; new ones are saved."""
    digests = [hashlib.sha256(piece).digest() for piece in pieces]
    known: dict[bytes, int] = {}
    for first in range(0, len(digests), _AT_ONCE):
        some = digests[first : first + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        known |= connection.execute(
            f"SELECT digest, id FROM piece WHERE digest IN ({marks})", some
        ).fetchall()
    for digest, piece in zip(digests, pieces, strict=True):
        if digest not in known:
            row = connection.execute(
                "INSERT INTO piece (digest, data) VALUES (?, ?) RETURNING id",
                (digest, zlib.compress(piece, 6)),
            ).fetchone()
            known[digest] = int(row[0])
    return [known[digest] for digest in digests]

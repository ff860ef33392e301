"""Stores the bodies of entries, and parses them as far as the review needs them.

A body comes from another machine: one that is damaged or encrypted is only stored.
"""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from replyscope.domain.errors import HubError
from replyscope.domain.exchange import Exchange
from replyscope.domain.hub import EntryKind, HubEntry
from replyscope.domain.hub_bodies import is_valid_id, read_message, read_session
from replyscope.domain.hub_merge import StampedField
from replyscope.domain.import_faults import DATA_FAULTS
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.json_values import exchange_from_json
from replyscope.domain.message import Message

_MOST_BYTES = 512 * 1024 * 1024
"""The most bytes of a body after decompression."""

_FRAMES = b',"frames":['


@dataclass(frozen=True, slots=True)
class PlacedExchange:
    """An exchange without its wire, and the messages of its choices."""

    exchange: Exchange
    message_id: str
    message_ids: tuple[str, ...]


Body = Mapping[str, StampedField] | Message | PlacedExchange | None


def pack(body: bytes) -> bytes:
    """The stored form of a body."""
    return zlib.compress(body, 1)


def unpack(data: bytes) -> bytes:
    """The body that was stored. Raises HubError when it is damaged, or too large."""
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise HubError(
            "An entry of the hub is damaged.", "The machine that sent it can send it again."
        ) from error
    if not inflater.eof:
        raise HubError("An entry of the hub is cut off or too large.", "")
    return body


def read_body(entry: HubEntry) -> Body:
    """The content of an entry: the fields of a session, a message, or an exchange.

    None for a purge, and for an entry that cannot be read.
    """
    try:
        match entry.kind:
            case EntryKind.SESSION:
                return read_session(entry.body)
            case EntryKind.MESSAGE:
                return read_message(entry)[0]
            case EntryKind.EXCHANGE:
                return _read_placed(entry.body)
            case EntryKind.PURGE:
                return None
    except DATA_FAULTS:
        return None


def _read_placed(body: bytes) -> PlacedExchange:
    """The exchange of a body. Unlike `read_exchange` it leaves out the frames: parsing and checking
    each one takes most of the time of a push, and of its memory.
    """
    value = _without_frames(body)
    first = value["message_id"]
    homes = tuple(dict.fromkeys((first, *(row[0] for row in value.get("sources", ())))))
    if not all(map(is_valid_id, homes)):
        raise ValueError("a message has an id that is not valid")
    return PlacedExchange(exchange_from_json(value["exchange"]), first, homes)


def _without_frames(body: bytes) -> Any:
    """The value of a body, without its frames where they are the last field, as we write it.

    A quote within a text is escaped, so these bytes can only be the name of a field; if that
    field is not one of the body itself, the part before it is no JSON.
    """
    end = body.rfind(_FRAMES)
    if end > 0 and body.endswith(b"]}"):
        with suppress(ValueError):
            return read_bounded_json(_closed(body, end))
    return read_bounded_json(body)


def _closed(body: bytes, end: int) -> str:
    """The text of a body up to a place, as an object. It is copied once: a body may have 60 MB."""
    text = str(memoryview(body)[:end], "utf-8")
    text += "}"  # CPython extends a text that nobody else has in its place
    return text

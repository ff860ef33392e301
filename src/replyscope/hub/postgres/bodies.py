"""Parses the bodies of a hub's entries, as far as the review needs them.

A body comes from another machine: a damaged one yields None, and is only stored.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replyscope.domain.errors import HubError
from replyscope.domain.exchange import Exchange
from replyscope.domain.hub import EntryKind, HubEntry
from replyscope.domain.json_values import exchange_from_json, parts_from_json
from replyscope.domain.message import Part, TextPart

_MOST_BYTES = 512 * 1024 * 1024
"""The most bytes of a body after decompression."""
DAMAGE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class SessionChange:
    """The stamped fields of a session: (value as JSON, ms, counter, machine) by name."""

    fields: Mapping[str, tuple[str, int, int, str]]
    created_at: int | None = None
    updated_at: int | None = None


@dataclass(frozen=True, slots=True)
class TreeMessage:
    """A message in the tree of its session, with its parts as JSON."""

    parent_id: str | None
    role: str
    created_at: int
    parts: tuple[Part, ...]
    sources: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SentExchange:
    """An exchange, its first message, and the messages of all of its choices."""

    exchange: Exchange
    message_id: str
    message_ids: tuple[str, ...]
    wire: Mapping[str, Any] = field(default_factory=dict)


Body = SessionChange | TreeMessage | SentExchange | None


def pack(body: bytes) -> bytes:
    """A body as it is stored."""
    return zlib.compress(body, 6)


def unpack(data: bytes) -> bytes:
    """The body that was stored. Raises HubError when it is damaged, or too large."""
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise HubError(
            "An entry of the hub is damaged.", "Its machine can send it again."
        ) from error
    if not inflater.eof:
        raise HubError("An entry of the hub is cut off or too large.", "")
    return body


def read_body(entry: HubEntry) -> Body:
    """The content of an entry; None for one that is damaged, encrypted or a purge."""
    return parse_body(entry.kind, entry.body)


def parse_body(kind: EntryKind, body: bytes) -> Body:
    """See `read_body`."""
    try:
        value = json.loads(body)
        match kind:
            case EntryKind.SESSION:
                return _session(value)
            case EntryKind.MESSAGE:
                return _message(value)
            case EntryKind.EXCHANGE:
                return _exchange(value)
    except DAMAGE:
        pass
    return None


def _session(value: Mapping[str, Any]) -> SessionChange:
    stamps = value["stamps"]
    fields = {
        str(name): (json.dumps(one), int(stamps[name][0]), int(stamps[name][1]), stamps[name][2])
        for name, one in value["fields"].items()
    }
    return SessionChange(fields, value.get("created_at"), value.get("updated_at"))


def _message(value: Mapping[str, Any]) -> TreeMessage:
    try:
        parts = parts_from_json(value["parts"])
    except DAMAGE:
        parts = (TextPart("[This message is damaged and can't be read.]"),)
    sources = tuple((str(one[0]), int(one[1])) for one in value.get("sources") or ())
    parent = value.get("parent_id")
    return TreeMessage(
        parent if parent is None else str(parent),
        str(value["role"]),
        int(value["created_at"]),
        parts,
        sources,
    )


def _exchange(value: Mapping[str, Any]) -> SentExchange:
    first = str(value["message_id"])
    others = (str(one[0]) for one in value.get("sources") or ())
    wire = {name: value.get(name) for name in ("frames", "request")}
    exchange = exchange_from_json(value["exchange"])
    return SentExchange(exchange, first, tuple(dict.fromkeys((first, *others))), wire)

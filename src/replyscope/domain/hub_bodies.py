"""The bodies of hub entries: JSON of a session's fields, a message, or an exchange.

What comes from a hub is data of unknown origin: the readers validate each value, and raise
ValueError for anything that cannot be saved. Unknown fields are ignored.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.field_types import check_fields
from replyscope.domain.hub import HubEntry, Stamp
from replyscope.domain.hub_merge import (
    CREATED,
    HEAD,
    UPDATED,
    Fields,
    StampedField,
    settings_of_fields,
)
from replyscope.domain.import_faults import DATA_FAULTS
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.json_values import (
    exchange_from_json,
    from_ms,
    parts_from_json,
    settings_from_json,
)
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.session import SessionSettings

UNSHARED = "is_unshared"
"""The field of a session that was withdrawn from the hub."""
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_LONGEST_NAME = 300
_MOST_FIELDS = 20_000
_TIMES = (CREATED, UPDATED)
_MAYBE_TIMES = ("deleted_at", "pinned_at", "archived_at")
_TEXTS = ("title", "source", "client")
_FLAGS = ("is_title_given", UNSHARED)
_LATEST_MS = 2**53


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One exchange of a message. `is_foreign` is true when it belongs to another session."""

    message_id: str
    position: int
    exchange_id: str
    choice_index: int
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class SentPieces:
    """A request, as pieces of its body: texts, or runs (start, count) of the pieces of the
    request of the exchange `previous`, which has `of` pieces.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    separator: str
    pieces: tuple[str | tuple[int, int], ...]
    previous: str | None = None
    of: int = 0


@dataclass(frozen=True, slots=True)
class ExchangeBody:
    """An exchange with its place in the tree and its wire."""

    exchange: Exchange
    message_id: str
    position: int
    choice_index: int
    sources: tuple[SourceRow, ...]
    frames: tuple[WireFrame, ...]
    request: SentPieces | None


def stamp_to_json(stamp: Stamp) -> list[Any]:
    """A stamp as a JSON list."""
    return [stamp.at_ms, stamp.counter, stamp.machine]


def read_stamp(value: Any) -> Stamp:
    """The stamp of `stamp_to_json`. Raises ValueError."""
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError("a stamp is not a list of three values")
    at_ms, counter, machine = value
    return Stamp(_whole(at_ms), _whole(counter), _id(machine) if machine else "")


def session_body(fields: Fields) -> bytes:
    """The body of a session."""
    given = {name: [one.value, stamp_to_json(one.stamp)] for name, one in sorted(fields.items())}
    return json.dumps({"fields": given}, separators=(",", ":")).encode("ascii")


def read_session(body: bytes) -> dict[str, StampedField]:
    """The fields of a session's body. Raises ValueError."""
    given = _object(body).get("fields")
    if not isinstance(given, dict) or len(given) > _MOST_FIELDS:
        raise ValueError("a session has no fields, or too many")
    found = {}
    for name, pair in given.items():
        if not isinstance(pair, list) or len(pair) != 2 or len(name) > _LONGEST_NAME:
            raise ValueError(f"the field {name[:40]!r} of a session is not a value and a stamp")
        _check_field(name, pair[0])
        found[name] = StampedField(pair[0], read_stamp(pair[1]))
    return found


def _check_field(name: str, value: Any) -> None:
    if name in _TIMES or (name in _MAYBE_TIMES and value is not None):
        _whole(value)
    elif name in _TEXTS and not (isinstance(value, str) and len(value) <= 100_000):
        raise ValueError(f"{name} is not a text")
    elif (name in _FLAGS or name.startswith("tag:")) and not isinstance(value, bool):
        raise ValueError(f"{name[:40]} is not true or false")
    elif name == HEAD and value is not None:
        _id(value)


def read_settings(fields: Fields) -> SessionSettings:
    """The settings of a session's fields; the defaults if a value is damaged, or of a newer
    version.
    """
    values = {name: one.value for name, one in fields.items()}
    try:
        return settings_from_json(settings_of_fields(values))
    except DATA_FAULTS:
        return SessionSettings()


def read_message(entry: HubEntry) -> tuple[Message, tuple[SourceRow, ...]]:
    """The message of an entry, and the exchanges of its text. Raises ValueError."""
    value = _object(entry.body)
    try:
        sources = tuple(
            SourceRow(_id(entry.id), place, _id(row[0]), _small(row[1]), bool(row[2:3]))
            for place, row in enumerate(value.get("sources", ()))
        )
        message = Message(
            id=_id(entry.id),
            role=Role(value["role"]),
            parts=parts_from_json(value.get("parts", ())),
            created_at=from_ms(_whole(value["created_at"])),
            parent_id=_id(value["parent_id"]) if value.get("parent_id") is not None else None,
            sources=tuple(ReplySource(row.exchange_id, row.choice_index) for row in sources),
        )
        check_fields(message)
    except DATA_FAULTS as error:
        raise ValueError(f"the message {entry.id[:80]!r} can't be read ({error})") from error
    return message, sources


def read_exchange(entry: HubEntry) -> ExchangeBody:
    """The exchange of an entry. Raises ValueError."""
    value = _object(entry.body)
    try:
        exchange = exchange_from_json(value["exchange"])
        check_fields(exchange)
        if exchange.id != _id(entry.id) or not exchange.state.is_terminal:
            raise ValueError("it has another id, or has not ended")
        frames = tuple(WireFrame(_ms(at), _text(text)) for at, text in value.get("frames", ()))
        return ExchangeBody(
            exchange,
            _id(value["message_id"]),
            _small(value["position"]),
            _small(value["choice_index"]),
            tuple(
                SourceRow(_id(row[0]), _small(row[1]), entry.id, _small(row[2]))
                for row in value.get("sources", ())
            ),
            frames,
            read_request(value.get("request")),
        )
    except DATA_FAULTS as error:
        raise ValueError(f"the reply {entry.id[:80]!r} can't be read ({error})") from error


def read_request(value: Any) -> SentPieces | None:
    """The request of an exchange's body. Raises one of DATA_FAULTS."""
    if value is None:
        return None
    headers = tuple((_text(name), _text(text)) for name, text in value["headers"])
    previous = value.get("previous")
    pieces = tuple(
        one if isinstance(one, str) else (_small(one[0]), _small(one[1])) for one in value["pieces"]
    )
    return SentPieces(
        _text(value["method"]),
        _text(value["url"]),
        headers,
        _text(value["separator"]),
        pieces,
        _id(previous) if previous is not None else None,
        _small(value.get("of", 0)),
    )


def is_valid_id(text: object) -> bool:
    """Whether an id has only plain characters, and not too many."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def _object(body: bytes) -> Mapping[str, Any]:
    value = read_bounded_json(body)
    if not isinstance(value, dict):
        raise ValueError("the body of an entry is not a JSON object")
    return value


def _id(value: Any) -> str:
    if not is_valid_id(value):
        raise ValueError(f"{str(value)[:80]!r} is not a valid id")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a value is not a text")
    return value


def _ms(value: Any) -> float:
    if type(value) not in (int, float) or not abs(value) < _LATEST_MS:
        raise ValueError(f"{str(value)[:40]} is not a time")
    return float(value)


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LATEST_MS:
        raise ValueError(f"{str(value)[:40]} is not a time or counter")
    return value


def _small(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1_000_000:
        raise ValueError(f"{str(value)[:40]} is not a place or count")
    return value


def joined_json(lists: Sequence[bytes]) -> bytes:
    """One JSON list of the members of several, without parsing them."""
    members = [one.strip()[1:-1] for one in lists]
    return b"[" + b",".join(one for one in members if one.strip()) + b"]"

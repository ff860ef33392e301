"""Encodes domain values as database columns, and decodes them."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.json_values import (
    exchange_from_json,
    exchange_to_json,
    parts_from_json,
    parts_to_json,
    settings_from_json,
    settings_to_json,
)
from replyscope.domain.message import Part, TextPart
from replyscope.domain.session import SessionSettings

DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
"""The errors that decoding a damaged column may raise. Only that column's value is lost."""


_ITEMS = 64
"""The items of a list that are encoded at once."""

# Lone surrogates can't be stored as UTF-8; ASCII escapes carry them.
_dumps = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def encode_parts(parts: Sequence[Part]) -> str:
    """A message's parts as JSON."""
    return _dumps(parts_to_json(parts))


def decode_parts(text: str) -> tuple[Part, ...]:
    """The parts of `encode_parts`."""
    return parts_from_json(json.loads(text))


def read_parts(text: str) -> tuple[Part, ...]:
    """The parts of a saved message. Damaged parts are replaced by a sentence that says so."""
    try:
        return decode_parts(text)
    except DAMAGE:
        return (TextPart("[This message is damaged and can't be read.]"),)


def encode_settings(settings: SessionSettings) -> str:
    """A session's settings as JSON."""
    return _dumps(settings_to_json(settings))


def decode_settings(text: str) -> SessionSettings:
    """The settings of `encode_settings`."""
    return settings_from_json(json.loads(text))


def read_settings(text: str) -> SessionSettings:
    """The saved settings; the defaults when they are damaged."""
    try:
        return decode_settings(text)
    except DAMAGE:
        return SessionSettings()


def encode_exchange(exchange: Exchange) -> bytes:
    """A folded exchange, compressed."""
    return _compress(_texts_of_object(exchange_to_json(exchange)))


def decode_exchange(data: bytes) -> Exchange:
    """The exchange of `encode_exchange`."""
    return exchange_from_json(json.loads(str(zlib.decompress(data), "ascii")))


def encode_frames(frames: Sequence[WireFrame]) -> bytes:
    """A journal segment, compressed."""
    return _compress(_texts_of_list([(round(frame.at_ms, 3), frame.text) for frame in frames]))


def decode_frames(data: bytes) -> list[WireFrame]:
    """The frames of `encode_frames`."""
    return [WireFrame(at_ms, text) for at_ms, text in json.loads(zlib.decompress(data))]


def _compress(texts: Iterable[str]) -> bytes:
    """ASCII texts, compressed piece by piece: a reply may have 64 MB, whose JSON is never in
    memory as a whole.
    """
    packer = zlib.compressobj(1)
    packed = [packer.compress(text.encode("ascii")) for text in texts]
    return b"".join((*packed, packer.flush()))


def _texts_of_object(value: Mapping[str, object]) -> Iterator[str]:
    """The JSON of an object in pieces: its fields, and parts of their lists."""
    before = "{"
    for name, field in value.items():
        yield f"{before}{_dumps(name)}:"
        before = ","
        if isinstance(field, list | tuple):
            yield from _texts_of_list(field)
        else:
            yield _dumps(field)
    yield "}"


def _texts_of_list(items: Sequence[object]) -> Iterator[str]:
    """The JSON of a list in pieces, each with a number of its items."""
    yield "["
    for start in range(0, len(items), _ITEMS):
        yield ("," if start else "") + _dumps(items[start : start + _ITEMS])[1:-1]
    yield "]"

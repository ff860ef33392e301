"""Encodes domain values as database columns, and decodes them."""

import json
import zlib
from collections.abc import Sequence

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
from replyscope.store.packing import dumps, pack, texts_of, texts_of_object

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


def encode_parts(parts: Sequence[Part]) -> str:
    """A message's parts as JSON."""
    return "".join(texts_of(parts_to_json(parts)))


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
    return dumps(settings_to_json(settings))


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
    return pack(texts_of_object(exchange_to_json(exchange)))


def decode_exchange(data: bytes) -> Exchange:
    """The exchange of `encode_exchange`."""
    return exchange_from_json(json.loads(str(zlib.decompress(data), "ascii")))

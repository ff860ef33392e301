"""Compressed JSON: texts are written and compressed in pieces.

A reply may have 64 MB, whose JSON is never in memory as a whole.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

_ITEMS = 64
"""The items of a list that are encoded at once."""

# Lone surrogates can't be stored as UTF-8; ASCII escapes carry them.
dumps = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def pack(texts: Iterable[str], level: int = 1) -> bytes:
    """ASCII texts, compressed piece by piece."""
    packer = zlib.compressobj(level)
    packed = [packer.compress(text.encode("ascii")) for text in texts]
    return b"".join((*packed, packer.flush()))


def texts_of_object(value: Mapping[str, object]) -> Iterator[str]:
    """The JSON of an object in pieces: its fields, and parts of their lists."""
    before = "{"
    for name, field in value.items():
        yield f"{before}{dumps(name)}:"
        before = ","
        if isinstance(field, list | tuple):
            yield from texts_of_list(field)
        else:
            yield dumps(field)
    yield "}"


def texts_of_list(items: Sequence[object]) -> Iterator[str]:
    """The JSON of a list in pieces, each with a number of its items."""
    yield "["
    for start in range(0, len(items), _ITEMS):
        yield ("," if start else "") + dumps(items[start : start + _ITEMS])[1:-1]
    yield "]"

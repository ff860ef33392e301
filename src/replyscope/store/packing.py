"""Compressed JSON: texts are written and compressed in pieces.

A reply may have 64 MB, whose JSON is never in memory as a whole.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

_ITEMS = 64
"""The items of a list that are encoded at once."""
_LONG = 256 * 1024
"""The characters that are encoded at once. Python encodes and searches a text without letting other
threads run, and the thread that draws keys is one of them: a text of 20 MB took 80 ms.
"""

# Lone surrogates can't be stored as UTF-8; ASCII escapes carry them.
dumps = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def pack(texts: Iterable[str], level: int = 1) -> bytes:
    """ASCII texts, compressed piece by piece."""
    packer = zlib.compressobj(level)
    packed = [packer.compress(text.encode("ascii")) for text in texts]
    return b"".join((*packed, packer.flush()))


def texts_of_object(value: Mapping[str, object]) -> Iterator[str]:
    """The JSON of an object in pieces: parts of lists and long texts, and the fields between. One
    piece if the object is small, as nearly every reply is.
    """
    if _room_after(value, _LONG) > 0:
        yield dumps(value)
        return
    before = "{"
    between: dict[str, object] = {}
    for name, field in value.items():
        if not isinstance(field, list | tuple) and _is_short(field):
            between[name] = field
            continue
        if between:
            yield f"{before}{dumps(between)[1:-1]}"
            before, between = ",", {}
        yield f"{before}{dumps(name)}:"
        before = ","
        yield from texts_of(field)
    yield f"{before}{dumps(between)[1:]}" if between or before == "{" else "}"


def texts_of_list(items: Sequence[object]) -> Iterator[str]:
    """The JSON of a list in pieces, each with a number of its items or with a part of one."""
    yield "["
    for start in range(0, len(items), _ITEMS):
        some = items[start : start + _ITEMS]
        if all(map(_is_short, some)):
            yield ("," if start else "") + dumps(some)[1:-1]
            continue
        for number, item in enumerate(some, start):
            if number:
                yield ","
            yield from texts_of(item)
    yield "]"


def texts_of(value: object) -> Iterator[str]:
    """The JSON of a value in pieces."""
    if _is_short(value):
        yield dumps(value)
    elif isinstance(value, str):
        yield '"'
        for start in range(0, len(value), _LONG):
            yield dumps(value[start : start + _LONG])[1:-1]
        yield '"'
    elif isinstance(value, Mapping):
        yield from texts_of_object(value)
    elif isinstance(value, list | tuple):
        yield from texts_of_list(value)


def _room_after(value: object, room: int) -> int:
    """What is left of some characters after the texts and items of a value; 0 or less if they are
    more. It does not look at the rest of a large value.
    """
    kind = type(value)
    if kind is str:
        return room - len(value)  # type: ignore[arg-type]
    if kind not in (dict, list, tuple):
        return room - 1
    inner: Iterable[object] = value.values() if isinstance(value, dict) else value  # type: ignore[assignment]
    for one in inner:
        room = _room_after(one, room - 1)
        if room <= 0:
            break
    return room


def _is_short(value: object) -> bool:
    """Whether a value has no long text."""
    if isinstance(value, str):
        return len(value) <= _LONG
    if isinstance(value, dict):
        return all(map(_is_short, value.values()))
    return not isinstance(value, list | tuple) or all(map(_is_short, value))

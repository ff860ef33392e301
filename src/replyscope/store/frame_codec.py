"""Encodes the frames of a journal, which nearly repeat each other, and decodes them.

A frame of a stream is some hundred characters of which a few are new. A segment has four lists:
the times as differences, the numbers of characters at the start and at the end of each frame that
the frame before it has too, and what is between them. Older segments are a list of pairs.
"""

import json
import math
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from replyscope.domain.event import WireFrame
from replyscope.domain.unicode_text import join_halves
from replyscope.store.packing import dumps, pack, texts_of_list

_COLUMNS = b"\x01"
"""The first byte of a segment in columns; a compressed list of pairs begins with another."""
_LEVEL = 6
_MOST_MS = 1e12
_NEAR = 16
"""The characters that are compared one by one: a guess is rarely further off."""


def encode_frames(frames: Sequence[WireFrame]) -> bytes:
    """A journal segment, compressed. Times are rounded to microseconds."""
    if not all(math.isfinite(one.at_ms) and abs(one.at_ms) < _MOST_MS for one in frames):
        return pack(texts_of_list([(round(frame.at_ms, 3), frame.text) for frame in frames]))
    times = [round(round(frame.at_ms, 3) * 1000) for frame in frames]
    steps = [now - before for before, now in zip([0, *times], times, strict=False)]
    heads, tails, middles = _differences([join_halves(frame.text) for frame in frames])
    return _COLUMNS + pack(_texts_of_columns(steps, heads, tails, middles), _LEVEL)


def decode_frames(data: bytes) -> list[WireFrame]:
    """The frames of `encode_frames`. Raises one of `codec.DAMAGE`."""
    if data[:1] != _COLUMNS:
        return [WireFrame(at_ms, text) for at_ms, text in json.loads(zlib.decompress(data))]
    frames: list[WireFrame] = []
    time, text = 0, ""
    for step, head, tail, middle in zip(*json.loads(zlib.decompress(data[1:])), strict=True):
        time += step
        text = text[:head] + middle + text[len(text) - tail :]
        frames.append(WireFrame(time / 1000, text))
    return frames


def frames_as_json(data: bytes) -> bytes:
    """The frames of `encode_frames` as the JSON of pairs of time and text, in ASCII."""
    if data[:1] != _COLUMNS:
        return zlib.decompress(data)
    return dumps([(frame.at_ms, frame.text) for frame in decode_frames(data)]).encode("ascii")


def _texts_of_columns(*columns: Sequence[object]) -> Iterator[str]:
    for number, column in enumerate(columns):
        yield "," if number else "["
        yield from texts_of_list(column)
    yield "]"


def _differences(texts: Sequence[str]) -> tuple[list[int], list[int], list[str]]:
    """What each text has in common with the one before it at its start and end, and the rest."""
    heads: list[int] = []
    tails: list[int] = []
    middles: list[str] = []
    before, head, tail = "", 0, 0
    for text in texts:
        head = _common_head(before, text, head)
        most = min(len(before), len(text)) - head
        tail = _common_tail(before, text, min(tail, most), most)
        heads.append(head)
        tails.append(tail)
        middles.append(text[head : len(text) - tail])
        before = text
    return heads, tails, middles


def _common_head(one: str, two: str, guess: int) -> int:
    """The number of equal characters at the start of two texts; `guess` is nearly right."""
    most = min(len(one), len(two))
    guess = min(guess, most)
    if one[:guess] != two[:guess]:
        guess = bisect_left(range(guess), 1, key=lambda count: one[: count + 1] != two[: count + 1])
    near = min(guess + _NEAR, most)
    while guess < near and one[guess] == two[guess]:
        guess += 1
    if guess < near or guess == most:
        return guess
    return _go_on(lambda start, end: one[start:end] == two[start:end], guess, most)


def _common_tail(one: str, two: str, guess: int, most: int) -> int:
    """The number of equal characters at the end of two texts, up to `most`."""
    if guess and one[-guess:] != two[-guess:]:
        guess = bisect_left(
            range(guess), 1, key=lambda count: one[-count - 1 :] != two[-count - 1 :]
        )
    near = min(guess + _NEAR, most)
    while guess < near and one[-guess - 1] == two[-guess - 1]:
        guess += 1
    if guess < near or guess == most:
        return guess
    first, second = len(one), len(two)
    return _go_on(
        lambda start, end: one[first - end : first - start] == two[second - end : second - start],
        guess,
        most,
    )


def _go_on(is_equal: Callable[[int, int], bool], known: int, most: int) -> int:
    """How many characters are equal, of `most`, in steps that double; `known` ones are.

    Long frames that repeat each other kept this thread busy one character at a time, and keys
    waited for it.
    """
    step = _NEAR
    while known + step <= most and is_equal(known, known + step):
        known += step
        step *= 2
    candidates = range(known, min(known + step - 1, most))
    return known + bisect_left(candidates, 1, key=lambda count: not is_equal(known, count + 1))

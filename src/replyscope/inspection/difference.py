"""Computes the differences between two sequences, in bounded time and memory. Pure.

rapidfuzz finds the longest common subsequence in time and memory proportional to the product
of the lengths. Long sequences are split first at anchors: short runs of items that occur
exactly once in both. The sections between anchors are compared separately.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rapidfuzz.distance import Indel

_MOST_PAIRS = 60_000_000
"""The most pairs of items per comparison: about 8 MB and some 20 ms in rapidfuzz."""
_SHINGLE = 6


@dataclass(frozen=True, slots=True)
class Stretch:
    """A pair of ranges with the same items in both sequences, or with different ones."""

    first: tuple[int, int]
    second: tuple[int, int]
    is_same: bool


def differences(a: Sequence[str], b: Sequence[str]) -> tuple[Stretch, ...]:
    """Divide both sequences into stretches that are alternately equal and different.

    An equal stretch that is at most half as long as both of its neighbours counts as
    different: a single common word between two rewritten sentences is a coincidence.
    """
    return tuple(_tidied(list(_stretches(a, b)), a, b))


def _stretches(a: Sequence[str], b: Sequence[str]) -> Iterator[Stretch]:
    least = min(len(a), len(b))
    head = next((n for n in range(least) if a[n] != b[n]), least)
    rest = least - head
    tail = next((n for n in range(rest) if a[-1 - n] != b[-1 - n]), rest)
    yield Stretch((0, head), (0, head), is_same=True)
    start_a = start_b = head
    end_a, end_b = len(a) - tail, len(b) - tail
    inner = _anchors(a[head:end_a], b[head:end_b])
    for at_a, at_b in [*((head + x, head + y) for x, y in inner), (end_a, end_b)]:
        yield from _compared(a, b, (start_a, at_a), (start_b, at_b))
        start_a, start_b = at_a, at_b
    yield Stretch((end_a, len(a)), (end_b, len(b)), is_same=True)


def _compared(
    a: Sequence[str], b: Sequence[str], first: tuple[int, int], second: tuple[int, int]
) -> Iterator[Stretch]:
    (a1, a2), (b1, b2) = first, second
    if (a2 - a1) * (b2 - b1) > _MOST_PAIRS:
        yield Stretch(first, second, is_same=False)
        return
    for op in Indel.opcodes(a[a1:a2], b[b1:b2]):
        yield Stretch(
            (a1 + op.src_start, a1 + op.src_end),
            (b1 + op.dest_start, b1 + op.dest_end),
            is_same=op.tag == "equal",
        )


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """The anchors of two long sequences, in increasing order; none for short ones."""
    if len(a) * len(b) <= _MOST_PAIRS:
        return []
    places_a, places_b = _unique_places(a), _unique_places(b)
    shared = [(at, places_b[key]) for key, at in places_a.items() if key in places_b]
    return _increasing(sorted(shared))


def _unique_places(items: Sequence[str]) -> dict[tuple[str, ...], int]:
    """The index of each run of items that occurs exactly once."""
    places: dict[tuple[str, ...], int] = {}
    for at in range(len(items) - _SHINGLE + 1):
        key = tuple(items[at : at + _SHINGLE])
        places[key] = -1 if key in places else at
    return {key: at for key, at in places.items() if at >= 0}


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of sorted pairs in which the second numbers increase."""
    tails: list[int] = []
    numbers: list[int] = []
    before: list[int] = []
    for number, (_, at_b) in enumerate(pairs):
        slot = bisect_left(tails, at_b)
        before.append(numbers[slot - 1] if slot else -1)
        if slot == len(tails):
            tails.append(at_b)
            numbers.append(number)
        else:
            tails[slot], numbers[slot] = at_b, number
    found: list[tuple[int, int]] = []
    at = numbers[-1] if numbers else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def _tidied(stretches: Sequence[Stretch], a: Sequence[str], b: Sequence[str]) -> list[Stretch]:
    sizes_a = [0, *accumulate(map(len, a))]
    sizes_b = [0, *accumulate(map(len, b))]

    def size(stretch: Stretch) -> int:
        (a1, a2), (b1, b2) = stretch.first, stretch.second
        return max(sizes_a[a2] - sizes_a[a1], sizes_b[b2] - sizes_b[b1])

    made: list[Stretch] = []
    for stretch in stretches:
        if stretch.first[0] == stretch.first[1] and stretch.second[0] == stretch.second[1]:
            continue
        if made and made[-1].is_same == stretch.is_same:
            made[-1] = _joined(made[-1], stretch)
        else:
            made.append(stretch)
        while len(made) > 2 and not made[-1].is_same:
            before, same, after = made[-3:]
            if 2 * size(same) > min(size(before), size(after)):
                break
            made[-3:] = [_joined(_joined(before, same), after)]
    return made


def _joined(first: Stretch, second: Stretch) -> Stretch:
    return Stretch(
        (first.first[0], second.first[1]),
        (first.second[0], second.second[1]),
        first.is_same and second.is_same,
    )

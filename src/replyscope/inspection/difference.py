"""What two sequences have in common, in bounded time and memory. Pure.

rapidfuzz finds the longest common subsequence; what it needs grows with the product of the
lengths. Long sequences are cut first where both have the same few items, which neither has
twice: what lies between two such places is compared by itself.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rapidfuzz.distance import Indel

_MOST_PAIRS = 60_000_000
"""About 8 MB of what rapidfuzz remembers, and a few hundredths of a second."""
_SHINGLE = 6


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of both: the same in both, or what the one has where the other has that."""

    first: tuple[int, int]
    second: tuple[int, int]
    is_same: bool


def differences(a: Sequence[str], b: Sequence[str]) -> tuple[Stretch, ...]:
    """Both from end to end, in stretches that are in turn the same and not.

    A stretch that is the same by chance, half as long as what is not before and after it or
    shorter, counts as changed too: a word between two rewritten sentences helps nobody.
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
    """Places where both go on alike, as far apart as they have to be; none in short ones."""
    if len(a) * len(b) <= _MOST_PAIRS:
        return []
    places_a, places_b = _unique_places(a), _unique_places(b)
    shared = [(at, places_b[key]) for key, at in places_a.items() if key in places_b]
    return _increasing(sorted(shared))


def _unique_places(items: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Where each run of a few items begins that is there once."""
    places: dict[tuple[str, ...], int] = {}
    for at in range(len(items) - _SHINGLE + 1):
        key = tuple(items[at : at + _SHINGLE])
        places[key] = -1 if key in places else at
    return {key: at for key, at in places.items() if at >= 0}


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most of the pairs whose second numbers grow as the first do."""
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

"""A compressed list of the frames of a running reply.

Frames are almost equal: a page compresses to a twentieth. Only the page that was read last
and the page that grows are uncompressed.
"""

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import overload

from replyscope.domain.event import WireFrame

_PAGE = 256
_PAGE_CHARACTERS = 128 * 1024
"""A page ends at either limit, because compressing it blocks the keyboard."""
_PACKED_CHARACTERS = 4 * _PAGE_CHARACTERS
"""A page of a few large frames may be larger than this; it is not compressed."""


class FrameLog(Sequence[WireFrame]):
    """An append-only sequence of frames."""

    def __init__(self) -> None:
        self._pages: list[bytes | list[WireFrame]] = []
        self._starts = [0]
        """The number of each page's first frame, and of the first frame outside the pages."""
        self._growing: list[WireFrame] = []
        self._characters = 0
        self._read: tuple[int, list[WireFrame]] = (-1, [])

    def append(self, frame: WireFrame) -> None:
        """Append a frame."""
        self._growing.append(frame)
        self._characters += len(frame.text)
        if len(self._growing) == _PAGE or self._characters >= _PAGE_CHARACTERS:
            is_small = self._characters <= _PACKED_CHARACTERS
            self._pages.append(_pack(self._growing) if is_small else self._growing)
            self._starts.append(len(self))
            self._growing, self._characters = [], 0

    def extend(self, frames: Iterable[WireFrame]) -> None:
        """Append several frames."""
        for frame in frames:
            self.append(frame)

    def __len__(self) -> int:
        return self._starts[-1] + len(self._growing)

    def __iter__(self) -> Iterator[WireFrame]:
        for number in range(len(self)):
            yield self._at(number)

    @overload
    def __getitem__(self, place: int) -> WireFrame: ...
    @overload
    def __getitem__(self, place: slice) -> list[WireFrame]: ...
    def __getitem__(self, place: int | slice) -> WireFrame | list[WireFrame]:
        if isinstance(place, slice):
            return [self._at(number) for number in range(*place.indices(len(self)))]
        return self._at(range(len(self))[place])

    def _at(self, number: int) -> WireFrame:
        if number >= self._starts[-1]:
            return self._growing[number - self._starts[-1]]
        place = bisect_right(self._starts, number) - 1
        if self._read[0] != place:
            page = self._pages[place]
            count = self._starts[place + 1] - self._starts[place]
            self._read = (place, _unpack(page, count) if isinstance(page, bytes) else page)
        return self._read[1][number - self._starts[place]]


def _pack(frames: list[WireFrame]) -> bytes:
    """Times, lengths and texts. As JSON, a page took three times as long, while keys waited."""
    times = array("d", [frame.at_ms for frame in frames])
    lengths = array("L", [len(frame.text) for frame in frames])
    texts = "".join(frame.text for frame in frames).encode("utf-8", "surrogatepass")
    return zlib.compress(times.tobytes() + lengths.tobytes() + texts, 1)


def _unpack(data: bytes, count: int) -> list[WireFrame]:
    whole = zlib.decompress(data)
    times, lengths = array("d"), array("L")
    text_start = count * (times.itemsize + lengths.itemsize)
    times.frombytes(whole[: count * times.itemsize])
    lengths.frombytes(whole[count * times.itemsize : text_start])
    text = whole[text_start:].decode("utf-8", "surrogatepass")
    ends = accumulate(lengths, initial=0)
    return [
        WireFrame(at_ms, text[a:b]) for at_ms, (a, b) in zip(times, pairwise(ends), strict=True)
    ]

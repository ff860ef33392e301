"""A compressed list of the frames of a running reply.

Frames are almost equal: a page compresses to a twentieth. Only the page that was read last
and the page that grows are uncompressed.
"""

import json
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
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
            self._read = (place, _unpack(page) if isinstance(page, bytes) else page)
        return self._read[1][number - self._starts[place]]


def _pack(frames: list[WireFrame]) -> bytes:
    rows = [(frame.at_ms, frame.text) for frame in frames]
    return zlib.compress(json.dumps(rows).encode("ascii"), 1)


def _unpack(data: bytes) -> list[WireFrame]:
    return [WireFrame(at_ms, text) for at_ms, text in json.loads(zlib.decompress(data))]

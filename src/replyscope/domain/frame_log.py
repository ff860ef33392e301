"""The frames of a running reply, kept small.

Frames repeat one another but for a few characters: a page of them packs to a
twentieth. Only the page that is read and the one that grows are kept as they came.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from replyscope.domain.event import WireFrame

_PAGE = 256


class FrameLog(Sequence[WireFrame]):
    """A list of frames that only grows."""

    def __init__(self) -> None:
        self._pages: list[bytes] = []
        self._growing: list[WireFrame] = []
        self._read: tuple[int, list[WireFrame]] = (-1, [])

    def append(self, frame: WireFrame) -> None:
        """Add to the end."""
        self._growing.append(frame)
        if len(self._growing) == _PAGE:
            self._pages.append(_pack(self._growing))
            self._growing = []

    def extend(self, frames: Iterable[WireFrame]) -> None:
        """Add several to the end."""
        for frame in frames:
            self.append(frame)

    def __len__(self) -> int:
        return len(self._pages) * _PAGE + len(self._growing)

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
        page, rest = divmod(number, _PAGE)
        if page == len(self._pages):
            return self._growing[rest]
        if self._read[0] != page:
            self._read = (page, _unpack(self._pages[page]))
        return self._read[1][rest]


def _pack(frames: list[WireFrame]) -> bytes:
    rows = [(frame.at_ms, frame.text) for frame in frames]
    return zlib.compress(json.dumps(rows).encode("ascii"), 1)


def _unpack(data: bytes) -> list[WireFrame]:
    return [WireFrame(at_ms, text) for at_ms, text in json.loads(zlib.decompress(data))]

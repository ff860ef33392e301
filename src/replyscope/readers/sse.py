"""A recorded stream: the server-sent events of one reply, as a server sent them."""

import sys
from collections.abc import Iterator

from replyscope.domain.foreign import Unreadable
from replyscope.domain.import_format import FileFormat, ImportedFile, Item, RecordedStream
from replyscope.domain.item_bound import MOST_ITEM, too_large
from replyscope.domain.sse import Flood, FrameSplitter

_CHUNK = 1 << 20
_FRAME = 120
"""The memory of a frame beside its text, in bytes."""
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b": ")


def _sniff(file: ImportedFile, head: bytes) -> bool:
    return file.name.endswith(".sse") or head.startswith(_FIELDS)


def _read(file: ImportedFile) -> Iterator[Item]:
    texts: list[str] = []
    size = 0
    try:
        for frame in _frames(file):
            text = frame.decode("utf-8", errors="replace")
            size += sys.getsizeof(text) + _FRAME
            if size > MOST_ITEM:
                yield Unreadable(file.name, f"{too_large()} with its frames")
                return
            texts.append(text)
    except Flood as error:
        yield Unreadable(file.name, f"it has {error}")
        return
    yield RecordedStream(file.name, file.modified_at, tuple(texts))


def _frames(file: ImportedFile) -> Iterator[bytes]:
    """The frames of a file. Raises Flood."""
    splitter = FrameSplitter()
    with file.open() as opened:
        while data := opened.read(_CHUNK):
            yield from splitter.feed(data)
    last = splitter.finish()
    if last:
        yield last


SSE = FileFormat(
    name="sse",
    title="Recorded stream",
    program="",
    path="`.sse`",
    content="one reply, with its frames",
    sniff=_sniff,
    read=_read,
)

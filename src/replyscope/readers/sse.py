"""A recorded stream: the server-sent events of one reply, as a server sent them."""

from collections.abc import Iterator

from replyscope.domain.errors import ImportFault
from replyscope.domain.import_format import FileFormat, ImportedFile, Item, RecordedStream
from replyscope.domain.sse import FrameSplitter

_MOST_BYTES = 200_000_000  # the stream is read whole
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b": ")


def _sniff(file: ImportedFile, head: bytes) -> bool:
    return file.name.endswith(".sse") or head.startswith(_FIELDS)


def _read(file: ImportedFile) -> Iterator[Item]:
    if file.size > _MOST_BYTES:
        raise ImportFault(f"{file.name} is too large for a stream of one reply.")
    with file.open() as opened:
        data = opened.read(_MOST_BYTES)
    splitter = FrameSplitter()
    frames = [*splitter.feed(data), splitter.finish()]
    texts = (frame.decode("utf-8", errors="replace") for frame in frames if frame)
    yield RecordedStream(file.name, file.modified_at, tuple(texts))


SSE = FileFormat(
    name="sse",
    title="Recorded stream",
    program="",
    path="`.sse`",
    content="one reply, with its frames",
    sniff=_sniff,
    read=_read,
)

"""The paths of the files that replies and tools produced, in the rows of saved sessions.

A file is named by the hash of its content, so that several sessions may have the same path.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Part, ToolResultPart
from replyscope.store.codec import DAMAGE, decode_exchange, read_parts


def file_paths(part: Part) -> list[str]:
    """The paths of the files of a tool result; none for other parts."""
    return [file.path for file in part.files] if isinstance(part, ToolResultPart) else []


def image_paths(connection: sqlite3.Connection, session_id: str) -> list[str]:
    """The paths of the images of a session's replies."""
    rows = connection.execute("SELECT folded FROM exchange WHERE session_id = ?", (session_id,))
    return [path for (folded,) in rows for path in _of_folded(folded)]


def unused_paths(connection: sqlite3.Connection, paths: Iterable[str]) -> list[str]:
    """The paths that no saved reply and no tool result has. Each is listed once."""
    unused = dict.fromkeys(paths)
    used = used_paths(connection) if unused else ()
    for path in used:
        unused.pop(path, None)
        if not unused:
            break
    return list(unused)


def used_paths(connection: sqlite3.Connection) -> Iterator[str]:
    """The paths of all files that saved replies and tool results have."""
    for (text,) in connection.execute("SELECT parts FROM message WHERE instr(parts, '\"files\"')"):
        for part in read_parts(text):
            yield from file_paths(part)
    for (folded,) in connection.execute("SELECT folded FROM exchange"):
        yield from _of_folded(folded)


def _of_folded(folded: bytes) -> Sequence[str]:
    """The paths of the images of an encoded exchange; none if it is damaged."""
    try:
        return _of_exchange(decode_exchange(folded)) if has_paths(folded) else ()
    except DAMAGE:
        return ()


def has_paths(folded: bytes) -> bool:
    """Whether an encoded exchange may have paths: most have none, and decoding is slow."""
    try:
        return b'"path"' in zlib.decompress(folded)
    except zlib.error:
        return False


def _of_exchange(exchange: Exchange) -> list[str]:
    images = (image for choice in exchange.choices for image in choice.images)
    return [image.path for image in images if image.path]

"""Changes the paths of kept files in a restored database to the folder where they are now."""

import sqlite3
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

from replyscope.domain.exchange import Choice
from replyscope.domain.message import Part, ToolResultPart
from replyscope.store.codec import (
    DAMAGE,
    decode_exchange,
    decode_parts,
    encode_exchange,
    encode_parts,
)
from replyscope.store.kept_paths import has_paths


def relocate(connection: sqlite3.Connection, before: str, now: str) -> None:
    """Rename the folder of kept files in all messages and replies. Damaged rows are unchanged."""
    rows = connection.execute("SELECT id, parts FROM message WHERE instr(parts, '\"files\"')")
    for message_id, text in rows.fetchall():
        try:
            parts = tuple(_moved_part(part, before, now) for part in decode_parts(text))
        except DAMAGE:
            continue
        connection.execute(
            "UPDATE message SET parts = ? WHERE id = ?", (encode_parts(parts), message_id)
        )
    last = -1
    while found := _next_with_paths(connection, last):
        last, folded = found
        try:
            exchange = decode_exchange(folded)
        except DAMAGE:
            continue
        choices = tuple(_moved_choice(choice, before, now) for choice in exchange.choices)
        connection.execute(
            "UPDATE exchange SET folded = ? WHERE rowid = ?",
            (encode_exchange(replace(exchange, choices=choices)), last),
        )


def _next_with_paths(connection: sqlite3.Connection, after: int) -> tuple[int, bytes] | None:
    rows = connection.execute(
        "SELECT rowid, folded FROM exchange WHERE rowid > ? ORDER BY rowid", (after,)
    )
    return next(((rowid, folded) for rowid, folded in rows if has_paths(folded)), None)


def _moved_part(part: Part, before: str, now: str) -> Part:
    if not isinstance(part, ToolResultPart):
        return part
    files = tuple(replace(file, path=_moved(file.path, before, now)) for file in part.files)
    return replace(part, files=files)


def _moved_choice(choice: Choice, before: str, now: str) -> Choice:
    images = tuple(replace(one, path=_moved(one.path, before, now)) for one in choice.images)
    return replace(choice, images=images)


def _moved(path: str, before: str, now: str) -> str:
    """The path of a file in the new folder; the backup may be of another system."""
    kind = PureWindowsPath if "\\" in before else PurePosixPath
    old, new = kind(path), PureWindowsPath if "\\" in now else PurePosixPath
    return str(new(now) / old.name) if path and str(old.parent) == before else path

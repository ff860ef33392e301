"""The chats of elia and oterm: a table of chats and one of messages."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from replyscope.domain.foreign import Conversation, Turn, Unreadable, in_a_row, picture_of
from replyscope.domain.message import ImagePart, Part, Role, TextPart

Item = Conversation | Unreadable
_MESSAGES = "SELECT * FROM message WHERE chat_id = ? ORDER BY id"
FAULTS = (sqlite3.Error, AttributeError, KeyError, ValueError, TypeError, IndexError)
"""What rows of any shape may come to; each is one conversation's own."""


def count_chats(connection: sqlite3.Connection) -> int:
    """How many chats there are."""
    return int(connection.execute("SELECT count(*) FROM chat").fetchone()[0])


def read_elia(connection: sqlite3.Connection) -> Iterator[Item]:
    """Each chat of elia."""
    for chat in connection.execute("SELECT * FROM chat ORDER BY id").fetchall():
        try:
            rows = connection.execute(_MESSAGES, (chat["id"],)).fetchall()
            system = next((str(r["content"]) for r in rows if r["role"] == "system"), None)
            turns = tuple(
                _elia_turn(row, str(chat["model"])) for row in rows if row["role"] != "system"
            )
            if all(turn.parent is None for turn in turns):
                turns = in_a_row(turns)
            title = str(chat["title"] or "")
            at = time_of_text(chat["started_at"])
            yield Conversation("elia", str(chat["id"]), title, at, turns, system)
        except FAULTS as error:
            yield Unreadable(f"chat {chat['id']}", f"{type(error).__name__}: {error}")


def _elia_turn(row: sqlite3.Row, model: str) -> Turn:
    columns = row.keys()
    parent = row["parent_id"] if "parent_id" in columns else None
    own = row["model"] if "model" in columns else None
    return Turn(
        str(row["id"]),
        Role.ASSISTANT if row["role"] == "assistant" else Role.USER,
        (TextPart(str(row["content"])),),
        time_of_text(row["timestamp"]),
        str(parent) if parent is not None else None,
        str(own or model),
    )


def read_oterm(connection: sqlite3.Connection) -> Iterator[Item]:
    """Each chat of oterm."""
    for chat in connection.execute("SELECT * FROM chat ORDER BY id").fetchall():
        try:
            rows = connection.execute(_MESSAGES, (chat["id"],)).fetchall()
            turns = in_a_row(_oterm_turn(row, str(chat["model"])) for row in rows)
            system = chat["system"] if "system" in chat.keys() else None  # noqa: SIM118
            title = str(chat["name"] or "")
            text = str(system) if system else None
            yield Conversation("oterm", str(chat["id"]), title, None, turns, text)
        except FAULTS as error:
            yield Unreadable(f"chat {chat['id']}", f"{type(error).__name__}: {error}")


def _oterm_turn(row: sqlite3.Row, model: str) -> Turn:
    is_person = str(row["author"]).lower() in ("me", "user")
    images = json.loads(row["images"] or "[]") if "images" in row.keys() else []  # noqa: SIM118
    pictures = [_oterm_image(image, n) for n, image in enumerate(images, start=1)]
    parts: list[Part] = [TextPart(str(row["text"]))] if row["text"] else []
    return Turn(
        str(row["id"]),
        Role.USER if is_person else Role.ASSISTANT,
        (*parts, *pictures),
        model=model,
    )


def _oterm_image(image: object, number: int) -> ImagePart | TextPart:
    """oterm keeps the bytes of an image as base64."""
    found = picture_of(f"image {number}", image) if isinstance(image, str) else None
    return found or TextPart(f"[image {number}]")


def time_of_text(value: object) -> datetime | None:
    """The time that a text tells, in UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(str(value))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None

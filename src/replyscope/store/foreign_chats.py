"""The chats of elia and oterm: a table of chats and one of messages."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from replyscope.domain.field_types import YEARS
from replyscope.domain.foreign import ForeignConversation, Turn, Unreadable, in_a_row, picture_of
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.domain.leftovers import Leftovers, as_extras, with_text
from replyscope.domain.loose_json import from_json, text_of
from replyscope.domain.message import ImagePart, Part, Role, TextPart

Item = ForeignConversation | Unreadable
Fields = dict[str, Any]
_ELIA = frozenset(("id", "chat_id", "role", "content", "timestamp", "parent_id", "model"))
_OTERM = frozenset(("id", "chat_id", "author", "text", "images"))
_OTERM_CHAT = frozenset(("id", "name", "model", "system", "type", "tools", "keep_alive"))
_MESSAGES = "SELECT * FROM message WHERE chat_id = ? ORDER BY id"
FAULTS = (sqlite3.Error, *DATA_FAULTS)
"""The errors that rows of any shape can raise; each is one conversation's own."""


def row_fault(error: Exception) -> str:
    """The reason why rows cannot be read, as a phrase for the person."""
    return str(error) if isinstance(error, sqlite3.Error) else fault_in_words(error)


def count_chats(connection: sqlite3.Connection) -> int:
    """How many chats there are."""
    return int(connection.execute("SELECT count(*) FROM chat").fetchone()[0])


def read_elia(connection: sqlite3.Connection) -> Iterator[Item]:
    """Each chat of elia."""
    for chat in connection.execute("SELECT * FROM chat ORDER BY id").fetchall():
        try:
            rows = connection.execute(_MESSAGES, (chat["id"],)).fetchall()
            yield _elia_chat(chat, [dict(row) for row in rows])
        except FAULTS as error:
            yield Unreadable(f"chat {chat['id']}", row_fault(error))


def _elia_chat(chat: sqlite3.Row, rows: list[Fields]) -> ForeignConversation:
    systems, leftovers = Systems(), Leftovers()
    turns: list[Turn] = []
    above: dict[str, str | None] = {}
    last: str | None = None
    for row in rows:
        key, named = str(row["id"]), row.get("parent_id")
        parent = above.get(str(named)) if named is not None else last
        at, text = time_of_text(row["timestamp"]), text_of(row["content"])
        if row["role"] == "system":
            made = systems.turn(key, parent, at, text)
        else:
            made = [_elia_turn(row, text, at, parent, str(chat["model"]), leftovers)]
        turns += made
        above[key] = last = made[0].key if made else parent
    title, at = text_of(chat["title"]), time_of_text(chat["started_at"])
    return ForeignConversation(
        "elia", str(chat["id"]), title, at, tuple(turns), systems.first, left_out=leftovers.all
    )


def _elia_turn(
    row: Fields, text: str, at: datetime | None, parent: str | None, model: str, left: Leftovers
) -> Turn:
    beside = with_text(row, _ELIA)
    role = Role.ASSISTANT if row["role"] == "assistant" else Role.USER
    if row["role"] not in ("assistant", "user"):
        left.add(f"role `{row['role']!s:.60}` of a message", "it was imported as a user message")
    extras = as_extras(beside) if role is Role.ASSISTANT else ()
    if role is Role.USER:
        left.add_fields(beside, "a user message")
    model = str(row.get("model") or model)
    return Turn(
        str(row["id"]), role, (TextPart(text),), at, parent, model, extras=extras
    )  # fmt: skip


def read_oterm(connection: sqlite3.Connection) -> Iterator[Item]:
    """Each chat of oterm."""
    for chat in connection.execute("SELECT * FROM chat ORDER BY id").fetchall():
        try:
            rows = connection.execute(_MESSAGES, (chat["id"],)).fetchall()
            yield _oterm_chat(dict(chat), [dict(row) for row in rows])
        except FAULTS as error:
            yield Unreadable(f"chat {chat['id']}", row_fault(error))


def _oterm_chat(chat: Fields, rows: list[Fields]) -> ForeignConversation:
    leftovers = Leftovers()
    turns = in_a_row(_oterm_turn(row, str(chat["model"]), leftovers) for row in rows)
    system = text_of(chat.get("system")) or None
    title = text_of(chat["name"])
    about = {name: from_json(one) if isinstance(one, str) else one for name, one in chat.items()}
    leftovers.add_fields(with_text(about, _OTERM_CHAT), "the chat")
    key = str(chat["id"])
    return ForeignConversation("oterm", key, title, None, turns, system, left_out=leftovers.all)


def _oterm_turn(row: Fields, model: str, leftovers: Leftovers) -> Turn:
    role = Role.USER if str(row["author"]).lower() in ("me", "user") else Role.ASSISTANT
    images = row.get("images")
    listed = from_json(images) if isinstance(images, str) else None
    if images and not isinstance(listed, list):
        leftovers.add("list of images", "it is not JSON")
    pictures = [_oterm_image(image, n) for n, image in enumerate(listed or (), start=1)]
    parts: list[Part] = [TextPart(str(row["text"]))] if row["text"] else []
    beside = with_text(row, _OTERM)
    if role is Role.USER:
        leftovers.add_fields(beside, "a user message")
    elif any(isinstance(picture, ImagePart) for picture in pictures):
        leftovers.add_image()
    extras = as_extras(beside) if role is Role.ASSISTANT else ()
    return Turn(str(row["id"]), role, (*parts, *pictures), model=model, extras=extras)


def _oterm_image(image: object, number: int) -> ImagePart | TextPart:
    """oterm keeps the bytes of an image as base64, and before 0.6 the path of its file."""
    if not isinstance(image, str):
        return TextPart(f"[image {number}]")
    found = picture_of(f"image {number}", image)
    is_path = len(image) < 1_000
    return found or TextPart(f"[image {image}]" if is_path else f"[image {number}]")


def time_of_text(value: object) -> datetime | None:
    """The time that a text tells, in UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(str(value))
        at = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in YEARS else None

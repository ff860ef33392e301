"""Reads the databases of other programs. They are opened read-only and stay as they are."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replyscope.domain.errors import ImportFault
from replyscope.domain.exchange import Usage
from replyscope.domain.foreign import Conversation, Turn, Unreadable, in_a_row
from replyscope.domain.message import Role, TextPart

Item = Conversation | Unreadable
_COLUMN_NAMES = "SELECT name FROM pragma_table_info(?)"


def read_database(path: Path) -> Iterator[Item] | None:
    """The conversations of `llm`, elia or oterm; None when it is none of theirs.

    Raises ImportFault for a file that is damaged.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        tables = _columns(uri)
    except sqlite3.Error as error:
        raise ImportFault(f"{path} is a damaged database ({error}).", "Copy it again.") from error
    if {"conversation_id", "prompt", "response"} <= tables.get("responses", set()):
        return _each(uri, _llm)
    if {"chat_id", "role", "content"} <= tables.get("message", set()):
        return _each(uri, _elia)
    if {"chat_id", "author", "text"} <= tables.get("message", set()):
        return _each(uri, _oterm)
    return None


def _columns(uri: str) -> dict[str, set[str]]:
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: {
                row[1] for row in connection.execute("SELECT * FROM pragma_table_info(?)", (name,))
            }
            for (name,) in names
        }


def _each(uri: str, read: Any) -> Iterator[Item]:
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            yield from read(connection)
    except sqlite3.Error as error:
        yield Unreadable("the rest", f"it can't be read: {error}")


def _llm(connection: sqlite3.Connection) -> Iterator[Item]:
    conversations = connection.execute(
        "SELECT r.conversation_id AS id, coalesce(c.name, '') AS name FROM responses r "
        "LEFT JOIN conversations c ON c.id = r.conversation_id "
        "GROUP BY r.conversation_id ORDER BY min(r.rowid)"
    ).fetchall()
    for row in conversations:
        try:
            replies = connection.execute(
                "SELECT * FROM responses WHERE conversation_id IS ? ORDER BY rowid", (row["id"],)
            ).fetchall()
            turns = in_a_row(turn for reply in replies for turn in _llm_turns(reply))
            system = next((r["system"] for r in replies if r["system"]), None)
            at = turns[0].at if turns else None
            key = str(row["id"])
            yield Conversation("llm", key, str(row["name"]), at, turns, system)
        except (sqlite3.Error, KeyError, ValueError, TypeError, IndexError) as error:
            yield Unreadable(str(row["name"] or row["id"]), f"{type(error).__name__}: {error}")


def _llm_turns(row: sqlite3.Row) -> Iterator[Turn]:
    columns = row.keys()
    at = _time(row["datetime_utc"])
    key = str(row["id"])
    if row["prompt"]:
        yield Turn(f"{key}/u", Role.USER, (TextPart(str(row["prompt"])),), at)
    counts = [row[n] if n in columns else None for n in ("input_tokens", "output_tokens")]
    usage = Usage(counts[0], counts[1], sum(c for c in counts if c)) if any(counts) else None
    duration = row["duration_ms"] if "duration_ms" in columns else None
    yield Turn(
        f"{key}/a",
        Role.ASSISTANT,
        (TextPart(str(row["response"] or "")),),
        at,
        model=str(row["model"] or ""),
        usage=usage,
        duration_ms=float(duration) if duration is not None else None,
    )


def _elia(connection: sqlite3.Connection) -> Iterator[Item]:
    for chat in connection.execute("SELECT * FROM chat ORDER BY id").fetchall():
        try:
            rows = connection.execute(
                "SELECT * FROM message WHERE chat_id = ? ORDER BY id", (chat["id"],)
            ).fetchall()
            system = next((str(r["content"]) for r in rows if r["role"] == "system"), None)
            turns = tuple(
                _elia_turn(row, str(chat["model"])) for row in rows if row["role"] != "system"
            )
            if all(turn.parent is None for turn in turns):
                turns = in_a_row(turns)
            title = str(chat["title"] or "")
            at = _time(chat["started_at"])
            yield Conversation("elia", str(chat["id"]), title, at, turns, system)
        except (sqlite3.Error, KeyError, ValueError, TypeError, IndexError) as error:
            yield Unreadable(f"chat {chat['id']}", f"{type(error).__name__}: {error}")


def _elia_turn(row: sqlite3.Row, model: str) -> Turn:
    columns = row.keys()
    parent = row["parent_id"] if "parent_id" in columns else None
    own = row["model"] if "model" in columns else None
    return Turn(
        str(row["id"]),
        Role.ASSISTANT if row["role"] == "assistant" else Role.USER,
        (TextPart(str(row["content"])),),
        _time(row["timestamp"]),
        str(parent) if parent is not None else None,
        str(own or model),
    )


def _oterm(connection: sqlite3.Connection) -> Iterator[Item]:
    for chat in connection.execute("SELECT * FROM chat ORDER BY id").fetchall():
        try:
            rows = connection.execute(
                "SELECT * FROM message WHERE chat_id = ? ORDER BY id", (chat["id"],)
            ).fetchall()
            turns = in_a_row(_oterm_turn(row, str(chat["model"])) for row in rows)
            system = chat["system"] if "system" in chat.keys() else None  # noqa: SIM118
            title = str(chat["name"] or "")
            yield Conversation("oterm", str(chat["id"]), title, None, turns, system)
        except (sqlite3.Error, KeyError, ValueError, TypeError, IndexError) as error:
            yield Unreadable(f"chat {chat['id']}", f"{type(error).__name__}: {error}")


def _oterm_turn(row: sqlite3.Row, model: str) -> Turn:
    is_person = str(row["author"]).lower() in ("me", "user")
    images = json.loads(row["images"] or "[]") if "images" in row.keys() else []  # noqa: SIM118
    named = f"[{len(images)} images]" if images else ""
    return Turn(
        str(row["id"]),
        Role.USER if is_person else Role.ASSISTANT,
        tuple(TextPart(piece) for piece in (str(row["text"]), named) if piece),
        model=model,
    )


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)

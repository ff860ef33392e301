"""The log of `llm`: one row for each response, and since 0.36 a tree of messages.

A conversation that is in both is read from the tree. A thread's messages are those that
lead to its tip and to the tip of each of its turns.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import (
    PICTURES,
    Conversation,
    Turn,
    Unreadable,
    in_a_row,
)
from replyscope.domain.message import FilePart, ImagePart, Part, Role, TextPart, ToolResultPart
from replyscope.domain.tool import ToolCallState
from replyscope.store.foreign_chats import FAULTS, time_of_text

Item = Conversation | Unreadable
Row = sqlite3.Row
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.TOOL}
_OLD = (
    "SELECT coalesce(r.conversation_id, 'r/' || r.id) AS id, r.conversation_id AS own, "
    "coalesce(c.name, '') AS name FROM responses r "
    "LEFT JOIN conversations c ON c.id = r.conversation_id GROUP BY 1 ORDER BY min(r.rowid)"
)


def count_llm(connection: sqlite3.Connection) -> int:
    """How many conversations there are."""
    old = {row[0] for row in connection.execute(_OLD)}
    new = {row[0] for row in _threads(connection)}
    return len(old | new)


def _threads(connection: sqlite3.Connection) -> list[Any]:
    if not _has(connection, "threads") or not _has(connection, "turns"):
        return []
    return connection.execute("SELECT * FROM threads ORDER BY rowid").fetchall()


def _has(connection: sqlite3.Connection, table: str) -> bool:
    sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(sql, (table,)).fetchone() is not None


def read_llm(connection: sqlite3.Connection) -> Iterator[Item]:
    """Each conversation."""
    threads = _threads(connection)
    for thread in threads:
        try:
            yield _thread(connection, thread)
        except FAULTS as error:
            name = str(thread["name"] or thread["id"])
            yield Unreadable(name, f"{type(error).__name__}: {error}")
    known = {thread["id"] for thread in threads}
    for row in connection.execute(_OLD).fetchall():
        if row["id"] in known:
            continue
        try:
            yield _conversation(connection, row)
        except FAULTS as error:
            name = str(row["name"] or row["id"])
            yield Unreadable(name, f"{type(error).__name__}: {error}")


def _thread(connection: sqlite3.Connection, thread: Row) -> Conversation:
    turns = connection.execute(
        "SELECT * FROM turns WHERE thread_id = ? ORDER BY datetime_utc, rowid", (thread["id"],)
    ).fetchall()
    by_tip = {turn["tip_message_hash"]: turn for turn in turns}
    by_start = {turn["parent_message_hash"]: turn for turn in turns}
    made: dict[str, Turn] = {}
    systems: list[str] = []
    for tip in [thread["tip_message_hash"], *by_tip]:
        for message in _chain(connection, tip, made):
            key = str(message["hash"])
            parts = _parts(connection, key)
            if message["role"] == "system":
                systems.append("\n".join(p.text for p in parts if isinstance(p, TextPart)))
            elif message["role"] in _ROLES:
                figures = by_tip.get(key) or by_start.get(key)
                parent = message["parent_hash"]
                made[key] = _message(key, message["role"], parts, figures, parent)
    at = time_of_text(turns[0]["datetime_utc"] if turns else thread["datetime_utc"])
    head = thread["tip_message_hash"]
    name = str(thread["name"] or "")
    system = next((said for said in systems if said), None)
    return Conversation("llm", str(thread["id"]), name, at, tuple(made.values()), system, head)


def _chain(connection: sqlite3.Connection, tip: object, known: Mapping[str, Turn]) -> list[Row]:
    """The messages that lead to a tip and are not known yet, oldest first."""
    rows: list[Row] = []
    seen: set[object] = set()
    while tip is not None and tip not in known and tip not in seen:
        seen.add(tip)
        row = connection.execute("SELECT * FROM messages WHERE hash = ?", (tip,)).fetchone()
        if row is None:
            break
        rows.append(row)
        tip = row["parent_hash"]
    return rows[::-1]


def _message(
    key: str, role: str, parts: list[Part | ToolCall], figures: Row | None, parent: object
) -> Turn:
    calls = tuple(part for part in parts if isinstance(part, ToolCall))
    said = tuple(part for part in parts if not isinstance(part, ToolCall))
    is_reply = role == "assistant"
    thought = [p.text for p in said if isinstance(p, FilePart) and p.name == "reasoning"]
    shown = tuple(p for p in said if not (is_reply and isinstance(p, FilePart)))
    columns = figures.keys() if figures is not None else []
    return Turn(
        key,
        _ROLES[role],
        shown,
        time_of_text(figures["datetime_utc"]) if figures is not None else None,
        str(parent) if parent is not None else None,
        str(figures["resolved_model"] or figures["model"] or "") if figures is not None else "",
        reasoning="\n".join(thought) if is_reply else "",
        calls=calls,
        usage=_usage(figures) if figures is not None and is_reply else None,
        duration_ms=_number(figures["duration_ms"])
        if figures is not None and is_reply and "duration_ms" in columns
        else None,
        finish=FinishReason.TOOL_CALLS if calls else FinishReason.UNSTATED,
    )


def _parts(connection: sqlite3.Connection, key: str) -> list[Part | ToolCall]:
    rows = connection.execute(
        "SELECT * FROM parts WHERE message_hash = ? ORDER BY position", (key,)
    ).fetchall()
    return [part for row in rows for part in _part(connection, row, key)]


def _part(connection: sqlite3.Connection, row: Row, key: str) -> Iterator[Part | ToolCall]:
    payload = json.loads(row["payload"]) if row["payload"] else {}
    text = row["text"] if row["text"] is not None else payload.get("text")
    if text is None:
        text = "".join(_piece(connection, piece) for piece in payload.get("text_ref") or ())
    call_id = str(payload.get("tool_call_id") or f"{key}/{row['position']}")
    match row["type"]:
        case "text" if text:
            yield TextPart(str(text))
        case "reasoning" if text:
            yield FilePart("reasoning", str(text))
        case "attachment":
            yield from _attached(connection, [payload.get("attachment") or {}])
        case "tool_call":
            arguments = json.dumps(payload.get("arguments") or {}, ensure_ascii=False)
            name = str(payload.get("name") or row["tool_name"] or "tool")
            yield ToolCall(call_id, "function", name, arguments, ToolCallState.COMPLETED)
        case "tool_result":
            failed = payload.get("exception")
            state = ToolCallState.FAILED if failed else ToolCallState.COMPLETED
            output = str(payload.get("output") or failed or "")
            yield ToolResultPart(call_id, output, str(payload.get("name") or ""), state)


def _piece(connection: sqlite3.Connection, piece: Mapping[str, Any]) -> str:
    if "literal" in piece:
        return str(piece["literal"])
    sql = "SELECT content FROM fragments WHERE id = ?"
    row = connection.execute(sql, (piece.get("fragment"),)).fetchone()
    return str(row["content"]) if row is not None else ""


def _attached(
    connection: sqlite3.Connection, refs: Iterable[Mapping[str, Any]]
) -> Iterator[ImagePart | TextPart]:
    for ref in refs:
        row = connection.execute(
            "SELECT * FROM attachments WHERE id = ?", (ref.get("id"),)
        ).fetchone()
        if row is None:
            continue
        kind, content = str(row["type"] or ""), row["content"]
        name = str(row["path"] or row["url"] or f"{row['id'][:12]}")
        if kind in PICTURES and isinstance(content, bytes):
            yield ImagePart(name.replace("\\", "/").rsplit("/", 1)[-1], kind, content)
        else:
            yield TextPart(f"[{kind or 'attachment'} {name}]")


def _conversation(connection: sqlite3.Connection, row: Row) -> Conversation:
    """One of the older form."""
    where = "conversation_id = ?" if row["own"] is not None else "'r/' || id = ?"
    replies = connection.execute(
        f"SELECT * FROM responses WHERE {where} ORDER BY rowid", (row["id"],)
    ).fetchall()
    turns = in_a_row(turn for reply in replies for turn in _reply(connection, reply))
    system = next((str(r["system"]) for r in replies if r["system"]), None)
    at = turns[0].at if turns else None
    return Conversation("llm", str(row["id"]), str(row["name"]), at, turns, system)


def _reply(connection: sqlite3.Connection, row: Row) -> Iterator[Turn]:
    columns = row.keys()
    at, key = time_of_text(row["datetime_utc"]), str(row["id"])
    results = tuple(
        ToolResultPart(str(r["tool_call_id"] or r["id"]), str(r["output"] or ""), str(r["name"]))
        for r in _beside(connection, "tool_results", "ORDER BY id", key)
    )
    if results:
        yield Turn(f"{key}/t", Role.TOOL, results, at)
    asked = [f["content"] for f in _joined(connection, "fragment", key)]
    refs = [{"id": a["id"]} for a in _joined(connection, "attachment", key)]
    pieces = [str(piece) for piece in (*asked, row["prompt"]) if piece]
    parts = (*map(TextPart, pieces), *_attached(connection, refs))
    if parts:
        yield Turn(f"{key}/u", Role.USER, parts, at)
    calls = tuple(
        ToolCall(str(c["tool_call_id"] or c["id"]), "function", str(c["name"]),
                 str(c["arguments"] or "{}"), ToolCallState.COMPLETED)
        for c in _beside(connection, "tool_calls", "ORDER BY id", key)
    )  # fmt: skip
    own = row["resolved_model"] if "resolved_model" in columns else None
    yield Turn(
        f"{key}/a",
        Role.ASSISTANT,
        (TextPart(str(row["response"] or "")),),
        at,
        model=str(own or row["model"] or ""),
        reasoning=str(row["reasoning"] or "") if "reasoning" in columns else "",
        calls=calls,
        usage=_usage(row),
        duration_ms=_number(row["duration_ms"]) if "duration_ms" in columns else None,
        finish=FinishReason.TOOL_CALLS if calls else FinishReason.UNSTATED,
    )


def _beside(connection: sqlite3.Connection, table: str, order: str, key: str) -> list[Row]:
    if not _has(connection, table):
        return []
    sql = f"SELECT * FROM {table} WHERE response_id = ? {order}"
    return connection.execute(sql, (key,)).fetchall()


def _joined(connection: sqlite3.Connection, what: str, key: str) -> list[Row]:
    """The fragments or attachments of a response, in their order."""
    if not _has(connection, f"prompt_{what}s"):
        return []
    sql = (
        f"SELECT x.* FROM prompt_{what}s p JOIN {what}s x ON x.id = p.{what}_id "
        'WHERE p.response_id = ? ORDER BY p."order"'
    )
    return connection.execute(sql, (key,)).fetchall()


def _usage(row: Row) -> Usage | None:
    columns = row.keys()
    into, out = (
        int(row[name]) if name in columns and isinstance(row[name], int) else None
        for name in ("input_tokens", "output_tokens")
    )
    if into is None and out is None:
        return None
    total = into + out if into is not None and out is not None else None
    return Usage(into, out, total)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None

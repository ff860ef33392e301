"""Reads the log of `llm`: one row for each response, and since 0.36 a tree of messages.

A conversation in both forms is read from the tree. A thread has the messages on the paths
to its own tip and to the tips of its turns.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import (
    ForeignConversation,
    ForeignTurn,
    Unreadable,
    in_a_row,
    text_of_part,
)
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.domain.import_format import DatabaseFormat, DatabaseRow, ForeignDatabase, Item
from replyscope.domain.leftovers import NO_PLACE, Leftovers
from replyscope.domain.loose_json import arguments_of, from_json, mapping_of, text_of, to_json
from replyscope.domain.message import (
    FilePart,
    ImagePart,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolResultPart,
)
from replyscope.domain.picture import SUFFIXES
from replyscope.domain.sound_numbers import count_of
from replyscope.domain.tool import ToolCallState
from replyscope.readers.chat_tables import time_of_text

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.TOOL}
_OLD = (
    "SELECT coalesce(r.conversation_id, 'r/' || r.id) AS id, r.conversation_id AS own, "
    "coalesce(c.name, '') AS name FROM responses r "
    "LEFT JOIN conversations c ON c.id = r.conversation_id GROUP BY 1 ORDER BY min(r.rowid)"
)


def _count(database: ForeignDatabase) -> int:
    """The number of conversations."""
    old = {row["id"] for row in database.rows(_OLD)}
    new = {row["id"] for row in _threads(database)}
    return len(old | new)


def _threads(database: ForeignDatabase) -> list[DatabaseRow]:
    if not _has(database, "threads") or not _has(database, "turns"):
        return []
    return database.rows("SELECT * FROM threads ORDER BY rowid")


def _has(database: ForeignDatabase, table: str) -> bool:
    sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return bool(database.rows(sql, (table,)))


def _read(database: ForeignDatabase) -> Iterator[Item]:
    """Each conversation: the threads first."""
    threads = _threads(database)
    for thread in threads:
        try:
            yield _thread(database, thread)
        except DATA_FAULTS as error:
            name = str(thread["name"] or thread["id"])
            yield Unreadable(name, fault_in_words(error))
    known = {thread["id"] for thread in threads}
    for row in database.rows(_OLD):
        if row["id"] in known:
            continue
        try:
            yield _conversation(database, row)
        except DATA_FAULTS as error:
            name = str(row["name"] or row["id"])
            yield Unreadable(name, fault_in_words(error))


def _thread(database: ForeignDatabase, thread: DatabaseRow) -> ForeignConversation:
    turns = database.rows(
        "SELECT * FROM turns WHERE thread_id = ? ORDER BY datetime_utc, rowid", (thread["id"],)
    )
    by_tip = {turn["tip_message_hash"]: turn for turn in turns}
    by_start = {turn["parent_message_hash"]: turn for turn in turns}
    made: dict[str, ForeignTurn] = {}
    above: dict[object, str | None] = {}  # the key of the turn of each message
    systems, leftovers = Systems(), Leftovers()
    for tip in [thread["tip_message_hash"], *by_tip]:
        for message in _chain(database, tip, above):
            key, parent = str(message["hash"]), above.get(message["parent_hash"])
            parts = _parts(database, key, leftovers)
            role = str(message["role"])
            if role in _ROLES:
                figures = by_tip.get(key) or by_start.get(key)
                made[key] = _message(key, role, parts, figures, parent, leftovers)
            elif role == "system":
                said = "\n".join(text_of_part(p) for p in parts if not isinstance(p, ToolCall))
                made |= {turn.key: turn for turn in systems.turn(key, parent, None, said)}
            else:
                leftovers.add(f"message of the role `{role[:60]}`", "its role is not known")
            above[message["hash"]] = key if key in made else parent
    at = time_of_text(turns[0]["datetime_utc"] if turns else thread["datetime_utc"])
    head, name = above.get(thread["tip_message_hash"]), str(thread["name"] or "")
    messages, left_out = tuple(made.values()), leftovers.all
    return ForeignConversation(
        "llm", str(thread["id"]), name, at, messages, systems.first, head, left_out=left_out
    )


def _chain(
    database: ForeignDatabase, tip: object, known: Mapping[object, object]
) -> list[DatabaseRow]:
    """The messages that lead to a tip and are not known yet, oldest first."""
    rows: list[DatabaseRow] = []
    seen: set[object] = set()
    while tip is not None and tip not in known and tip not in seen:
        seen.add(tip)
        found = database.rows("SELECT * FROM messages WHERE hash = ?", (tip,))
        if not found:
            break
        rows += found[:1]
        tip = found[0]["parent_hash"]
    return rows[::-1]


def _message(
    key: str,
    role: str,
    parts: list[Part | ToolCall],
    figures: DatabaseRow | None,
    parent: str | None,
    leftovers: Leftovers,
) -> ForeignTurn:
    calls = tuple(part for part in parts if isinstance(part, ToolCall))
    said = tuple(part for part in parts if not isinstance(part, ToolCall))
    is_reply = role == "assistant"
    thought = [p.text for p in said if isinstance(p, ReasoningPart)]
    shown = tuple(p for p in said if not (is_reply and isinstance(p, ReasoningPart)))
    if is_reply and any(isinstance(part, ImagePart) for part in shown):
        leftovers.add_image()
    columns = figures.keys() if figures is not None else []
    return ForeignTurn(
        key,
        _ROLES[role],
        shown,
        time_of_text(figures["datetime_utc"]) if figures is not None else None,
        parent,
        str(figures["resolved_model"] or figures["model"] or "") if figures is not None else "",
        reasoning="\n".join(thought) if is_reply else "",
        calls=calls,
        usage=_usage(figures) if figures is not None and is_reply else None,
        duration_ms=figures["duration_ms"]
        if figures is not None and is_reply and "duration_ms" in columns
        else None,
        finish=FinishReason.TOOL_CALLS if calls else FinishReason.UNSTATED,
    )


def _parts(database: ForeignDatabase, key: str, leftovers: Leftovers) -> list[Part | ToolCall]:
    rows = database.rows("SELECT * FROM parts WHERE message_hash = ? ORDER BY position", (key,))
    return [part for row in rows for part in _part(database, row, key, leftovers)]


def _part(
    database: ForeignDatabase, row: DatabaseRow, key: str, leftovers: Leftovers
) -> Iterator[Part | ToolCall]:
    payload = mapping_of(from_json(row["payload"])) if row["payload"] else {}
    text = row["text"] if row["text"] is not None else payload.get("text")
    if text is None:
        text = "".join(_piece(database, piece) for piece in payload.get("text_ref") or ())
    call_id = str(payload.get("tool_call_id") or f"{key}/{row['position']}")
    match row["type"]:
        case "text":
            yield from [TextPart(str(text))] if text else ()
        case "reasoning":
            yield from [ReasoningPart(str(text))] if text else ()
        case "attachment":
            yield from _attached(database, [payload.get("attachment") or {}], leftovers)
        case "tool_call":
            arguments = arguments_of(payload.get("arguments") or {})
            name = str(payload.get("name") or row["tool_name"] or "tool")
            yield ToolCall(call_id, "function", name, arguments, ToolCallState.COMPLETED)
        case "tool_result":
            yield _result(call_id, payload.get("name"), payload.get("output"), payload)
        case kind if text or payload:
            yield TextPart(str(text) if text else f"[{kind} {to_json(payload)}]")


def _result(call_id: str, name: object, output: object, beside: Mapping[str, Any]) -> Part:
    """The result of a tool, with the exception of a failed one."""
    failed = text_of(beside.get("exception"))
    state = ToolCallState.FAILED if failed else ToolCallState.COMPLETED
    text = "\n".join(dict.fromkeys(filter(None, (text_of(output), failed))))
    return ToolResultPart(call_id, text, str(name or ""), state)


def _piece(database: ForeignDatabase, piece: Mapping[str, Any]) -> str:
    if "literal" in piece:
        return str(piece["literal"])
    sql = "SELECT content FROM fragments WHERE id = ?"
    found = database.rows(sql, (piece.get("fragment"),))
    return str(found[0]["content"]) if found else ""


def _attached(
    database: ForeignDatabase, refs: Iterable[Mapping[str, Any]], leftovers: Leftovers
) -> Iterator[ImagePart | FilePart | TextPart]:
    for ref in refs:
        found = database.rows("SELECT * FROM attachments WHERE id = ?", (ref.get("id"),))
        if not found:
            yield TextPart(f"[attachment {text_of(ref.get('id'))}]")
            continue
        row = found[0]
        kind, content = str(row["type"] or ""), row["content"]
        place = str(row["path"] or row["url"] or f"{row['id'][:12]}")
        name = place.replace("\\", "/").rsplit("/", 1)[-1]
        if kind in SUFFIXES and isinstance(content, bytes):
            yield ImagePart(name, kind, content)
        elif kind.startswith("text/") and isinstance(content, bytes):
            yield FilePart(name, content.decode("utf-8", "replace"))
        else:
            if content:
                leftovers.add(f"content of an attachment of type {kind[:60]}", NO_PLACE)
            yield TextPart(f"[{kind or 'attachment'} {place}]")


def _conversation(database: ForeignDatabase, row: DatabaseRow) -> ForeignConversation:
    """A conversation of the older form."""
    where = "conversation_id = ?" if row["own"] is not None else "'r/' || id = ?"
    replies = database.rows(f"SELECT * FROM responses WHERE {where} ORDER BY rowid", (row["id"],))
    systems, leftovers = Systems(), Leftovers()
    turns = in_a_row(t for reply in replies for t in _reply(database, reply, systems, leftovers))
    at, left_out = turns[0].at if turns else None, leftovers.all
    return ForeignConversation(
        "llm", str(row["id"]), str(row["name"]), at, turns, systems.first, left_out=left_out
    )


def _reply(
    database: ForeignDatabase, row: DatabaseRow, systems: Systems, leftovers: Leftovers
) -> Iterator[ForeignTurn]:
    fields = dict(row)
    at, key = time_of_text(row["datetime_utc"]), str(row["id"])
    system = [f["content"] for f in _joined(database, "system_fragments", "fragment", key)]
    said = "\n".join(str(piece) for piece in (*system, row["system"]) if piece)
    yield from systems.turn(f"{key}/s", None, at, said)
    rows = [dict(r) for r in _beside(database, "tool_results", "ORDER BY id", key)]
    results = tuple(
        _result(str(r["tool_call_id"] or r["id"]), r["name"], r["output"], r) for r in rows
    )
    if results:
        yield ForeignTurn(f"{key}/t", Role.TOOL, results, at)
    asked = [f["content"] for f in _joined(database, "prompt_fragments", "fragment", key)]
    refs = [{"id": a["id"]} for a in _joined(database, "prompt_attachments", "attachment", key)]
    pieces = [str(piece) for piece in (*asked, row["prompt"]) if piece]
    parts = (*map(TextPart, pieces), *_attached(database, refs, leftovers))
    if parts:
        yield ForeignTurn(f"{key}/u", Role.USER, parts, at)
    calls = tuple(
        ToolCall(str(c["tool_call_id"] or c["id"]), "function", str(c["name"]),
                 arguments_of(c["arguments"]) or "{}", ToolCallState.COMPLETED)
        for c in _beside(database, "tool_calls", "ORDER BY id", key)
    )  # fmt: skip
    if fields.get("schema_id"):
        leftovers.add("schema of a reply", NO_PLACE)
    yield ForeignTurn(
        f"{key}/a",
        Role.ASSISTANT,
        (TextPart(str(row["response"] or "")),),
        at,
        model=str(fields.get("resolved_model") or row["model"] or ""),
        reasoning=str(fields.get("reasoning") or ""),
        calls=calls,
        usage=_usage(row),
        duration_ms=fields.get("duration_ms"),
        finish=FinishReason.TOOL_CALLS if calls else FinishReason.UNSTATED,
    )


def _beside(database: ForeignDatabase, table: str, order: str, key: str) -> list[DatabaseRow]:
    if not _has(database, table):
        return []
    sql = f"SELECT * FROM {table} WHERE response_id = ? {order}"
    return database.rows(sql, (key,))


def _joined(database: ForeignDatabase, links: str, what: str, key: str) -> list[DatabaseRow]:
    """The fragments or attachments of a response, in their order."""
    if not _has(database, links):
        return []
    sql = (
        f"SELECT x.* FROM {links} p JOIN {what}s x ON x.id = p.{what}_id "
        'WHERE p.response_id = ? ORDER BY p."order"'
    )
    return database.rows(sql, (key,))


def _usage(row: DatabaseRow) -> Usage | None:
    columns = row.keys()
    into, out = (
        row[name] if name in columns else None for name in ("input_tokens", "output_tokens")
    )
    if into is None and out is None:
        return None
    counts = count_of(into), count_of(out)
    total = sum(count or 0 for count in counts) if None not in counts else None
    return Usage(into, out, count_of(total))


def _sniff(tables: Mapping[str, set[str]]) -> bool:
    return {"conversation_id", "prompt", "response"} <= tables.get("responses", set())


LLM = DatabaseFormat(
    name="llm",
    title="llm",
    path="`logs.db`",
    content="the database, as a copy if the program is running",
    sniff=_sniff,
    count=_count,
    read=_read,
)

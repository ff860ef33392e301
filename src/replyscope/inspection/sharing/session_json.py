"""A session as JSON that says everything, and the session that such JSON says."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.json_values import (
    exchange_from_json,
    exchange_to_json,
    from_ms,
    parts_from_json,
    parts_to_json,
    settings_from_json,
    settings_to_json,
    to_ms,
)
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.session import Session
from replyscope.domain.shared import Clean, Shared

FORMAT = "replyscope/1"


def session_to_json(shared: Shared, clean: Clean | None = None) -> str:
    """The session with its whole tree, its exchanges and their wires."""
    session = shared.session
    value = {
        "format": FORMAT,
        "id": session.id,
        "title": session.title,
        "is_title_given": session.is_title_given,
        "created_at": to_ms(session.created_at),
        "updated_at": to_ms(session.updated_at),
        "deleted_at": to_ms(session.deleted_at) if session.deleted_at else None,
        "head_id": session.head_id,
        "draft": session.draft,
        "tags": list(shared.tags),
        "settings": settings_to_json(session.settings),
        "messages": [_message(message) for message in shared.messages],
        "exchanges": [_exchange(e, shared.records.get(e.id)) for e in shared.exchanges.values()],
    }
    return json.dumps(_cleaned(value, clean) if clean is not None else value)


def _cleaned(value: Any, clean: Clean) -> Any:
    """The value with every text cleaned; names of fields stay."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [_cleaned(one, clean) for one in value]
    if isinstance(value, dict):
        return {name: _cleaned(one, clean) for name, one in value.items()}
    return value


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "role": message.role.value,
        "parent_id": message.parent_id,
        "created_at": to_ms(message.created_at),
        "parts": parts_to_json(message.parts),
        "sources": [[source.exchange_id, source.choice_index] for source in message.sources],
    }


def _exchange(exchange: Exchange, record: WireRecord | None) -> dict[str, Any]:
    value = exchange_to_json(exchange)
    if record is None:
        return value
    value["frames"] = [[frame.at_ms, frame.text] for frame in record.frames]
    request = record.request
    if request is not None:
        value["request"] = {
            "method": request.method,
            "url": request.url,
            "headers": [list(pair) for pair in request.headers],
            **_body(request.body),
        }
    return value


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode("ascii")}


def session_from_json(value: Mapping[str, Any]) -> Shared:
    """The session of `session_to_json`. Raises ValueError, KeyError or TypeError for others."""
    if value.get("format") != FORMAT:
        raise ValueError(f"its format is {value.get('format')!r}, not {FORMAT}")
    deleted = value.get("deleted_at")
    session = Session(
        id=str(value["id"]),
        title=str(value["title"]),
        created_at=from_ms(value["created_at"]),
        updated_at=from_ms(value["updated_at"]),
        settings=settings_from_json(value.get("settings", {})),
        head_id=value.get("head_id"),
        is_title_given=bool(value.get("is_title_given")),
        draft=str(value.get("draft", "")),
        deleted_at=from_ms(deleted) if deleted is not None else None,
    )
    exchanges = {}
    records = {}
    for entry in value.get("exchanges", ()):
        exchange = exchange_from_json(entry)
        exchanges[exchange.id] = exchange
        records[exchange.id] = _record(entry)
    return Shared(
        session,
        tuple(_read_message(entry) for entry in value.get("messages", ())),
        exchanges,
        tuple(str(tag) for tag in value.get("tags", ())),
        records,
    )


def _read_message(entry: Mapping[str, Any]) -> Message:
    return Message(
        id=str(entry["id"]),
        role=Role(entry["role"]),
        parts=parts_from_json(entry.get("parts", ())),
        created_at=from_ms(entry["created_at"]),
        parent_id=entry.get("parent_id"),
        sources=tuple(ReplySource(key, int(index)) for key, index in entry.get("sources", ())),
    )


def _record(entry: Mapping[str, Any]) -> WireRecord:
    frames = tuple(WireFrame(float(at), str(text)) for at, text in entry.get("frames", ()))
    sent = entry.get("request")
    if sent is None:
        return WireRecord(None, frames)
    body = sent["body"].encode() if "body" in sent else base64.b64decode(sent["body_base64"])
    headers = tuple((str(name), str(text)) for name, text in sent.get("headers", ()))
    return WireRecord(RequestSent(str(sent["method"]), str(sent["url"]), headers, body), frames)

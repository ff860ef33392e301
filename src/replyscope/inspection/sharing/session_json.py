"""A session as JSON that says everything, and the session that such JSON says."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.field_types import check_shared
from replyscope.domain.finish import FinishReason
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
from replyscope.domain.shared import Shared
from replyscope.inspection.sharing.frame_redaction import clean_frames
from replyscope.inspection.sharing.redaction import Redactor

FORMAT = "replyscope/1"
_MOST_TAGS = 50
_KEPT = ("frames", "data")  # cleaned already, and bytes


def session_to_json(shared: Shared, clean: Redactor | None = None) -> str:
    """The session with its whole tree, its exchanges and their wires."""
    session = shared.session
    if clean is not None:
        records = {key: _cleaned_record(r, clean) for key, r in shared.records.items()}
        shared = replace(shared, records=records)
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


def _cleaned_record(record: WireRecord, clean: Redactor) -> WireRecord:
    return WireRecord(record.request, clean_frames(record.frames, clean))


def _cleaned(value: Any, clean: Redactor) -> Any:
    """The value with every text cleaned; names of fields and an image's bytes stay."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [_cleaned(one, clean) for one in value]
    if isinstance(value, dict):
        return {name: one if name in _KEPT else _cleaned(one, clean) for name, one in value.items()}
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
    """The session of `session_to_json`, every field of it checked.

    Raises ValueError, LookupError, TypeError, AttributeError, ArithmeticError or OSError for
    anything else.
    """
    if value.get("format") != FORMAT:
        raise ValueError(f"its format is {value.get('format')!r}, not {FORMAT}")
    exchanges = {}
    records = {}
    for entry in value.get("exchanges", ()):
        exchange = _settled(exchange_from_json(entry))
        exchanges[exchange.id] = exchange
        records[exchange.id] = _record(entry)
    messages = tuple(_read_message(entry) for entry in value.get("messages", ()))
    tags = _tags(value.get("tags", ()))
    shared = Shared(_read_session(value), messages, exchanges, tags, records)
    check_shared(shared)
    return shared


def _read_session(value: Mapping[str, Any]) -> Session:
    deleted = value.get("deleted_at")
    return Session(
        id=value["id"],
        title=value["title"],
        created_at=from_ms(value["created_at"]),
        updated_at=from_ms(value["updated_at"]),
        settings=settings_from_json(value.get("settings", {})),
        head_id=value.get("head_id"),
        is_title_given=bool(value.get("is_title_given")),
        draft=value.get("draft", ""),
        deleted_at=from_ms(deleted) if deleted is not None else None,
    )


def _settled(exchange: Exchange) -> Exchange:
    """An exchange that was live when it was written down: nobody goes on with it here."""
    if exchange.state.is_terminal or exchange.is_detached:
        return exchange
    choices = tuple(
        replace(choice, finish_reason=choice.finish_reason or FinishReason.TRUNCATED)
        for choice in exchange.choices
    )
    return replace(exchange, state=ExchangeState.TRUNCATED, choices=choices)


def _tags(values: Iterable[Any]) -> tuple[str, ...]:
    """Tags are words: what is none is left out."""
    words = (value for value in values if isinstance(value, str))
    kept = (w for w in words if w.isprintable() and 0 < len(w) <= 40 and not set(w) & set(' "()'))
    return tuple(dict.fromkeys(kept))[:_MOST_TAGS]


def _read_message(entry: Mapping[str, Any]) -> Message:
    return Message(
        id=entry["id"],
        role=Role(entry["role"]),
        parts=parts_from_json(entry.get("parts", ())),
        created_at=from_ms(entry["created_at"]),
        parent_id=entry.get("parent_id"),
        sources=tuple(ReplySource(key, index) for key, index in entry.get("sources", ())),
    )


def _record(entry: Mapping[str, Any]) -> WireRecord:
    frames = tuple(WireFrame(at, text) for at, text in entry.get("frames", ()))
    sent = entry.get("request")
    if sent is None:
        return WireRecord(None, frames)
    body = (
        sent["body"].encode("utf-8", "surrogatepass")
        if "body" in sent
        else base64.b64decode(sent["body_base64"])
    )
    headers = tuple((str(name), str(text)) for name, text in sent.get("headers", ()))
    return WireRecord(RequestSent(str(sent["method"]), str(sent["url"]), headers, body), frames)

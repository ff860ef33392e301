"""The JSON export of replyscope itself: a session with all of its data."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.field_types import check_fields
from replyscope.domain.finish import FinishReason
from replyscope.domain.import_format import EntryFormat
from replyscope.domain.item_bound import MOST_OWN_ITEM
from replyscope.domain.json_text import read_json
from replyscope.domain.json_values import (
    exchange_from_json,
    from_ms,
    parts_from_json,
    settings_from_json,
)
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.session import Session, SessionSettings
from replyscope.domain.shared import SESSION_FORMAT, Shared

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_MOST_TAGS = 50
_HEADING = re.compile(r'\s*\{\s*"format"\s*:\s*"' + re.escape(SESSION_FORMAT) + '"')
_OPENING = re.compile(_HEADING.pattern + r'\s*,\s*"sessions"\s*:\s*\[')
_ANY_VERSION = SESSION_FORMAT.partition("/")[0] + "/"


def session_from_json(value: Mapping[str, Any]) -> Shared:
    """The session of a JSON export, with every field validated.

    Raises ValueError, LookupError, TypeError, AttributeError, ArithmeticError or OSError for
    anything else.
    """
    if value.get("format") != SESSION_FORMAT:
        raise ValueError(f"its format is {value.get('format')!r}, not {SESSION_FORMAT}")
    exchanges = {}
    records = {}
    for entry in value.get("exchanges", ()):
        exchange = _settled(exchange_from_json(entry))
        check_fields(exchange)
        exchanges[exchange.id] = exchange
        records[exchange.id] = _record(entry)
    messages = tuple(_read_message(entry) for entry in value.get("messages", ()))
    session = _read_session(value)
    _check_ids([session.id])
    _check_ids([message.id for message in messages])
    _check_ids(list(exchanges))
    return Shared(session, messages, exchanges, _tags(value.get("tags", ())), records)


def _read_session(value: Mapping[str, Any]) -> Session:
    deleted = value.get("deleted_at")
    session = Session(
        id=value["id"],
        title=value["title"],
        created_at=from_ms(value["created_at"]),
        updated_at=from_ms(value["updated_at"]),
        settings=_settings(value.get("settings", {})),
        head_id=value.get("head_id"),
        is_title_given=bool(value.get("is_title_given")),
        draft=value.get("draft", ""),
        deleted_at=from_ms(deleted) if deleted is not None else None,
        source=value.get("source", ""),
        client=value.get("client", ""),
    )
    check_fields(session)
    return session


_NOT_IMPORTED = frozenset(
    ("messages", "input", "instructions", "model", "stream", "tools", "functions")
)
"""Fields that an imported `extra` can't replace: the person would not see what is sent."""


def _settings(value: Any) -> SessionSettings:
    settings = settings_from_json(value)
    for _, other in settings.parameters.others or ():
        read_json(other)
    extra = read_json(settings.parameters.extra or "{}")
    if not isinstance(extra, dict):
        raise ValueError("extra is not a JSON object")
    kept = {name: one for name, one in extra.items() if name not in _NOT_IMPORTED}
    if kept == extra:
        return settings
    text = json.dumps(kept, ensure_ascii=False) if kept else None
    return replace(settings, parameters=replace(settings.parameters, extra=text))


def _settled(exchange: Exchange) -> Exchange:
    """The exchange in a terminal state: one that was running when it was exported is truncated."""
    if exchange.state.is_terminal or exchange.is_detached:
        return exchange
    choices = tuple(
        replace(choice, finish_reason=choice.finish_reason or FinishReason.TRUNCATED)
        for choice in exchange.choices
    )
    return replace(exchange, state=ExchangeState.TRUNCATED, choices=choices)


def _check_ids(ids: list[str]) -> None:
    """Raise ValueError for ids that are not unique or not of plain characters."""
    for key in ids:
        if not _ID.fullmatch(key):
            raise ValueError(f"{key[:80]!r} is not a valid id")
    if len(set(ids)) != len(ids):
        raise ValueError("two messages have the same id")


def _tags(values: Iterable[Any]) -> tuple[str, ...]:
    """The tags that are single words."""
    words = (value for value in values if isinstance(value, str))
    kept = (w for w in words if w.isprintable() and 0 < len(w) <= 40 and not set(w) & set(' "()'))
    return tuple(dict.fromkeys(kept))[:_MOST_TAGS]


def _read_message(entry: Mapping[str, Any]) -> Message:
    message = Message(
        id=entry["id"],
        role=Role(entry["role"]),
        parts=parts_from_json(entry.get("parts", ())),
        created_at=from_ms(entry["created_at"]),
        parent_id=entry.get("parent_id"),
        sources=tuple(ReplySource(key, index) for key, index in entry.get("sources", ())),
    )
    check_fields(message)
    return message


def _record(entry: Mapping[str, Any]) -> WireRecord:
    frames = tuple(WireFrame(at, text) for at, text in entry.get("frames", ()))
    for frame in frames:
        check_fields(frame)
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


def _sniff(entry: Mapping[str, Any]) -> bool:
    """Whether a value is a session of any version, and not a list of sessions."""
    is_list = isinstance(entry.get("sessions"), list) and "messages" not in entry
    return str(entry.get("format")).startswith(_ANY_VERSION) and not is_list


REPLYSCOPE = EntryFormat(
    name="replyscope",
    title="replyscope",
    path="a JSON export",
    content="every field, the recorded wire included",
    sniff=_sniff,
    read=session_from_json,
    opening=_OPENING,
    heading=_HEADING,
    most_item=MOST_OWN_ITEM,
)
